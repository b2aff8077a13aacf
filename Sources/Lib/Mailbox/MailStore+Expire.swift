import Posix

extension MailStore {
    /// Removes a mailbox of the DELETED tree for good: its files, its records, and, when it was somebody's INBOX, what else was his.
    public func removeDeleted(_ entry: MailboxEntry) throws(MailboxError) {
        guard entry.name.isDeleted else { throw .notSupported("\(entry.name) is not a deleted mailbox") }
        let lock = try lock(user: entry.name.user, .exclusive)
        guard let now = try list.find(entry.name), now.isRegular else { return }
        try delete(now, force: true, under: lock)
        // Its name will never be asked for again.
        try list.purge(now.name, id: now.uniqueID)
        if let user = now.name.user, Self.wasInbox(now.name) { try removeData(of: user, formerInbox: now) }
    }

    /// `DELETED.user.NAME.TIME`.
    private static func wasInbox(_ name: MailboxName) -> Bool {
        name.components.count == 4
    }

    /// A user of the same name may have come meanwhile: what is kept by name, and not by the INBOX's id, is then his.
    private func removeData(of user: String, formerInbox inbox: MailboxEntry) throws(MailboxError) {
        let isNameFree = try self.inbox(of: user) == nil
        if isNameFree {
            try removeUserData(user, inbox: inbox)
        } else if !inbox.type.isLegacy {
            for file in Layout.UserFile.allCases {
                try remove(file, layout.userPath(file, user: user, inbox: inbox))
            }
        }
        guard isNameFree || !inbox.type.isLegacy else { return }
        if !inbox.type.isLegacy {
            // Files that this server does not know of keep the folder.
            _ = try? FileSystem.removeDirectory(layout.userDirectory(user: user, inbox: inbox))
        }
        guard let scripts = layout.sieveDirectory(user: user, inbox: inbox) else { return }
        try posix { () throws(PosixError) in
            if try FileSystem.status(scripts) != nil { try FileSystem.removeTree(scripts) }
        }
    }

    /// Removes the record of a name that is no more, kept so far for replicas.
    public func removeTombstone(_ entry: MailboxEntry) throws(MailboxError) {
        let lock = try lock(user: entry.name.user, .exclusive)
        defer { lock.keep() }
        guard let now = try list.find(entry.name), now.type.isDeleted else { return }
        var id: UniqueID?
        // The id's record is another mailbox's when the mailbox was renamed.
        if let candidate = now.uniqueID, let known = try list.find(candidate), known.type.isDeleted, known.name == now.name {
            id = candidate
        }
        try list.purge(now.name, id: id)
    }
}
