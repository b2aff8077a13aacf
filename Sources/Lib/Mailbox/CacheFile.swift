import Bytes
import Posix

/// cyrus.cache: what FETCH, SEARCH, SORT and THREAD want to know of messages without opening them. Only ever appended to; a repack
/// makes a new one.
final class CacheFile {
    private let file: File
    private var map = FileMap()
    let path: String
    private var unsynced: Bool

    private init(_ file: consuming File, _ path: String, unsynced: Bool) {
        self.file = file
        self.path = path
        self.unsynced = unsynced
    }

    /// Opens the cache of an index generation, making it when `create`. nil when it is missing.
    ///
    /// A crash between the two renames of a repack leaves the old cache beside the new index: then `cyrus.cache.NEW` is the right
    /// one, and is put in its place. (The other way round, see `hasForeignCache`.)
    static func open(_ path: String, generation: UInt32, create: Bool) throws(MailboxError) -> CacheFile? {
        do throws(PosixError) {
            let file = try File(path, .readWrite, create: create ? .ifMissing : .never)
            let found = try file.read(4, at: 0)
            if found.count < 4 {
                guard create else { return nil }
                var bytes: [UInt8] = []
                bytes.append(bigEndian: generation)
                try file.write(bytes, at: 0)
                return CacheFile(file, path, unsynced: true)
            }
            let foundGeneration = found.span.bytes.bigEndian32(at: 0)
            if foundGeneration == generation { return CacheFile(file, path, unsynced: false) }
            let new = path + ".NEW"
            let candidate = try FileSystem.exists(new) ? File(new, .read).read(4, at: 0) : []
            guard candidate.count == 4, candidate.span.bytes.bigEndian32(at: 0) == generation else {
                throw PosixError("generation", "", errno: .invalidArgument)
            }
            try FileSystem.rename(new, to: path)
            try FileSystem.syncDirectory(FileSystem.parent(of: path))
            return CacheFile(try File(path, .readWrite), path, unsynced: false)
        } catch {
            if error.isMissing, !create { return nil }
            if error.call == "generation" {
                throw .damaged(path: path, offset: 0, expected: "generation \(generation)", found: "another one")
            }
            throw .io(error)
        }
    }

    /// Lends a record's bytes, from its offset to the end of the file; the ten items bound themselves.
    func withRecord<R>(at offset: UInt64, _ body: (RawSpan) throws(MailboxError) -> R) throws(MailboxError) -> R {
        let start = Int(clamping: offset)
        if start >= map.count {
            try refresh()
        }
        guard start >= 4, start < map.count else {
            throw .damaged(path: path, offset: start, expected: "a cache record", found: "end of file at \(map.count)")
        }
        do throws(MailboxError) {
            return try body(bytes.dropping(start))
        } catch {
            // The record may have been appended in part when the map was last measured.
            guard case .damaged = error, try grew() else { throw error }
            return try body(bytes.dropping(start))
        }
    }

    private var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = map.bytes
            return _overrideLifetime(span, borrowing: self)
        }
    }

    private func refresh() throws(MailboxError) {
        do throws(PosixError) {
            try map.refresh(file)
        } catch {
            throw .io(error)
        }
    }

    private func grew() throws(MailboxError) -> Bool {
        let before = map.count
        try refresh()
        return map.count > before
    }

    /// Appends a record; the offset it got. Nothing is durable before `sync`.
    func append(_ record: [UInt8]) throws(MailboxError) -> UInt64 {
        do throws(PosixError) {
            let offset = try file.status.size
            try file.write(record, at: offset)
            unsynced = true
            return UInt64(offset)
        } catch {
            throw .io(error)
        }
    }

    func sync() throws(MailboxError) {
        guard unsynced else { return }
        do throws(PosixError) {
            try file.syncData()
        } catch {
            throw .io(error)
        }
        unsynced = false
    }
}

extension Mailbox {
    func cachePath(archived: Bool) -> String {
        if archived, store.configuration.partition(entry.partition, .archive) != nil, let directory = store.layout.archiveDirectory(entry) {
            return "\(directory)/\(Layout.MetaFile.cache.rawValue)"
        }
        return store.layout.metaPath(entry, .cache) ?? ""
    }

    /// Lends a message's cache record (all bytes from its start on; see `CacheView`). Needs no lock once the record was read under one:
    /// the open file outlives a repack.
    public func withCache<R>(_ record: IndexRecord, _ body: (RawSpan) throws(MailboxError) -> R) throws(MailboxError) -> R {
        let archived = record.flags.contains(.archived) && store.configuration.partition(entry.partition, .archive) != nil
        if archived {
            if archiveCacheFile == nil {
                archiveCacheFile = try CacheFile.open(cachePath(archived: true), generation: header.generation, create: false)
            }
            if let archiveCacheFile { return try archiveCacheFile.withRecord(at: record.cacheOffset, body) }
        } else {
            if cacheFile == nil { cacheFile = try CacheFile.open(cachePath(archived: false), generation: header.generation, create: false) }
            if let cacheFile { return try cacheFile.withRecord(at: record.cacheOffset, body) }
        }
        throw .damaged(path: cachePath(archived: archived), offset: 0, expected: "the cache file", found: "no such file")
    }

    /// Whether the cache is of another repack than the index, under the exclusive lock: a power loss kept the rename of the cache and not
    /// that of the index, as may be when they stand in different directories. The index is the older one then, and changes
    /// may have come since: the new one that stands beside it is of no use, and the cache is made from the messages by a repack.
    func hasForeignCache() throws(MailboxError) -> Bool {
        guard cacheFile == nil, isRepairable else { return false }
        do throws(MailboxError) {
            cacheFile = try CacheFile.open(cachePath(archived: false), generation: header.generation, create: false)
        } catch .damaged {
            return true
        }
        return false
    }

    /// The highest generation that a cache file of this mailbox has.
    var highestCacheGeneration: UInt32 {
        var highest: UInt32 = 0
        for path in Set([cachePath(archived: false), cachePath(archived: true)]) {
            for file in [path, path + ".NEW"] {
                let head = try? posix { () throws(PosixError) in try File(file, .read).read(4, at: 0) }
                if let head, head.count == 4 { highest = max(highest, head.span.bytes.bigEndian32(at: 0)) }
            }
        }
        return highest
    }

    /// Under the exclusive lock.
    func appendToCache(_ bytes: [UInt8]) throws(MailboxError) -> UInt64 {
        if let cacheFile { return try cacheFile.append(bytes) }
        let path = cachePath(archived: false)
        guard let file = try CacheFile.open(path, generation: header.generation, create: true) else {
            throw .damaged(path: path, offset: 0, expected: "the cache file", found: "no such file")
        }
        cacheFile = file
        return try file.append(bytes)
    }

    func syncCache() throws(MailboxError) {
        try cacheFile?.sync()
    }
}
