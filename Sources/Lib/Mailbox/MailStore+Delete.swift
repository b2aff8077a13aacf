public import Configuration
import CyrusDB
import Bytes
import Posix

extension MailStore {
    /// Whether deleting keeps the mailbox for a while under DELETED (`delete_mode: delayed`).
    public var deletesDelayed: Bool { configuration[.delete_mode] == "delayed" }

    /// Deletes a mailbox as `delete_mode` says; the caller has checked rights. With `force`, at once in any case.
    public func delete(_ entry: MailboxEntry, force: Bool = false, under user: borrowing UserLock) throws(MailboxError) {
        if deletesDelayed, !force, !entry.name.isDeleted {
            var time = Clock.now
            // Two deletions of one name within a second get different names.
            while try list.find(entry.name.deleted(at: time)) != nil { time += 1 }
            try rename(entry, to: entry.name.deleted(at: time), under: user)
            return
        }
        try remove(entry, under: user)
    }

    /// Removes a mailbox for good.
    ///
    /// The order: the quota root is told, under the mark of Mailbox+Quota.swift; the records of mailboxes.db become tombstones; the index
    /// header is marked as deleted, so that sessions of Cyrus that have it open stop; then files go. A crash before the tombstones leaves
    /// the mailbox as it was, one after them files that no record names.
    private func remove(_ entry: MailboxEntry, under user: borrowing UserLock) throws(MailboxError) {
        let mailbox = try mailbox(entry)
        guard let lock = try NameLock(locks, entry, .exclusive) else { throw .locked(entry.name.text) }
        defer { lock.keep() }
        var modSeq = ModSeq(entry.folderModSeq.rawValue + 1)
        do throws(MailboxError) {
            try mailbox.lock(.exclusive)
            modSeq = try deletionModSeq(entry, after: max(mailbox.header.highestModSeq, entry.folderModSeq))
            if let root = mailbox.headerFile.quotaRoot {
                if mailbox.header.quotaInDoubt {
                    // Of a crash before: what the root knows of this mailbox is found by counting.
                    try mailbox.settleQuota(under: user)
                }
                try mailbox.markQuota(inDoubt: true, durably: true)
                try adjustQuota(root, by: QuotaUsage() - (mailbox.header.usage + QuotaUsage(folders: 1)))
            }
            leaveConversations(mailbox, keywords: mailbox.headerFile.userFlags, modSeq: modSeq)
        } catch {
            // A mailbox whose files are damaged or gone can still be deleted.
            mailbox.unlock()
            logger.warning("deleting \(entry.name) with unreadable files: \(error)")
        }
        defer {
            mailbox.unlock()
            mailbox.closeFiles()
        }
        var tombstone = MailboxEntry(name: entry.name)
        tombstone.type = MailboxType(entry.type.kind, .deleted)
        tombstone.uniqueID = entry.uniqueID
        tombstone.uidValidity = entry.uidValidity
        tombstone.createdModSeq = entry.createdModSeq
        tombstone.folderModSeq = modSeq
        tombstone.modified = Clock.now
        try list.bury(tombstone)
        markDeleted(mailbox)
        removeFiles(entry, except: nil)
        if let id = entry.uniqueID { try annotations.removeAll(scope: id.text) }
        logger.notice("Deleted mailbox \(entry.name)")
        audit?.deleted(entry)
        tell(.unmailbox(entry.name))
    }

    /// Tells those that have the files open, when the index could be locked. Failing changes nothing: no record names the mailbox any more.
    private func markDeleted(_ mailbox: Mailbox) {
        guard case .writing = mailbox.lockState, mailbox.header.minorVersion == IndexHeader.currentVersion else { return }
        var marked = mailbox.header
        marked.options.insert(.deleted)
        var bytes: [UInt8] = []
        marked.encode(into: &bytes)
        do throws(MailboxError) {
            try mailbox.writeIndex(bytes, at: 0)
            try mailbox.syncIndex()
        } catch {
            logger.error("IOERROR: \(mailbox.name): \(error)")
        }
    }

    private func deletionModSeq(_ entry: MailboxEntry, after last: ModSeq) throws(MailboxError) -> ModSeq {
        guard configuration[.conversations], !entry.name.isDeleted else { return ModSeq(last.rawValue + 1) }
        var counters = try UserCounters(path: countersPath(entry.name))
        let next = counters.next(UserCounters.Kind(entry.type), after: last, folder: false, deleted: true)
        try counters.write()
        return next
    }

    /// Removes one of a user's files, in whichever engine it is.
    func remove(_ file: Layout.UserFile, _ path: String) throws(MailboxError) {
        let option: ChoiceOption?
        switch file {
        case .seen: option = .seenstate_db
        case .sub: option = .subscription_db
        case .conversations: option = .conversations_db
        case .mboxkey: option = .mboxkey_db
        case .counters, .dav, .xapianactive: option = nil
        }
        if let option, let engine = DatabaseEngine(rawValue: configuration[option]) {
            try inDatabase { () throws(CyrusDBError) in try databases.remove(path, engine) }
        } else {
            try posix { () throws(PosixError) in _ = try FileSystem.unlink(path) }
        }
    }

    /// Whether a database is there: a file, or records of the sql engine.
    public func isPresent(_ path: String, _ option: ChoiceOption) throws(MailboxError) -> Bool {
        let engine = try engine(option)
        return try inDatabase { () throws(CyrusDBError) in try databases.isPresent(path, engine) }
    }

    /// Removes what is kept for a user besides mailboxes: seen state, subscriptions, counters, conversations, keys, quota roots.
    public func removeUserData(_ user: String, inbox: MailboxEntry?) throws(MailboxError) {
        for file in Layout.UserFile.allCases {
            try remove(file, layout.userPath(file, user: user, inbox: inbox))
        }
        for quota in try quotas.all(below: MailboxName.inbox(of: user).text) { try quotas.delete(quota.root) }
        tell(.unuser(user))
    }
}

extension MailStore {
    /// Changes a mailbox's ACL; the caller has checked rights.
    public func setACL(_ entry: MailboxEntry, _ identifier: String, _ change: AccessList.Change, under user: borrowing UserLock)
        throws(MailboxError)
    {
        let mailbox = try mailbox(entry)
        var update = try mailbox.change(under: user)
        var new = mailbox.entry
        new.history = []
        new.acl.change(identifier, change)
        new.modified = Clock.now
        new.folderModSeq = try update.nextModSeq()
        try list.update(new)
        update.updateHeaderFile { $0.acl = new.acl }
        try update.commit()
        tell(.mailbox(entry.name))
    }
}
