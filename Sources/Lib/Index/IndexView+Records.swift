public import Mailbox

/// From a message of the view to its record in the index, and back from what this session changed there.
extension IndexView {
    /// Locks, follows the mailbox, and lends it for reading; expunged messages keep their places.
    public func withRecords<R>(_ body: (borrowing MailboxView) throws(MailboxError) -> R) throws(MailboxError) -> R {
        let lock = try store.lock(user: mailbox.name.user, .shared)
        let view = try mailbox.read(under: lock, checking: .ends)
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
    func number(_ place: Int, _ change: borrowing MailboxChange) throws(MailboxError) -> Int? {
        let number = change.firstRecord(atLeast: UID(messages[place].uid))
        guard number <= change.recordCount else { return nil }
        let record = try change.record(number)
        return record.uid.rawValue == messages[place].uid ? number : nil
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
}
