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
    public internal(set) var rights: Rights

    /// By sequence number, first message at 0.
    public internal(set) var messages: [Message] = []
    /// As of the last refresh.
    public internal(set) var header: IndexHeader
    /// Names of keywords by slot, as of the last refresh.
    public internal(set) var keywords: [[UInt8]] = []
    /// Copies are made whatever quotas say (imapd -q).
    public var ignoresQuota = false
    var generation: UInt32
    var toldExists = 0
    var toldKeywords: [[UInt8]] = []
    var seen: SeenState?

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
            var recentUID = UID.none
            try mailbox.walk(under: lock) { view throws(MailboxError) in
                header = view.header
                generation = header.generation
                keywords = view.headerFile.userFlags
                seen = nil
                if usesSeenStore, let user = identity.user, let id = mailbox.entry.uniqueID { seen = try SeenState(store, user: user, id) }
                recentUID = seen?.record.lastUID ?? header.recentUID
                messages.removeAll()
                messages.reserveCapacity(Int(header.exists))
            } _: { number, record in
                let flags = record.flags
                if flags.contains(.expunged) { return }
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

    func applySeen(_ message: inout Message) {
        guard let seen else { return }
        if seen.seen.contains(message.uid) { message.flags.insert(.seen) } else { message.flags.remove(.seen) }
    }

    /// Notes that the session was told of all messages so far as recent: others will not be.
    func takeRecent() throws(MailboxError) {
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
}
