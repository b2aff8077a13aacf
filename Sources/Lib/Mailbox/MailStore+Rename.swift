import Configuration
import CyrusDB
import Bytes
import Posix

extension MailStore {
    /// Gives one mailbox (not those below it) another name, another partition, or both.
    ///
    /// The caller holds the locks of the owners of both names (one value when they are the same) and has checked rights.
    /// The order: files are copied first when the partition changes (or moved, in legacy directories); then mailboxes.db in one
    /// transaction; then cyrus.header with the new name. A crash before the transaction leaves copies that no record names.
    /// When the quota root changes, the index is marked before the transaction, the old root is told after it, then cyrus.header names
    /// the new root, then that one is told, and the mark is taken back: whoever finds it counts the roots that cyrus.header and the name lead to.
    @discardableResult
    public func rename(
        _ old: MailboxEntry, to name: MailboxName, partition: String? = nil, under user: borrowing UserLock
    ) throws(MailboxError) -> MailboxEntry {
        if !name.isDeleted { try name.validate() }
        let list = try list
        if name != old.name, let found = try list.find(name), found.isRegular { throw .exists(name.text) }
        let mailbox = try mailbox(old)
        guard let nameLock = try NameLock(locks, old, .exclusive) else { throw .locked(old.name.text) }
        defer { nameLock.keep() }
        try mailbox.lock(.exclusive)
        let pending = PendingChange(mailbox)
        var isDone = false
        defer { if !isDone { pending.finish() } }
        var entry = mailbox.entry
        entry.history = []
        entry.name = name
        if let partition {
            guard configuration.partition(partition) != nil else { throw .badPartition(partition) }
            entry.partition = partition
        }
        entry.modified = Clock.now
        let oldRoot = pending.headerFile.quotaRoot
        let newRoot = name.isDeleted ? nil : try quotas.root(for: name)
        var quotaModSeqs: (old: ModSeq?, new: ModSeq?) = (nil, nil)
        if oldRoot != newRoot {
            if let oldRoot { quotaModSeqs.old = try nextQuotaModSeq(oldRoot) }
            if let newRoot { quotaModSeqs.new = try nextQuotaModSeq(newRoot) }
        }
        let modSeq = try pending.nextModSeq(folder: false, deleted: name.isDeleted)
        entry.folderModSeq = modSeq
        try pending.writeCounters()
        // Other conversations are those of another user; a deleted mailbox is in none.
        let changesConversations = old.name.user != name.user || old.name.isDeleted != name.isDeleted
        if changesConversations { leaveConversations(mailbox, keywords: pending.headerFile.userFlags, modSeq: modSeq) }
        if oldRoot != newRoot {
            try mailbox.markQuota(inDoubt: true, durably: true)
            pending.header.quotaInDoubt = mailbox.header.quotaInDoubt
        }
        let movesFiles = entry.partition != old.partition || (entry.type.isLegacy && name != old.name)
        if movesFiles { try copyFiles(mailbox.entry, entry) }
        if name != old.name {
            var tombstone = MailboxEntry(name: old.name)
            tombstone.type = MailboxType(old.type.kind, .deleted)
            tombstone.uniqueID = old.uniqueID
            tombstone.uidValidity = old.uidValidity
            tombstone.createdModSeq = old.createdModSeq
            tombstone.folderModSeq = modSeq
            tombstone.modified = entry.modified
            logger.info("Rename: \(old.name) -> \(name)")
            try list.update(entry, tombstone: tombstone)
        } else {
            try list.update(entry)
        }
        let before = pending.header
        if movesFiles { mailbox.closeFiles() }
        isDone = true
        pending.finish()
        let weight = before.usage + QuotaUsage(folders: 1)
        if oldRoot != newRoot, let oldRoot { try quotas.adjust(oldRoot, by: QuotaUsage() - weight, modSeq: quotaModSeqs.old) }
        try finishRename(entry, name, newRoot, modSeq, joins: changesConversations, under: user)
        if oldRoot != newRoot {
            if let newRoot { try quotas.adjust(newRoot, by: weight, modSeq: quotaModSeqs.new) }
            let renamed = try self.mailbox(entry)
            try renamed.lock(.exclusive)
            defer { renamed.unlock() }
            try renamed.markQuota(inDoubt: false)
        }
        if entry.partition != old.partition { audit?.moved(entry, from: old.partition) }
        if movesFiles { removeFiles(old, except: entry) }
        tell(.rename(old.name, name))
        return entry
    }

    private func finishRename(
        _ entry: MailboxEntry, _ name: MailboxName, _ root: String?, _ modSeq: ModSeq, joins: Bool, under user: borrowing UserLock
    ) throws(MailboxError) {
        let mailbox = try mailbox(entry)
        try mailbox.lock(.exclusive)
        let pending = PendingChange(mailbox)
        defer { pending.finish() }
        pending.headerFile.name = name
        pending.headerFile.quotaRoot = root
        pending.headerFileTouched = true
        pending.headerTouched = true
        pending.header.highestModSeq = max(pending.header.highestModSeq, modSeq)
        pending.ignoresQuota = true
        pending.joinsConversations = joins
        try pending.commit()
    }

    /// Everything of a mailbox into the directories of another entry, synced.
    private func copyFiles(_ old: MailboxEntry, _ new: MailboxEntry) throws(MailboxError) {
        let pairs = zip(
            [layout.dataDirectory(old), layout.archiveDirectory(old)], [layout.dataDirectory(new), layout.archiveDirectory(new)])
        var done: [String] = []
        for case (let from?, let to?) in pairs where from != to && !done.contains(from) {
            done.append(from)
            try posix { () throws(PosixError) in try self.copyDirectory(from, to) }
        }
        if let from = layout.metaPath(old, .annotations), let to = layout.metaPath(new, .annotations) {
            let engine = try engine(.annotation_db)
            try inDatabase { () throws(CyrusDBError) in try databases.copyRecords(from, to: to, engine) }
        }
        for file in Layout.MetaFile.allCases {
            guard let from = layout.metaPath(old, file), let to = layout.metaPath(new, file), from != to,
                !done.contains(FileSystem.parent(of: from)), FileSystem.exists(from)
            else { continue }
            try posix { () throws(PosixError) in
                try FileSystem.makeParents(of: to)
                try FileSystem.unlink(to)
                try FileSystem.copy(from, to: to)
                try File(to, .read).sync()
                try FileSystem.syncDirectory(FileSystem.parent(of: to))
            }
        }
    }

    private func copyDirectory(_ from: String, _ to: String) throws(PosixError) {
        try FileSystem.makeDirectories(to)
        for name in try FileSystem.list(from) {
            let source = "\(from)/\(name)"
            let target = "\(to)/\(name)"
            guard let status = try FileSystem.status(source, followLinks: false), status.kind == .regular else { continue }
            try FileSystem.unlink(target)
            do throws(PosixError) {
                // Message files never change: on one file system a link will do. The others are copied, being written in place.
                guard name.hasSuffix(".") else { throw PosixError("link", source, errno: .improperLink) }
                try FileSystem.link(source, to: target)
            } catch {
                guard error.errno == .improperLink || error.errno == .tooManyLinks else { throw error }
                try FileSystem.copy(source, to: target)
                try FileSystem.setTimes(target, modified: status.modified)
                try File(target, .read).sync()
            }
        }
        try FileSystem.syncDirectory(to)
        try FileSystem.syncDirectory(FileSystem.parent(of: to))
    }

    /// Removes a mailbox's own files and directories, except those that another entry uses. Failing leaves litter and a line in the log.
    func removeFiles(_ old: MailboxEntry, except new: MailboxEntry?) {
        let kept = new.map(layout.allDirectories) ?? []
        if let annotations = layout.metaPath(old, .annotations), annotations != new.flatMap({ layout.metaPath($0, .annotations) }) {
            do throws(MailboxError) {
                let engine = try engine(.annotation_db)
                try inDatabase { () throws(CyrusDBError) in try databases.remove(annotations, engine) }
            } catch {
                logger.error("IOERROR: removing the annotations of \(old.name): \(error)")
            }
        }
        for directory in layout.allDirectories(old) where !kept.contains(directory) {
            do throws(PosixError) {
                guard FileSystem.exists(directory) else { continue }
                for name in try FileSystem.list(directory) {
                    let path = "\(directory)/\(name)"
                    // Directories below belong to other mailboxes of the legacy layout.
                    if let status = try FileSystem.status(path, followLinks: false), status.kind != .directory {
                        try FileSystem.unlink(path)
                    }
                }
                try removeEmpty(directory)
            } catch {
                logger.error("IOERROR: removing the files of \(old.name): \(error)")
            }
        }
    }

    /// Removes a directory and those above it that are left empty, up to the partition's root.
    private func removeEmpty(_ directory: String) throws(PosixError) {
        var path = directory
        let roots = Set(configuration.partitions.map(\.directory))
        while !roots.contains(path), path.utf8.count > 1 {
            do throws(PosixError) {
                try FileSystem.removeDirectory(path)
            } catch {
                if error.errno == .directoryNotEmpty || error.errno == .fileExists { return }
                throw error
            }
            path = FileSystem.parent(of: path)
        }
    }
}
