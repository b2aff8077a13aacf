import Bytes
import Message
import Posix

/// What a power loss may have done to cyrus.index, put right when the mailbox is next opened.
///
/// Index records are written in place and synced once with the header (see MailboxChange.swift). A power loss before that sync ends can
/// leave any of their sectors old, new or missing: a record torn between its old and its new bytes, a count that is ahead of the records,
/// or records that are ahead of the counts. The messages themselves are safe: their files and names were synced before.
/// - A record with a wrong CRC whose message file has its GUID and size is taken as it stands: both of its halves were true.
/// - Another one is made anew from the message file between its neighbours' UIDs; its flags are lost.
/// - One without a file was never acknowledged (or is of a message long gone) and is dropped.
/// - The header's sums are made anew, and the quota's usage is marked as in doubt (Mailbox+Quota.swift).
///
/// The order of writes: new cache records are appended and synced; the new index, with the cache's generation, is written beside the old
/// one, synced, renamed, and the directory synced. A crash before the rename leaves everything as it was, to be repaired again.
extension Mailbox {
    /// Whether the index is one that this repair knows: the layout of version 16 to 18.
    var isRepairable: Bool {
        (16...18).contains(header.minorVersion) && header.startOffset == UInt32(IndexHeader.currentSize)
            && header.recordSize == UInt32(IndexRecord.currentSize)
    }

    /// Looks through the records (the last one only unless `all`), under the lock; false when there is something to repair.
    func isIndexWhole(all: Bool) -> Bool {
        guard isRepairable else { return true }
        let size = IndexRecord.currentSize
        let count = Int(header.recordCount)
        guard map.bytes.holds(count * size, at: IndexHeader.currentSize) else { return false }
        var audit = IndexAudit(header)
        for number in (all ? 0 : max(0, count - 1))..<count {
            guard audit.accepts(IndexRecordView(map.bytes.slice(IndexHeader.currentSize + number * size, size))) else { return false }
        }
        return !all || audit.agrees(with: header)
    }

    /// Puts the index right, under its exclusive lock; the files are closed afterwards, to be opened and locked anew.
    func repairIndex() throws(MailboxError) {
        var new = header
        var index = [UInt8](repeating: 0, count: IndexHeader.currentSize)
        var kept: UInt32 = 0
        var previous: UInt32 = 0
        new.resetCounts()
        var annotationsCRC = SyncChecksum.annotationsStart
        let annotations = try store.messageAnnotations(of: self, create: false)
        for number in 0..<Int(header.recordCount) {
            var found = wholeRecord(number)
            if found == nil { found = try salvage(number, after: previous, &new) }
            guard let record = found else { continue }
            previous = max(previous, record.uid.rawValue)
            new.highestModSeq = max(new.highestModSeq, record.modSeq)
            new.lastUID = max(new.lastUID, record.uid)
            new.count(record, headerFile)
            annotationsCRC ^= SyncChecksum.virtualAnnotations(record)
            if let annotations, !record.isExpunged {
                for item in try annotations.all(scope: String(record.uid.rawValue)) where !item.isDeleted {
                    let user = item.user == AnnotationStore.owner ? name.user ?? "" : item.user
                    annotationsCRC ^= SyncChecksum.annotation(record.uid, entry: item.entry, user: user, value: item.value)
                }
            }
            record.encode(into: &index)
            kept += 1
        }
        // Whoever was told the figures of a record that is gone is to look again.
        if kept != new.recordCount { new.highestModSeq = ModSeq(new.highestModSeq.rawValue &+ 1) }
        new.recordCount = kept
        new.annotationsCRC = annotationsCRC
        // What the quota was told of is not known any more.
        new.quotaInDoubt = new.minorVersion == IndexHeader.currentVersion && headerFile.quotaRoot != nil
        var head: [UInt8] = []
        new.encode(into: &head)
        index.replaceSubrange(0..<IndexHeader.currentSize, with: head)
        try syncCache()
        let path = indexPath
        let bytes = index
        try posix { () throws(PosixError) in
            let file = try File(path + ".NEW", .write, create: .truncate)
            try file.write(bytes)
            try file.sync()
            try FileSystem.rename(path + ".NEW", to: path)
            try FileSystem.syncDirectory(FileSystem.parent(of: path))
        }
        store.logger.error(
            "IOERROR: \(path): repaired: \(kept) of \(header.recordCount) records kept, \(new.exists) messages (the header said \(header.exists))"
        )
        closeFiles()
    }

    /// A record (counted from 0) whose CRC is right; nil for another, and for one beyond the end of the file.
    private func wholeRecord(_ number: Int) -> IndexRecord? {
        let offset = IndexHeader.currentSize + number * IndexRecord.currentSize
        guard map.bytes.holds(IndexRecord.currentSize, at: offset) else { return nil }
        let bytes = map.bytes.slice(offset, IndexRecord.currentSize).array
        return try? IndexRecord(bytes.span.bytes, at: 0, version: header.minorVersion, path: indexPath)
    }

    /// The record that a damaged one is to become; nil when it has no message. It gets a modseq of its own, so that clients ask for it.
    private func salvage(_ number: Int, after previous: UInt32, _ header: inout IndexHeader) throws(MailboxError) -> IndexRecord? {
        let offset = IndexHeader.currentSize + number * IndexRecord.currentSize
        var next = header.lastUID.rawValue == .max ? .max : header.lastUID.rawValue + 1
        for later in (number + 1)..<max(number + 1, Int(self.header.recordCount)) {
            if let record = wholeRecord(later) {
                next = record.uid.rawValue
                break
            }
        }
        func tell(_ what: String) {
            let found = offset + IndexRecord.currentSize <= map.count ? "another one" : "the end of the file at \(map.count)"
            store.logger.error(
                "IOERROR: \(indexPath): damaged at offset \(offset): expected a record with its CRC, found \(found): \(what)")
        }
        var record = IndexRecord()
        let torn = tornRecord(at: offset)
        if let torn, torn.uid.rawValue > previous, torn.uid.rawValue < next, torn.modSeq.rawValue < 1 << 62 {
            record = torn
        }
        var path = messagePath(record)
        if record.uid == .none || !FileSystem.exists(path) {
            guard let uid = firstFile(after: previous, before: next) else {
                tell("it has no message file, and is dropped")
                return nil
            }
            record = IndexRecord()
            record.uid = uid
            path = messagePath(record)
        }
        let file = path
        let content = try posix { () throws(PosixError) in try FileSystem.read(file) } ?? []
        let modified = try posix { () throws(PosixError) in try FileSystem.status(file) }?.modified ?? Clock.now
        let parsed = Message.parse(content)
        let isSame = record.guid == parsed.guid && record.size == UInt64(parsed.size)
        if !isSame {
            let uid = record.uid
            record = IndexRecord()
            record.uid = uid
            record.internalDate = modified
            record.saveDate = Clock.now
            record.guid = parsed.guid
            record.size = UInt64(parsed.size)
            record.createdModSeq = ModSeq(header.highestModSeq.rawValue &+ 1)
        }
        // Which half of a torn record has the right place in the cache need not be found out.
        if !record.flags.contains(.archived) {
            var cached: [UInt8] = []
            record.cacheCRC = parsed.appendCacheRecord(to: &cached)
            record.cacheVersion = IndexRecord.currentCacheVersion
            record.cacheOffset = try appendToCache(cached)
        }
        record.headerSize = UInt32(clamping: parsed.headerSize)
        record.sentDate = parsed.sentDate(internalDate: record.internalDate)
        record.gmTime = parsed.gmtime(internalDate: record.internalDate)
        header.highestModSeq = ModSeq(header.highestModSeq.rawValue &+ 1)
        record.modSeq = header.highestModSeq
        record.lastUpdated = Clock.now
        tell(isSame ? "its message \(file) is as it says, and it is taken" : "made anew from \(file), without its flags")
        return record
    }

    /// A record's bytes whatever its CRC.
    private func tornRecord(at offset: Int) -> IndexRecord? {
        guard map.bytes.holds(IndexRecord.currentSize, at: offset) else { return nil }
        var bytes = map.bytes.slice(offset, IndexRecord.currentSize - 4).array
        bytes.append(bigEndian: CRC32.of(bytes))
        return try? IndexRecord(bytes.span.bytes, at: 0, version: header.minorVersion, path: indexPath)
    }

    /// The message file with the lowest UID between two.
    private func firstFile(after previous: UInt32, before next: UInt32) -> UID? {
        let names = (try? posix { () throws(PosixError) in try FileSystem.list(dataDirectory) }) ?? []
        var lowest: UInt32?
        for name in names where name.hasSuffix(".") {
            guard let uid = UInt32(name.dropLast()), uid > previous, uid < next, uid < lowest ?? .max else { continue }
            lowest = uid
        }
        return lowest.map { UID($0) }
    }
}
