import Bytes
public import Mailbox
import Posix

/// A session's view of one mailbox: which message has which number, what the session was told of each (Cyrus `index_state`).
///
/// Messages that others expunge keep their numbers until the session may be told (`takeChanges(mayExpunge: true)`).
/// Holds no lock between calls.
public final class IndexView {
    public let store: MailStore
    public let mailbox: Mailbox
    public let identity: Identity
    /// Opened by SELECT: flags may be changed, \Recent is taken.
    public let isReadWrite: Bool
    /// What the session may do here, as of the last refresh.
    public private(set) var rights: Rights

    /// By sequence number, first message at 0.
    public private(set) var messages: [Message] = []
    /// As of the last refresh.
    public private(set) var header: IndexHeader
    /// Names of keywords by slot, as of the last refresh.
    public private(set) var keywords: [[UInt8]] = []
    /// Copies are made whatever quotas say (imapd -q).
    public var ignoresQuota = false
    private var generation: UInt32
    private var toldExists = 0
    private var toldKeywords: [[UInt8]] = []
    private var seen: SeenState?

    /// What is kept of a message: 40 bytes.
    public struct Message: Sendable {
        public var uid: UInt32
        /// Its number in cyrus.index, as of the last refresh.
        var record: UInt32
        public var flags: MessageFlags
        var state: State
        public var modSeq: UInt64
        public var userFlags: UserFlags

        struct State: OptionSet {
            let rawValue: UInt32
            static let recent = State(rawValue: 1)
            /// Gone, but the session has not been told.
            static let expunged = State(rawValue: 2)
            /// Flags changed since the session was told.
            static let changed = State(rawValue: 4)
        }

        public var isRecent: Bool { state.contains(.recent) }
        public var isExpunged: Bool { state.contains(.expunged) }
    }

    /// Opens a mailbox for a session. The caller has checked that `identity` may read it.
    public init(_ store: MailStore, _ mailbox: Mailbox, as identity: Identity, readWrite: Bool) throws(MailboxError) {
        self.store = store
        self.mailbox = mailbox
        self.identity = identity
        isReadWrite = readWrite
        rights = store.rights(of: identity, on: mailbox.entry)
        header = IndexHeader()
        generation = 0
        var takesRecent = false
        do {
            let lock = try store.lock(user: mailbox.name.user, .shared)
            let view = try mailbox.read(under: lock)
            header = view.header
            generation = header.generation
            keywords = view.headerFile.userFlags
            if usesSeenStore {
                if let user = identity.user, let id = mailbox.entry.uniqueID { seen = try SeenState(store, user: user, id) }
            }
            let recentUID = seen?.record.lastUID ?? header.recentUID
            messages.reserveCapacity(Int(header.exists))
            try view.forEachRecord { number, record throws(MailboxError) in
                let flags = record.flags
                if flags.contains(.expunged) { return }
                guard record.isIntact else { throw damage(number) }
                var message = Message(
                    uid: record.uid.rawValue, record: UInt32(number), flags: flags, state: [], modSeq: record.modSeq.rawValue,
                    userFlags: record.userFlags)
                if message.uid > recentUID.rawValue { message.state.insert(.recent) }
                applySeen(&message)
                messages.append(message)
            }
            takesRecent = readWrite && rights.contains(.seen) && header.lastUID > recentUID
        }
        if takesRecent { try takeRecent() }
        toldExists = messages.count
        toldKeywords = keywords
    }

    private func damage(_ number: Int) -> MailboxError {
        .damaged(
            path: "\(mailbox.dataDirectory)/cyrus.index", offset: 160 + (number - 1) * 112, expected: "a record with a right CRC",
            found: "a wrong one")
    }

    // MARK: \Seen and \Recent

    /// \Seen of the owner, and of everybody with sharedseen, stands in the index; others have it in their seen.db.
    private var usesSeenStore: Bool {
        // Before version 12 the owner's \Seen was kept there as well.
        if header.minorVersion < 12 { return identity.user != nil }
        guard let user = identity.user, mailbox.name.user != user else { return false }
        return !header.options.contains(.sharedSeen)
    }

    /// A non-owner's seen.db record of this mailbox.
    final class SeenState {
        let database: SeenStore
        let id: UniqueID
        var record: SeenStore.Record
        var seen: SequenceSet

        init(_ store: MailStore, user: String, _ id: UniqueID) throws(MailboxError) {
            database = try store.seen(of: user)
            self.id = id
            record = try database.find(id)
            seen = SequenceSet(record.seen.span.bytes) ?? SequenceSet()
        }
    }

    private func applySeen(_ message: inout Message) {
        guard let seen else { return }
        if seen.seen.contains(message.uid) { message.flags.insert(.seen) } else { message.flags.remove(.seen) }
    }

    /// Notes that the session was told of all messages so far as recent: others will not be.
    private func takeRecent() throws(MailboxError) {
        let last = header.lastUID
        if let seen {
            seen.record.lastUID = last
            seen.record.lastRead = Clock.now
            try seen.database.store(seen.id, seen.record)
            return
        }
        let lock = try store.lock(user: mailbox.name.user, .exclusive)
        var change = try mailbox.change(under: lock)
        change.updateHeader { header in
            header.recentUID = max(header.recentUID, last)
            header.recentTime = Clock.now
        }
        let sawAll = isUpToDate(mailbox.header)
        try change.commit()
        if sawAll { header = mailbox.header }
    }

    /// Writes a non-owner's \Seen set.
    func storeSeen() throws(MailboxError) {
        guard let seen else { return }
        var set = SequenceSet()
        for message in messages where message.flags.contains(.seen) && !message.isExpunged { set.append(message.uid) }
        seen.seen = set
        var text: [UInt8] = []
        text.append(set)
        seen.record.seen = text
        seen.record.lastChange = Clock.now
        try seen.database.store(seen.id, seen.record)
        if let user = identity.user { for observer in store.observers { observer.event(.seen(user: user, seen.id)) } }
    }

    var keepsSeenApart: Bool { seen != nil }

    // MARK: numbers

    public var count: Int { messages.count }
    public var recentCount: Int { messages.count(where: \.isRecent) }
    /// The number of the first message without \Seen, from 1.
    public var firstUnseen: Int? { messages.firstIndex { !$0.flags.contains(.seen) }.map { $0 + 1 } }
    public var lastUID: UInt32 { messages.last?.uid ?? 0 }

    /// The place of the first message with at least that UID.
    public func index(atLeastUID uid: UInt32) -> Int {
        var low = 0
        var high = messages.count
        while low < high {
            let middle = (low + high) / 2
            if messages[middle].uid < uid { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Places of the messages a set names, in order. Numbers beyond the last message are passed over.
    public func indices(_ set: SequenceSet, uid: Bool) -> [Int] {
        var found: [Int] = []
        if uid {
            // `*` is the last message's UID, also when a range starts beyond it.
            for range in set.resolved(last: max(1, lastUID)) {
                var place = index(atLeastUID: range.lowerBound)
                while place < messages.count, messages[place].uid <= range.upperBound {
                    found.append(place)
                    place += 1
                }
            }
            return found
        }
        for range in set.resolved(last: UInt32(max(1, count))) {
            guard Int(range.lowerBound) <= count else { break }
            found.append(contentsOf: (Int(range.lowerBound) - 1)...(min(Int(range.upperBound), count) - 1))
        }
        return found
    }

    /// Whether every number of a set is one of a message (sequence numbers only).
    public func covers(_ set: SequenceSet) -> Bool {
        set.ranges.allSatisfy { Int($0.low) <= count && Int($0.high) <= count && (count > 0 || ($0.low == 0 && $0.high == 0)) }
    }

    // MARK: following the mailbox

    /// Sees what has changed. The session is told of it by `takeChanges`.
    public func refresh() throws(MailboxError) {
        let lock = try store.lock(user: mailbox.name.user, .shared)
        let view = try mailbox.read(under: lock)
        try absorb(view)
    }

    /// Brings the view to the state of a locked mailbox.
    func absorb(_ view: borrowing MailboxView) throws(MailboxError) {
        let now = view.header
        rights = store.rights(of: identity, on: mailbox.entry)
        let isSame = isUpToDate(now)
        header = now
        guard !isSame else { return }
        generation = now.generation
        keywords = view.headerFile.userFlags
        try merge(view)
    }

    /// One walk over the records and the messages, both in order of UID.
    private func merge(_ view: borrowing MailboxView) throws(MailboxError) {
        let known = messages.count
        var place = 0
        try view.forEachRecord { number, record throws(MailboxError) in
            let uid = record.uid.rawValue
            // Messages whose record a repack dropped.
            while place < known, messages[place].uid < uid {
                messages[place].state.insert(.expunged)
                place += 1
            }
            let flags = record.flags
            if place < known, messages[place].uid == uid {
                messages[place].record = UInt32(number)
                let modSeq = record.modSeq.rawValue
                if modSeq != messages[place].modSeq || flags != messages[place].flags {
                    let isIntact = record.isIntact
                    guard isIntact else { throw damage(number) }
                    let userFlags = record.userFlags
                    update(place, flags, userFlags, modSeq)
                }
                place += 1
            } else if place >= known, !flags.contains(.expunged), uid > (messages.last?.uid ?? 0) {
                let isIntact = record.isIntact
                guard isIntact else { throw damage(number) }
                var message = Message(
                    uid: uid, record: UInt32(number), flags: flags, state: .recent, modSeq: record.modSeq.rawValue,
                    userFlags: record.userFlags)
                applySeen(&message)
                messages.append(message)
            }
        }
        while place < known {
            messages[place].state.insert(.expunged)
            place += 1
        }
    }

    private func update(_ place: Int, _ flags: MessageFlags, _ userFlags: UserFlags, _ modSeq: UInt64) {
        var message = messages[place]
        let before = message
        message.flags = flags
        message.userFlags = userFlags
        message.modSeq = modSeq
        applySeen(&message)
        if flags.contains(.expunged) {
            message.state.insert(.expunged)
        } else if message.flags.intersection(.system) != before.flags.intersection(.system) || message.userFlags != before.userFlags {
            message.state.insert(.changed)
        }
        messages[place] = message
    }

    /// What the session is to be told now.
    public struct Changes: Sendable {
        /// Sequence numbers in the order to be told: each already counts those told before as gone.
        public var expunged: [Int] = []
        public var expungedUIDs: [UInt32] = []
        /// The new number of messages, when it is to be told.
        public var exists: Int?
        public var recent = 0
        /// Keywords changed: FLAGS and PERMANENTFLAGS are to be told.
        public var keywordsChanged = false
        /// Places of messages whose flags changed.
        public var flagged: [Int] = []
    }

    /// Hands over what the session was not told yet. Expunged messages stay while they may not be told (RFC 3501 7.4.1).
    public func takeChanges(mayExpunge: Bool) -> Changes {
        var changes = Changes()
        if mayExpunge, messages.contains(where: \.isExpunged) {
            var gone = 0
            var kept: [Message] = []
            kept.reserveCapacity(messages.count)
            for (place, message) in messages.enumerated() {
                if message.isExpunged {
                    changes.expunged.append(place + 1 - gone)
                    changes.expungedUIDs.append(message.uid)
                    gone += 1
                } else {
                    kept.append(message)
                }
            }
            messages = kept
            toldExists -= gone
        }
        if messages.count != toldExists {
            toldExists = messages.count
            changes.exists = messages.count
            changes.recent = recentCount
        }
        if keywords != toldKeywords {
            toldKeywords = keywords
            changes.keywordsChanged = true
        }
        for place in messages.indices where messages[place].state.contains(.changed) && !messages[place].isExpunged {
            messages[place].state.remove(.changed)
            changes.flagged.append(place)
        }
        return changes
    }

    /// Takes \Recent of messages that came since the mailbox was selected (after they were told).
    public func claimRecent() throws(MailboxError) {
        guard isReadWrite, rights.contains(.seen) else { return }
        let known = seen?.record.lastUID ?? header.recentUID
        if lastUID > known.rawValue { try takeRecent() }
    }

    /// Whether flags of a message changed without the session having been told.
    public func isToBeTold(_ place: Int) -> Bool {
        messages[place].state.contains(.changed) && !messages[place].isExpunged
    }

    /// The message at a place was shown with its flags: it need not be told again.
    public func noteTold(_ place: Int) {
        messages[place].state.remove(.changed)
    }

    /// Keywords were shown.
    public func noteKeywordsTold() {
        toldKeywords = keywords
    }

    // MARK: records

    /// Locks, follows the mailbox, and lends it for reading; expunged messages keep their places.
    public func withRecords<R>(_ body: (borrowing MailboxView) throws(MailboxError) -> R) throws(MailboxError) -> R {
        let lock = try store.lock(user: mailbox.name.user, .shared)
        let view = try mailbox.read(under: lock)
        try absorb(view)
        return try body(view)
    }

    /// The index record of a message, within `withRecords`; nil when a repack dropped it.
    public func record(_ place: Int, _ view: borrowing MailboxView) throws(MailboxError) -> IndexRecord? {
        let message = messages[place]
        guard Int(message.record) <= view.recordCount else { return nil }
        let record = try view.record(Int(message.record))
        return record.uid.rawValue == message.uid ? record : nil
    }

    /// As `record`, within a change.
    func number(_ place: Int, _ change: borrowing MailboxChange) -> Int? {
        let number = change.firstRecord(atLeast: UID(messages[place].uid))
        guard number <= change.recordCount, let record = try? change.record(number), record.uid.rawValue == messages[place].uid else {
            return nil
        }
        return number
    }

    /// Sets what a change of this session's own made of a message; `silent` does not tell it again.
    func note(_ place: Int, _ record: IndexRecord, silent: Bool) {
        var message = messages[place]
        let seenBefore = message.flags.contains(.seen)
        message.flags = record.flags
        if seen != nil { if seenBefore { message.flags.insert(.seen) } else { message.flags.remove(.seen) } }
        message.userFlags = record.userFlags
        let isChanged = message.modSeq != record.modSeq.rawValue
        message.modSeq = record.modSeq.rawValue
        if record.isExpunged { message.state.insert(.expunged) } else if !silent, isChanged { message.state.insert(.changed) }
        messages[place] = message
    }

    func noteSeen(_ place: Int, _ isSeen: Bool, silent: Bool) {
        if isSeen { messages[place].flags.insert(.seen) } else { messages[place].flags.remove(.seen) }
        if !silent { messages[place].state.insert(.changed) }
    }

    /// Whether this view has seen everything that a header tells of.
    func isUpToDate(_ now: IndexHeader) -> Bool {
        now.highestModSeq == header.highestModSeq && now.recordCount == header.recordCount && now.generation == generation
            && now.exists == header.exists
    }

    /// After a change of this session's own. `sawAll`: the view was up to date when the change began; otherwise what others did in between
    /// is still to be merged, and the header stays old so that the next refresh does it.
    func noteHeader(_ keywords: [[UInt8]], sawAll: Bool) {
        guard sawAll else { return }
        header = mailbox.header
        generation = mailbox.header.generation
        self.keywords = keywords
    }
}
