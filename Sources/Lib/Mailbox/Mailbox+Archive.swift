import Bytes
import Message
import Posix

extension Mailbox {
    /// Moves messages to the archive partition, by the archive_* options: those received before `mark`, those of archive_maxsize KiB and
    /// more, and all of a deleted mailbox; never calendars and address books, nor flagged ones with archive_keepflagged.
    ///
    /// The order: the file is copied and synced, then the archive's cache; the record follows; the old file goes last. A crash
    /// leaves a copy that no record names.
    public func archive(internalDateBefore mark: Int64, under user: borrowing UserLock) throws(MailboxError) {
        guard store.configuration[.archive_enabled], [.email, .netnews].contains(entry.type.kind) else { return }
        guard let directory = store.layout.archiveDirectory(entry), directory != dataDirectory else { return }
        let maximum = UInt64(clamping: store.configuration[.archive_maxsize]) << 10
        let keepsFlagged = store.configuration[.archive_keepflagged]
        var due: [Int] = []
        do {
            let view = try read(under: user)
            try view.forEachRecord { number, record throws(MailboxError) in
                if !record.flags.isDisjoint(with: [.archived, .unlinked, .expunged]) { return }
                if keepsFlagged, record.flags.contains(.flagged) { return }
                if entry.name.isDeleted || record.internalDate < mark || UInt64(record.size) >= maximum { due.append(number) }
            }
        }
        guard !due.isEmpty else { return }
        try posix { () throws(PosixError) in try FileSystem.makeDirectories(directory) }
        var change = try change(under: user)
        let cache = try CacheFile.open("\(directory)/\(Layout.MetaFile.cache.rawValue)", generation: change.header.generation, create: true)
        var old: [String] = []
        for number in due {
            let record = try change.record(number)
            let from = messagePath(record)
            let to = "\(directory)/\(record.uid.rawValue)."
            let bytes = try withCache(record) { bytes throws(MailboxError) -> [UInt8] in
                guard let view = try? CacheView(bytes) else {
                    throw .damaged(path: from, offset: 0, expected: "a cache record", found: "damage")
                }
                return view.record.array
            }
            try posix { () throws(PosixError) in
                _ = try FileSystem.unlink(to)
                try FileSystem.copy(from, to: to)
                try FileSystem.setTimes(to, modified: record.internalDate)
                try File(to, .read).sync()
            }
            guard let offset = try cache?.append(bytes) else { return }
            try change.update(number, silent: true) { record in
                record.flags.insert(.archived)
                record.cacheOffset = offset
            }
            old.append(from)
        }
        try cache?.sync()
        try posix { () throws(PosixError) in try FileSystem.syncDirectory(directory) }
        try change.commit()
        archiveCacheFile = nil
        for path in old { try posix { () throws(PosixError) in _ = try FileSystem.unlink(path) } }
    }
}
