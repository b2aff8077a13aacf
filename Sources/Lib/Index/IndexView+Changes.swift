import Bytes
import Mailbox

/// What changed in the mailbox, and what of it the session was told.
extension IndexView {
    /// Sees what has changed. The session is told of it by `takeChanges`.
    public func refresh() throws(MailboxError) {
        let lock = try store.lock(user: mailbox.name.user, .shared)
        let view = try mailbox.read(under: lock, checking: .ends)
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
                    // Read alone, a damaged record is an error, and is repaired at the next lock.
                    let isIntact = record.isIntact
                    if !isIntact { _ = try view.record(number) }
                    let userFlags = record.userFlags
                    update(place, flags, userFlags, modSeq)
                }
                place += 1
            } else if place >= known, !flags.contains(.expunged), uid > (messages.last?.uid ?? 0) {
                let isIntact = record.isIntact
                if !isIntact { _ = try view.record(number) }
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
