import Bytes
import CyrusDB
import Posix

extension MailStore {
    /// Whether a mailbox's messages are in a conversations.db: not those of deleted mailboxes and of JMAP's outbox.
    func keepsConversations(_ entry: MailboxEntry) -> Bool {
        configuration[.conversations] && !entry.name.isDeleted && entry.type.kind != .submission
    }

    var copyLimits: CopyLimits {
        CopyLimits(
            records: Int(configuration[.conversations_max_guidrecords]), exists: Int(configuration[.conversations_max_guidexists]),
            inFolder: Int(configuration[.conversations_max_guidinfolder]))
    }

    func conversationsPath(_ name: MailboxName) throws(MailboxError) -> String {
        guard let user = name.user else { return layout.sharedPath(.conversations, domain: name.domain) }
        return try userPath(.conversations, user: user)
    }

    /// Opens the conversations.db that a mailbox belongs to, in a transaction. The user's lock must be held exclusively.
    /// `other` is a copy of it that is to be worked on instead.
    func openConversations(_ name: MailboxName, path other: String? = nil) throws(MailboxError) -> ConversationsDatabase {
        let path = if let other { other } else { try conversationsPath(name) }
        let engine = try engine(.conversations_db)
        let file = try inDatabase { () throws(CyrusDBError) in try databases.open(path, engine, [.create, .convert]) }
        // Kept open until another user's is wanted.
        openedConversations = file
        let database = try ConversationsDatabase(file, flags: configuration[.conversations_counted_flags] ?? "")
        if let user = name.user, let trash = try list.find(MailboxName.inbox(of: user).child("Trash")), trash.isRegular {
            database.trash = database.folderKey(trash)
        }
        database.longest = UInt32(clamping: configuration[.conversations_max_thread])
        database.continuation = { [unowned self] cid in continuation(of: cid, name) }
        var known: [[UInt8]: Bool] = [:]
        let isByName = database.isByName
        database.isMailFolder = { [unowned self] key in
            if let answer = known[key] { return answer }
            let answer = isMailFolder(key, isByName: isByName)
            known[key] = answer
            return answer
        }
        return database
    }

    private func isMailFolder(_ key: [UInt8], isByName: Bool) -> Bool {
        let text = key.span.bytes.text
        let entry = isByName ? try? list.find(MailboxName(text)) : UniqueID(text).flatMap { try? list.find($0) }
        guard let entry, !entry.type.isDeleted else { return false }
        return entry.type.kind == .email || entry.type.kind == .netnews
    }

    /// Says that conversations.db does not follow, and what to do.
    func conversationsAreBehind(_ name: MailboxName, _ error: MailboxError) {
        let path = (try? conversationsPath(name)) ?? "conversations.db"
        let whose = name.user ?? "the shared mailboxes"
        logger.error(
            "IOERROR: \(path) does not have the last change of \(name): \(error); run ctl_conversationsdb -R for \(whose)")
    }

    /// Rewrites the file when enough of it is dead.
    func tidy(_ database: ConversationsDatabase) {
        do throws(CyrusDBError) {
            try database.database.checkpointIfNeeded()
        } catch {
            logger.error("DBERROR: \(database.path): \(error)")
        }
    }

    /// One change of a conversations.db on its own; what goes wrong is logged.
    private func changeConversations(_ entry: MailboxEntry, _ body: (ConversationsDatabase, _ folder: [UInt8]) throws(MailboxError) -> Void)
    {
        guard keepsConversations(entry) else { return }
        do throws(MailboxError) {
            let database = try openConversations(entry.name)
            try body(database, database.folderKey(entry))
            try database.flush()
            try database.commit()
            tidy(database)
        } catch {
            conversationsAreBehind(entry.name, error)
        }
    }

    /// A new mailbox has a status from the start.
    func enterConversations(_ entry: MailboxEntry) {
        changeConversations(entry) { database, folder throws(MailboxError) in try database.raise(folder, to: entry.folderModSeq) }
    }

    /// Takes all of a mailbox's messages out of the conversations, and frees its number: it is to be deleted, or given to another user.
    /// The mailbox must be locked; `keywords` are those of its cyrus.header.
    func leaveConversations(_ mailbox: Mailbox, keywords: [[UInt8]], modSeq: ModSeq) {
        changeConversations(mailbox.entry) { database, folder throws(MailboxError) in
            if database.folders.contains(folder) {
                let number = database.folderNumber(folder)
                for place in 1..<(Int(mailbox.header.recordCount) + 1) {
                    let record = try mailbox.record(place)
                    if record.isUnlinked { continue }
                    let source = try mailbox.conversationSource(record)
                    try database.apply(
                        ConversationChange(old: record, new: nil, source: source, folder: (folder, number), keywords: keywords), limits: nil
                    )
                }
                database.dropFolder(folder)
            }
            try database.raise(folder, to: modSeq)
        }
    }
}

// With conversations, changes of a quota count among the user's changes.
extension MailStore {
    /// The next of the counters that a quota root's changes are counted in; nil without conversations.
    func nextQuotaModSeq(_ root: String) throws(MailboxError) -> ModSeq? {
        guard configuration[.conversations] else { return nil }
        var counters = try UserCounters(path: try countersPath(MailboxName(root)))
        let next = counters.nextQuota()
        try counters.write()
        return next
    }

    /// Adds to what is used, in a change of its own.
    func adjustQuota(_ root: String, by difference: QuotaUsage) throws(MailboxError) {
        try quotas.adjust(root, by: difference, modSeq: nextQuotaModSeq(root))
    }
}
