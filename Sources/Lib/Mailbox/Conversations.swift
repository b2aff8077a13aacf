import Bytes
import Message
import Posix

// conversations.db beside a mailbox's commit.
//
// The transaction is begun, and everything is written into it, before the index is: the conversation of a new message belongs in its index
// record. It is committed after the index was synced, as Debian's Cyrus does; the user's exclusive lock is held all the while.
//
// - The process dies, or the index cannot be written, before the index is synced: the transaction is undone (by abort, or by the next
//   opening of the file). Nothing is counted that is not there.
// - It dies between the two: the message is there, with its conversation in its record, and acknowledged to nobody yet; it is
//   not counted in conversations.db until its flags change or `ctl_conversationsdb -R` is run. Debian's Cyrus leaves the same.
//   The other order would leave counted what is not there, under a UID that the next message gets.
// - conversations.db is damaged or cannot be written: the mail matters more. The mailbox is changed without it, and the log says which
//   file is behind and that `ctl_conversationsdb -R` puts it right.

extension PendingChange {
    /// Gives new messages their conversation, and writes what changed into the transaction, not yet committed.
    ///
    /// Fails only when there are more copies of a message than `conversations_max_guid…` allow.
    func updateConversations() throws(MailboxError) {
        let entry = mailbox.entry
        guard store.keepsConversations(entry) else { return }
        let numbers = joinsConversations ? Array(1..<(recordCount + 1)) : changedNumbers
        guard !numbers.isEmpty || raisesModSeq else { return }
        do throws(MailboxError) {
            let database = try store.openConversations(entry.name)
            // Dropped when something throws: the transaction is undone then.
            let key = database.folderKey(entry)
            for number in numbers { try updateConversation(number, database, key) }
            if numbers.isEmpty { try database.raise(key, to: header.highestModSeq) }
            try database.flush()
            conversations = database
        } catch {
            if case .tooManyCopies = error { throw error }
            store.conversationsAreBehind(entry.name, error)
        }
    }

    private func updateConversation(_ number: Int, _ database: ConversationsDatabase, _ key: [UInt8]) throws(MailboxError) {
        var old = joinsConversations ? nil : try recordBefore(number)
        var new = Optional(try record(number))
        // A message whose file is gone is as if it were not there. One that is expunged and gone at once is both, one after the other.
        if old?.isUnlinked ?? false { old = nil }
        let vanishes = new?.isUnlinked ?? false
        if vanishes, let before = old, !before.isExpunged { new?.flags.remove(.unlinked) } else if vanishes { new = nil }
        guard let present = new ?? old else { return }
        let source = try mailbox.conversationSource(present)
        if old == nil || assignsMissing && old?.cid == ConversationID.none, let record = new {
            let found = try database.assign(record, source, now: now)
            setConversation(number, found.cid)
            try noteBase(found.base, number)
            new = try self.record(number)
        }
        var change = ConversationChange(
            old: old, new: new, source: source, folder: (key, database.folderNumber(key)), keywords: headerFile.userFlags)
        try database.apply(change, limits: old == nil ? store.copyLimits : nil)
        if vanishes, new != nil {
            (change.old, change.new) = (new, nil)
            try database.apply(change, limits: nil)
        }
    }

    /// A message split off a long conversation has that one's number for an annotation, and a flag that says so; so has a copy of it.
    private func noteBase(_ base: ConversationID?, _ number: Int) throws(MailboxError) {
        let record = try record(number)
        let scope = String(record.uid.rawValue)
        if let base {
            var value: [UInt8] = []
            value.append(hex: base.rawValue, width: 16)
            let item = AnnotationStore.Annotation(
                scope: scope, entry: ConversationSplit.baseEntry, user: "", value: value, modSeq: record.modSeq, isDeleted: false)
            annotate(item, replacing: nil)
        }
        if annotations.contains(where: { $0.scope == scope && $0.entry == ConversationSplit.baseEntry && !$0.isDeleted }) {
            try update(number, silent: true) { $0.flags.insert(.splitConversation) }
        }
    }

    /// The index is safe: now the conversations.
    func commitConversations() {
        guard let database = conversations else { return }
        conversations = nil
        do throws(MailboxError) {
            try database.commit()
            store.tidy(database)
            try store.noteContinuations(database.continuations, of: mailbox.name, at: header.highestModSeq)
        } catch {
            store.conversationsAreBehind(mailbox.name, error)
        }
    }
}

extension Mailbox {
    /// What the conversation rules need of a message, from its cache record.
    func conversationSource(_ record: IndexRecord) throws(MailboxError) -> ConversationSource {
        try withCache(record) { bytes throws(MailboxError) -> ConversationSource in
            do throws(CacheDamage) {
                return ConversationSource(cache: try CacheView(bytes))
            } catch {
                throw .damaged(
                    path: "\(name) cyrus.cache", offset: error.offset, expected: "the cache record of UID \(record.uid)",
                    found: error.description)
            }
        }
    }
}
