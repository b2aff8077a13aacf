import Posix

extension Mailbox {
    /// Expunges the messages whose Date: is older than `mark` (unix seconds); how many. They are then treated as any expunged message is.
    public func expireMessages(sentBefore mark: Int64, under user: borrowing UserLock) throws(MailboxError) -> Int {
        var change = try change(under: user)
        var expired = 0
        for number in 1..<(change.recordCount + 1) {
            let record = try change.record(number)
            if record.isExpunged || record.gmTime >= mark { continue }
            try change.expunge(number)
            expired += 1
        }
        try change.commit()
        return expired
    }

    /// Removes for good the messages that were expunged at `mark` or before (nil: only what is marked already); how many were marked.
    ///
    /// The order: the records are marked as unlinked and synced, then the repack removes files and records, then the messages'
    /// annotations go. When somebody uses the mailbox the repack is left to the next run: the marks stay.
    public func removeExpunged(before mark: Int64?, under user: borrowing UserLock) throws(MailboxError) -> Int {
        var removed: [UID] = []
        var isDue = false
        do {
            let view = try read(under: user)
            isDue = !view.header.options.isDisjoint(with: [.needsUnlink, .needsRepack])
            let oldest = view.header.firstExpunged
            // Most mailboxes have nothing to remove: they are not locked for changing.
            if let mark, oldest == 0 || oldest <= mark {
                try view.forEachRecord { _, record throws(MailboxError) in
                    if Self.isRemovable(record.flags, record.lastUpdated, mark) { removed.append(record.uid) }
                }
            }
        }
        if !removed.isEmpty, let mark {
            removed = []
            var change = try change(under: user)
            var oldest: Int64 = 0
            for number in 1..<(change.recordCount + 1) {
                let record = try change.record(number)
                guard record.isExpunged else { continue }
                guard Self.isRemovable(record.flags, record.lastUpdated, mark) else {
                    if !record.isUnlinked, oldest == 0 || record.lastUpdated < oldest { oldest = record.lastUpdated }
                    continue
                }
                removed.append(record.uid)
                try change.update(number, silent: true) { $0.flags.formUnion([.unlinked, .needsCleanup]) }
            }
            change.updateHeader { header in
                header.firstExpunged = oldest
                header.options.formUnion([.needsUnlink, .needsRepack])
            }
            try change.commit()
            isDue = true
        }
        if isDue { try repack(under: user) }
        if !removed.isEmpty, let annotations = try store.messageAnnotations(of: self, create: false) {
            for uid in removed { try annotations.removeAll(scope: String(uid.rawValue)) }
        }
        return removed.count
    }

    private static func isRemovable(_ flags: MessageFlags, _ changed: Int64, _ mark: Int64) -> Bool {
        flags.contains(.expunged) && !flags.contains(.unlinked) && changed <= mark
    }

    /// Frees the slots of keywords that no message has; their numbers and names.
    public func removeUnusedKeywords(under user: borrowing UserLock) throws(MailboxError) -> [(slot: Int, name: [UInt8])] {
        var change = try change(under: user)
        var used = UserFlags()
        try change.forEachRecord { _, record throws(MailboxError) in used = used.union(record.userFlags) }
        var freed: [(slot: Int, name: [UInt8])] = []
        for (slot, name) in change.headerFile.userFlags.enumerated() where !name.isEmpty && slot < UserFlags.capacity && !used[slot] {
            freed.append((slot, name))
        }
        if !freed.isEmpty {
            let slots = freed.map(\.slot)
            change.updateHeaderFile { file in
                for slot in slots { file.userFlags[slot] = [] }
            }
        }
        try change.commit()
        return freed
    }
}
