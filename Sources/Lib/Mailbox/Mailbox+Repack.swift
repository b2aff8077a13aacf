import Bytes
import Message
import Posix

extension Mailbox {
    /// Rewrites index and cache without what is no longer needed; `force` also when nothing is marked (conversion of an older version).
    ///
    /// Takes the exclusive name lock: returns false without waiting when somebody uses the mailbox (unless `force`).
    /// Order: message files of unlinked records are removed; both new files are written and synced; the index is renamed into place, then
    /// the cache. A crash between the renames is put right at the next open (`CacheFile`), and so is a power loss that kept the second of them
    /// alone (`hasForeignCache`).
    @discardableResult
    public func repack(under user: borrowing UserLock, force: Bool = false) throws(MailboxError) -> Bool {
        guard user.kind == .exclusive else { throw .locked("\(entry.name): a repack needs the user's lock exclusively") }
        guard let lock = try NameLock(store.locks, entry, .exclusive, wait: force) else { return false }
        defer { lock.keep() }
        // The exclusive name lock is held: the shared one that locking takes is counted on it.
        try self.lock(.exclusive)
        defer { unlock() }
        let wanted = header.options.contains(.needsRepack) || force
        if header.options.contains(.needsUnlink) || wanted { removeUnlinked() }
        guard wanted else {
            if header.options.contains(.needsUnlink) {
                header.options.remove(.needsUnlink)
                var bytes: [UInt8] = []
                header.encode(into: &bytes)
                try writeIndex(bytes, at: 0)
                try syncIndex()
            }
            return true
        }
        store.logger.info("Repacking mailbox \(entry.name) version \(IndexHeader.currentVersion)")
        try rewrite(force: force)
        return true
    }

    /// Removes the files of messages that are marked unlinked.
    private func removeUnlinked() {
        for number in 1...max(1, Int(header.recordCount)) where number <= Int(header.recordCount) {
            let view = IndexRecordView(records.slice((number - 1) * stride, IndexRecord.currentSize))
            let flags = view.flags
            guard flags.contains(.unlinked), let record = try? record(number) else { continue }
            do throws(PosixError) {
                try FileSystem.unlink(messagePath(record))
                store.audit?.unlinked(record, of: self)
            } catch {
                store.logger.error("IOERROR: \(error); the file stays behind")
            }
        }
    }

    private func rewrite(force: Bool) throws(MailboxError) {
        var newHeader = header
        let oldDeleted = header.deletedModSeq
        newHeader.minorVersion = IndexHeader.currentVersion
        // Above that of any cache that an unfinished repack has left: those must never pass for this one's.
        newHeader.generation = max(newHeader.generation, force ? highestCacheGeneration : 0) &+ 1
        newHeader.startOffset = UInt32(IndexHeader.currentSize)
        newHeader.recordSize = UInt32(IndexRecord.currentSize)
        newHeader.options.subtract([.needsRepack, .needsUnlink])
        newHeader.lastRepack = Clock.now
        newHeader.leakedCacheRecords = 0
        newHeader.firstExpunged = 0
        var index: [UInt8] = [UInt8](repeating: 0, count: IndexHeader.currentSize)
        var cache: [UInt8] = []
        cache.append(bigEndian: newHeader.generation)
        // What the archive partition holds has its cache there, of the same generation.
        var archiveCache = cache
        var kept: UInt32 = 0
        newHeader.resetCounts()
        let seen = try ownersSeen(&newHeader)
        let stored = header.minorVersion < 16 ? try store.messageAnnotations(of: self, create: false) : nil
        var moved: [AnnotationStore.Annotation] = []
        if header.minorVersion < IndexHeader.currentVersion { newHeader.annotationsCRC = SyncChecksum.annotationsStart }
        for number in 0..<Int(header.recordCount) {
            var record = try record(number + 1)
            if let seen, seen.contains(record.uid.rawValue) { record.flags.insert(.seen) }
            if header.minorVersion < IndexHeader.currentVersion {
                try adopt(stored, into: &record, &newHeader, &moved)
            }
            if record.isUnlinked {
                newHeader.deletedModSeq = max(newHeader.deletedModSeq, record.modSeq)
                newHeader.changesEpoch = max(newHeader.changesEpoch, record.lastUpdated)
                continue
            }
            if record.isExpunged, newHeader.firstExpunged == 0 || record.lastUpdated < newHeader.firstExpunged {
                newHeader.firstExpunged = record.lastUpdated
            }
            let bytes: [UInt8]? = try? withCache(record) { bytes throws(MailboxError) -> [UInt8] in
                guard let view = try? CacheView(bytes), view.crc32 == record.cacheCRC || header.minorVersion < 12 else {
                    throw .damaged(path: indexPath, offset: 0, expected: "a cache record", found: "damage")
                }
                return view.record.array
            }
            if let bytes {
                record.cacheCRC = CRC32.of(bytes)
                if isInArchive(record) {
                    record.cacheOffset = UInt64(archiveCache.count)
                    archiveCache.append(contentsOf: bytes)
                } else {
                    record.cacheOffset = UInt64(cache.count)
                    cache.append(contentsOf: bytes)
                }
            } else if !record.isExpunged || FileSystem.exists(messagePath(record)) {
                if isInArchive(record) { try rebuildCache(&record, &archiveCache) } else { try rebuildCache(&record, &cache) }
            }
            record.flags.remove(.needsCleanup)
            record.encode(into: &index)
            kept += 1
            newHeader.count(record, headerFile)
        }
        newHeader.recordCount = kept
        var head: [UInt8] = []
        newHeader.encode(into: &head)
        index.replaceSubrange(0..<IndexHeader.currentSize, with: head)
        guard let cachePath = store.layout.metaPath(entry, .cache) else { throw .badPartition(entry.partition) }
        let path = indexPath
        var replaced = [(path: cachePath, bytes: cache), (path: path, bytes: index)]
        if archiveCache.count > 4 { replaced.append((path: self.cachePath(archived: true), bytes: archiveCache)) }
        let files = replaced
        try posix { () throws(PosixError) in
            for (name, bytes) in files {
                let file = try File(name + ".NEW", .write, create: .truncate)
                try file.write(bytes)
                try file.sync()
            }
            // The index first: an older cache beside it is put right by whoever opens it.
            try FileSystem.rename(path + ".NEW", to: path)
            for (name, _) in files where name != path { try FileSystem.rename(name + ".NEW", to: name) }
            for folder in Set(files.map { FileSystem.parent(of: $0.path) }) { try FileSystem.syncDirectory(folder) }
        }
        closeFiles()
        // Only now: had this process died before, the next one would have found them where they were.
        for item in moved { try stored?.set(scope: item.scope, entry: item.entry, user: item.user, value: nil) }
        if store.configuration[.conversations], newHeader.deletedModSeq > oldDeleted {
            var counters = try UserCounters(path: try store.countersPath(name))
            counters.forget(to: newHeader.deletedModSeq, UserCounters.Kind(headerFile.type))
            try counters.write()
        }
    }

    private func isInArchive(_ record: IndexRecord) -> Bool {
        record.flags.contains(.archived) && store.configuration.partition(entry.partition, .archive) != nil
    }

    /// What records of older versions could not hold stands in annotations: it moves into the record. The digest of annotations is made anew.
    private func adopt(
        _ stored: AnnotationStore?, into record: inout IndexRecord, _ newHeader: inout IndexHeader,
        _ moved: inout [AnnotationStore.Annotation]
    ) throws(MailboxError) {
        let prefix = "/vendor/cmu/cyrus-imapd/"
        for item in try stored?.all(scope: String(record.uid.rawValue)) ?? [] where !item.isDeleted {
            switch item.entry {
            case prefix + "savedate": record.saveDate = item.value.span.bytes.decimal.flatMap { Int64(exactly: $0) } ?? record.saveDate
            case prefix + "createdmodseq": record.createdModSeq = item.value.span.bytes.decimal.map { ModSeq($0) } ?? record.createdModSeq
            case prefix + "thrid": record.cid = item.value.span.bytes.hexadecimal.map { ConversationID($0) } ?? record.cid
            default:
                if !record.isExpunged {
                    let user = item.user == AnnotationStore.owner ? entry.name.user ?? "" : item.user
                    newHeader.annotationsCRC ^= SyncChecksum.annotation(record.uid, entry: item.entry, user: user, value: item.value)
                }
                continue
            }
            moved.append(item)
            let size = UInt32(clamping: item.value.count)
            newHeader.annotationsUsed = newHeader.annotationsUsed < size ? 0 : newHeader.annotationsUsed - size
        }
        newHeader.annotationsCRC ^= SyncChecksum.virtualAnnotations(record)
    }

    /// The owner's \Seen of an index from before version 12, which stands in his seen.db; nil for younger ones.
    private func ownersSeen(_ newHeader: inout IndexHeader) throws(MailboxError) -> SequenceSet? {
        guard header.minorVersion < 12, let user = entry.name.user, let id = entry.uniqueID else { return nil }
        let record = try store.seen(of: user).find(id)
        newHeader.recentUID = record.lastUID
        newHeader.recentTime = record.lastChange
        return SequenceSet(record.seen.span.bytes) ?? SequenceSet()
    }

    /// Makes a message's cache record from its file.
    private func rebuildCache(_ record: inout IndexRecord, _ cache: inout [UInt8]) throws(MailboxError) {
        let path = messagePath(record)
        let content = try posix { () throws(PosixError) in try FileSystem.read(path) }
        guard let content else { throw .messageMissing(path: path, record.uid) }
        let parsed = Message.parse(content)
        record.cacheOffset = UInt64(cache.count)
        record.cacheCRC = parsed.appendCacheRecord(to: &cache)
        record.cacheVersion = IndexRecord.currentCacheVersion
        record.headerSize = UInt32(clamping: parsed.headerSize)
        record.gmTime = parsed.gmtime(internalDate: record.internalDate)
        record.sentDate = parsed.sentDate(internalDate: record.internalDate)
        if record.guid.isNone { record.guid = parsed.guid }
    }
}

extension IndexHeader {
    /// Everything that is a sum over records, at zero.
    mutating func resetCounts() {
        exists = 0
        deletedCount = 0
        answeredCount = 0
        flaggedCount = 0
        unseenCount = 0
        quotaUsed = 0
        let annotations = annotationsCRC
        syncCRC = 0
        annotationsCRC = annotations
    }

    /// Adds a record to the sums (not to the annotations' digest, which a repack does not change).
    mutating func count(_ record: IndexRecord, _ file: HeaderFile) {
        if record.isExpunged { return }
        exists += 1
        if record.flags.contains(.deleted) { deletedCount += 1 }
        if record.flags.contains(.answered) { answeredCount += 1 }
        if record.flags.contains(.flagged) { flaggedCount += 1 }
        if !record.flags.contains(.seen) { unseenCount += 1 }
        quotaUsed &+= record.size
        syncCRC ^= SyncChecksum.basic(record, userFlagNames: file.userFlags)
    }
}
