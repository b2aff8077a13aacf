import Posix

// Whole operations of users on mailboxes: rights, all mailboxes concerned, locks. What IMAP, JMAP and the tools share.
extension MailStore {
    /// Deletes a mailbox as a user. An INBOX is deleted by admins only, with everything below it and what else is the user's.
    public func deleteMailbox(_ name: MailboxName, as identity: Identity) throws(MailboxError) {
        guard let entry = try list.find(name), !entry.type.isDeleted else { throw .nonexistent(name.text) }
        let rights = rights(of: identity, on: entry)
        if entry.type.isIntermediate { throw .nonexistent(name.text) }
        if name.isInbox {
            if name.user == identity.user { throw .notSupported("an INBOX is not deleted by its owner") }
            guard identity.isAdmin, rights.contains(.deleteMailbox) else {
                throw rights.contains(.lookup) ? .permissionDenied : .nonexistent(name.text)
            }
            try deleteUser(entry)
            return
        }
        guard rights.contains(.deleteMailbox) else { throw rights.contains(.lookup) ? .permissionDenied : .nonexistent(name.text) }
        if try list.hasChildren(name) { throw .hasChildren(name.text) }
        let lock = try lock(user: name.user, .exclusive)
        try delete(entry, under: lock)
    }

    private func deleteUser(_ inbox: MailboxEntry) throws(MailboxError) {
        guard let user = inbox.name.user else { return }
        let lock = try lock(user: user, .exclusive)
        for entry in try list.below(inbox.name).reversed() {
            if entry.isRegular { try delete(entry, under: lock) } else { try list.purge(entry.name, id: entry.uniqueID) }
        }
        let delayed = deletesDelayed
        try delete(inbox, under: lock)
        // Delayed, the user's files go with the mailbox, when cyr_expire removes it for good.
        if !delayed { try removeUserData(user, inbox: inbox) }
        for quota in try quotas.all(below: inbox.name.text) { try quotas.delete(quota.root) }
    }

    /// Renames a mailbox and all below it as a user; the pairs of names, in order.
    ///
    /// The owner's rename of his INBOX moves its messages into a new mailbox and leaves it empty (RFC 3501 6.3.5).
    public func renameMailbox(
        _ old: MailboxName, to new: MailboxName, partition: String?, as identity: Identity
    ) throws(MailboxError) -> [(from: MailboxName, to: MailboxName)] {
        let found = try list.find(old)
        guard let entry = found, !entry.type.isDeleted else { throw .nonexistent(old.text) }
        let rights = rights(of: identity, on: entry)
        guard rights.contains(.lookup) || (entry.type.isIntermediate && (old.user == identity.user || identity.isAdmin)) else {
            throw .nonexistent(old.text)
        }
        if old == new {
            guard let partition, identity.isAdmin else { throw .exists(new.text) }
            if partition == entry.partition { throw .exists(new.text) }
            let lock = try lock(user: old.user, .exclusive)
            try rename(entry, to: new, partition: partition, under: lock)
            return [(old, new)]
        }
        if new.isBelow(old), !old.isInbox { throw .badName(new.text) }
        if old.isInbox, old.user == identity.user { return try moveInbox(entry, to: new, as: identity) }
        if old.isInbox || new.isInbox, !(identity.isAdmin && configuration[.allowusermoves]) {
            throw .notSupported("renaming a user's INBOX needs allowusermoves")
        }
        // Admins rename what they may not delete.
        if entry.isRegular, !identity.isAdmin {
            guard rights.contains(.deleteMailbox) else { throw .permissionDenied }
        }
        try new.validate()
        if let there = try list.find(new), there.isRegular { throw .exists(new.text) }
        if !identity.isAdmin {
            guard let parent = try list.ancestor(of: new), self.rights(of: identity, on: parent).contains(.createMailbox) else {
                throw .permissionDenied
            }
        }
        return try moveTree(entry, to: new, partition: partition)
    }

    private func moveTree(_ top: MailboxEntry, to new: MailboxName, partition: String?) throws(MailboxError) -> [(
        from: MailboxName, to: MailboxName
    )] {
        let old = top.name
        let below = try list.below(old)
        for entry in below {
            let target = entry.name.moved(from: old, to: new)
            try target.validate()
            if let there = try list.find(target), there.isRegular { throw .exists(target.text) }
        }
        // Both owners' locks, in the order of their names, so that two renames never wait for each other.
        let users = [old.user, new.user]
        let lock = try lock(user: users.compactMap { $0 }.min() ?? nil, .exclusive)
        let second = users[0] == users[1] ? nil : Optional(try self.lock(user: users.compactMap { $0 }.max() ?? nil, .exclusive))
        defer {
            lock.keep()
            second?.keep()
        }
        var pairs: [(from: MailboxName, to: MailboxName)] = []
        for entry in [top] + below {
            let target = entry.name.moved(from: old, to: new)
            if entry.isRegular {
                try rename(entry, to: target, partition: partition, under: lock)
                pairs.append((entry.name, target))
            } else {
                try renameStep(entry, to: target)
                pairs.append((entry.name, target))
            }
        }
        switch second {
        case .some(let other) where other.user == new.user: try fillIn(above: new, under: other)
        default: try fillIn(above: new, under: lock)
        }
        return pairs
    }

    /// A level without a mailbox of its own: only its records move.
    private func renameStep(_ entry: MailboxEntry, to name: MailboxName) throws(MailboxError) {
        var moved = entry
        moved.name = name
        moved.history = []
        moved.modified = Clock.now
        moved.folderModSeq = ModSeq(entry.foldermost.rawValue + 1)
        if configuration[.conversations] {
            var counters = try UserCounters(path: countersPath(entry.name))
            moved.folderModSeq = counters.next(UserCounters.Kind(entry.type), after: entry.foldermost, folder: true)
            try counters.write()
        }
        var tombstone = moved
        tombstone.name = entry.name
        tombstone.type.state.insert(.deleted)
        try list.update(moved, tombstone: tombstone)
    }

    private func moveInbox(_ inbox: MailboxEntry, to new: MailboxName, as identity: Identity) throws(MailboxError) -> [(
        from: MailboxName, to: MailboxName
    )] {
        guard rights(of: identity, on: inbox).isSuperset(of: [.read, .deleteMessages, .expunge]) else { throw .permissionDenied }
        guard let user = inbox.name.user, new.user == user else { throw .permissionDenied }
        let lock = try lock(user: user, .exclusive)
        let target = try mailbox(try create(new, as: identity, under: lock))
        let source = try mailbox(inbox)
        var moved: [Int] = []
        do {
            let view = try source.read(under: lock)
            var change = try target.change(under: lock)
            for number in 1..<(view.recordCount + 1) {
                let record = try view.record(number)
                if record.isExpunged { continue }
                var attributes = AppendAttributes(internalDate: record.internalDate)
                attributes.flags = record.flags
                attributes.keywords = view.headerFile.userFlags.enumerated().filter {
                    $0.offset < UserFlags.capacity && !$0.element.isEmpty && record.userFlags[$0.offset]
                }.map(\.element)
                _ = try change.copy(record, from: source, attributes)
                moved.append(number)
            }
            try change.commit()
        }
        var change = try source.change(under: lock)
        for number in moved { try change.expunge(number) }
        try change.commit()
        return [(inbox.name, new)]
    }

    /// Makes a user's missing INBOX, with quota and folders, as the `autocreate_*` options say; whether it was made. Whether he is one of
    /// `autocreate_users` is asked of `identity`.
    @discardableResult
    public func autocreateInbox(of identity: Identity) throws(MailboxError) -> Bool {
        let quota = configuration[.autocreate_quota]
        guard let user = identity.user, quota >= 0, try self.inbox(of: user) == nil else { return false }
        guard configuration[.autocreate_users].split(separator: " ").contains(where: { identity.isMember(of: $0) }) else {
            logger.debug("autocreateinbox: User \(user) does not belong to the autocreate_users. No mailbox is created")
            return false
        }
        let inbox = MailboxName.inbox(of: user)
        let lock = try lock(user: user, .exclusive)
        try create(inbox, as: nil, under: lock)
        logger.notice("autocreateinbox: User \(user), INBOX was successfully created")
        var limits: [QuotaResource: UInt64] = [:]
        if quota > 0 { limits[.storage] = UInt64(quota) }
        if configuration[.autocreate_quota_messages] > 0 { limits[.messages] = UInt64(configuration[.autocreate_quota_messages]) }
        if !limits.isEmpty { try setQuota(inbox.text, limits, under: lock) }
        func names(_ option: String?) -> [String] {
            (option ?? "").split(separator: "|").map { $0.trimmingSpaces }.filter { !$0.isEmpty }
        }
        let subscriptions = try subscriptions(of: user)
        try subscriptions.subscribe(inbox)
        let wanted = names(configuration[.autocreate_subscribe_folders])
        var counts = (created: 0, subscribed: 0)
        for folder in names(configuration[.autocreate_inbox_folders]) {
            let name = MailboxName("\(inbox.text).\(folder)")
            do throws(MailboxError) {
                try create(name, as: nil, under: lock)
            } catch .exists {
                // Made on the way to one before.
            }
            logger.notice("autocreateinbox: User \(user), subfolder \(folder) creation succeeded.")
            counts.created += 1
            guard wanted.contains(folder) else { continue }
            try subscriptions.subscribe(name)
            counts.subscribed += 1
        }
        if counts.created > 0 {
            logger.info("User \(user), Inbox subfolders, created \(counts.created), subscribed \(counts.subscribed)")
        }
        for shared in names(configuration[.autocreate_subscribe_sharedfolders]) {
            let name = MailboxName(shared)
            if let entry = try list.find(name), entry.isRegular { try subscriptions.subscribe(name) }
        }
        return true
    }

    /// Sets a quota root's limits; a new root takes over the mailboxes at and below it from the root above.
    public func setQuota(_ root: String, _ limits: [QuotaResource: UInt64], under user: borrowing UserLock) throws(MailboxError) {
        let before = try quotas.find(root)
        let isNew = before == nil
        try quotas.setLimits(root, limits, modSeq: nextQuotaModSeq(root))
        if let audit, let now = try quotas.find(root) { audit.quota(root, old: before, new: now) }
        guard isNew else {
            tell(.quota(root))
            return
        }
        let top = MailboxName(root)
        var concerned: [MailboxEntry] = []
        if let entry = try list.find(top), entry.isRegular { concerned.append(entry) }
        concerned += try list.below(top).filter(\.isRegular)
        for entry in concerned {
            let mailbox = try mailbox(entry)
            var weight = QuotaUsage()
            var old: String?
            do {
                var change = try mailbox.change(under: user)
                old = change.headerFile.quotaRoot
                // A root nearer to the mailbox keeps it.
                if let old, old.utf8.count >= root.utf8.count { continue }
                weight = change.header.usage + QuotaUsage(folders: 1)
                change.pending.ignoresQuota = true
                change.updateHeaderFile { $0.quotaRoot = root }
                try change.commit()
            }
            if let old { try adjustQuota(old, by: QuotaUsage() - weight) }
            try adjustQuota(root, by: weight)
        }
        tell(.quota(root))
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
