import Bytes
import Posix

/// Bringing a file back that was not closed by a commit, or is damaged, and making a new file of the records to keep.
///
/// The records are taken from the log instead of the lists: an INORDER record counts, an ADD or DELETE counts when a COMMIT follows,
/// and of one key the last entry counts. What cannot be read is stepped over. Under the exclusive lock `<file>.NEW` is written whole
/// and synced, renamed over the file, and the directory synced.
/// (The old inode is left as it is, and not emptied as Cyrus does: a process that still maps it must not be hit by SIGBUS.)
extension SkipList {
    private static let chunkBytes = 1 << 20

    func rebuild() throws(CyrusDBError) {
        try lock(.exclusive)
        defer { file.unlock() }
        try recover()
    }

    func recover() throws(CyrusDBError) {
        let started = Clock.monotonic
        changes &+= 1
        let window = file.window
        let bytes = window.bytes
        let found = scan(bytes)
        let live = keep(found.entries, bytes)
        let old = file.size
        if found.damaged > 0 { try keepDamaged(path) }
        if live.isEmpty && found.unreadable > 0 {
            throw damaged(SkipListHeader.emptyLogStart, "at least one whole record", "\(found.unreadable) unreadable bytes")
        }
        try rewrite(live, bytes)
        let milliseconds = Int((Clock.monotonic - started) * 1000)
        logger.notice(
            "skiplist: recovered \(path) (\(live.count) records, \(old) => \(file.size) bytes, \(found.unreadable) unreadable) in \(milliseconds) ms"
        )
    }

    // MARK: what to keep

    private struct Entry {
        /// The record stored or removed.
        var offset: Int
        var isDelete: Bool
    }

    /// All entries that count, in file order.
    private func scan(_ bytes: borrowing RawSpan) -> (entries: [Entry], unreadable: Int, damaged: Int) {
        var entries: [Entry] = []
        // Entries of the transaction that has no COMMIT yet.
        var open: [Entry] = []
        var unreadable = 0
        // Of those the ones before the last commit. What follows it is no damage: a transaction that was never finished.
        var damaged = 0
        var offset = SkipListHeader.emptyLogStart
        while offset <= bytes.byteCount - 4 {
            guard let (record, end) = wholeRecord(bytes, at: offset) else {
                if bytes.bigEndian32(at: offset) != 0 { unreadable += 4 }
                offset += 4
                continue
            }
            switch record.kind {
            case .inOrder:
                entries.append(Entry(offset: record.offset, isDelete: false))
                damaged = unreadable
            case .add: open.append(Entry(offset: record.offset, isDelete: false))
            case .delete: open.append(Entry(offset: Int(bytes.bigEndian32(at: record.offset + 4)), isDelete: true))
            case .commit:
                entries += open
                damaged = unreadable
                open.removeAll(keepingCapacity: true)
            case .dummy: break
            }
            offset = end
        }
        return (entries, unreadable, damaged)
    }

    /// The record at `offset` and its end, if it can be one.
    private func wholeRecord(_ bytes: borrowing RawSpan, at offset: Int) -> (SkipListRecord, Int)? {
        do throws(SkipListRecord.Failure) {
            let record = try SkipListRecord(bytes, at: offset)
            let end = try record.end(in: bytes)
            guard end <= bytes.byteCount else { return nil }
            switch record.kind {
            case .inOrder, .add:
                guard record.keyLength > 0 else { return nil }
                for list in 0..<(try record.level(in: bytes)) where try record.pointer(list, in: bytes) & 3 != 0 { return nil }
            case .delete:
                let removed = try SkipListRecord(bytes, at: Int(bytes.bigEndian32(at: offset + 4)))
                guard removed.kind == .add || removed.kind == .inOrder, removed.offset < offset else { return nil }
            case .dummy, .commit: break
            }
            return (record, end)
        } catch {
            return nil
        }
    }

    /// Offsets of the records that are left, in key order: of each key the last entry, unless it is a delete.
    private func keep(_ entries: [Entry], _ bytes: borrowing RawSpan) -> [Int] {
        // Every entry's record was read by `wholeRecord`, so that its key is known to lie within the file.
        func key(_ entry: Entry) -> (start: Int, count: Int) {
            (entry.offset + 8, Int(bytes.bigEndian32(at: entry.offset + 4)))
        }
        func order(_ a: Int, _ b: Int) -> Int {
            let x = key(entries[a]), y = key(entries[b])
            return comparator.compare(bytes.slice(x.start, x.count), bytes.slice(y.start, y.count))
        }
        let sorted = entries.indices.sorted { a, b in
            let order = order(a, b)
            return order == 0 ? a < b : order < 0
        }
        var live: [Int] = []
        for (i, index) in sorted.enumerated() {
            let isLastOfKey = i + 1 == sorted.count || order(index, sorted[i + 1]) != 0
            if isLastOfKey && !entries[index].isDelete { live.append(entries[index].offset) }
        }
        return live
    }

    // MARK: the new file

    /// Writes the records at `live` (sorted) to a new file, and puts it in this one's place.
    private func rewrite(_ live: [Int], _ bytes: borrowing RawSpan) throws(CyrusDBError) {
        var new = SkipListHeader()
        new.listSize = UInt32(clamping: live.count)
        new.lastRecovery = UInt32(clamping: Clock.now)
        var offsets: [Int] = []
        offsets.reserveCapacity(live.count)
        var at = SkipListHeader.emptyLogStart
        for (i, offset) in live.enumerated() {
            let record = try record(bytes, at: offset)
            let level = Self.idealLevel(i)
            new.currentLevel = max(new.currentLevel, UInt32(level))
            offsets.append(at)
            at += SkipListRecord.length(level: level, keyLength: record.keyLength, valueLength: record.valueLength)
        }
        guard at <= Int(UInt32.max) else { throw .unsupported(path: path, operation: "more than 4 GiB in a skiplist") }
        new.logStart = UInt32(at)

        let fresh = path + ".NEW"
        try write(new, live, offsets, to: fresh, bytes)
        try replaceFile(path, with: fresh)
        changes &+= 1
        try file.lock(.exclusive)
        try readHeader()
    }

    /// Every second record has level 2 or more, every fourth 3 or more, …
    static func idealLevel(_ index: Int) -> Int {
        min(SkipListHeader.maxLevel, 1 + (index + 1).trailingZeroBitCount)
    }

    /// From the last record to the first, in chunks, so that each is written once with its pointers.
    private func write(
        _ new: SkipListHeader, _ live: [Int], _ offsets: [Int], to fresh: String, _ bytes: borrowing RawSpan
    ) throws(CyrusDBError) {
        let target = try io { () throws(PosixError) in try File(fresh, .readWrite, create: .truncate, mode: 0o644) }
        var next: InlineArray<20, UInt32> = .init(repeating: 0)
        var high = live.count
        while high > 0 {
            let chunk = try inOrderChunk(live, offsets, &high, &next, bytes)
            let offset = offsets[high]
            try io { () throws(PosixError) in try target.write(chunk, at: offset) }
        }
        let start = Self.start(new, next)
        let unsafe = options.skiplistUnsafe
        try io { () throws(PosixError) in
            try target.write(start, at: 0)
            if !unsafe { try target.sync() }
        }
    }

    /// The last INORDER records before `high`, which then tells where they begin.
    func inOrderChunk(
        _ live: [Int], _ offsets: [Int], _ high: inout Int, _ next: inout InlineArray<20, UInt32>, _ bytes: borrowing RawSpan
    ) throws(CyrusDBError) -> [UInt8] {
        var low = high - 1
        var size = 0
        var pieces: [[UInt8]] = []
        while true {
            let record = try record(bytes, at: live[low])
            let level = Self.idealLevel(low)
            var piece: [UInt8] = []
            SkipListRecord.encode(
                .inOrder, key: bytes.slice(record.keyOffset, record.keyLength),
                value: bytes.slice(record.valueOffset, record.valueLength), pointers: next.span.extracting(0..<level), into: &piece)
            size += piece.count
            pieces.append(piece)
            for list in 0..<level { next[list] = UInt32(truncatingIfNeeded: offsets[low]) }
            if low == 0 || size >= Self.chunkBytes { break }
            low -= 1
        }
        high = low
        var chunk: [UInt8] = []
        chunk.reserveCapacity(size)
        for piece in pieces.reversed() { chunk += piece }
        return chunk
    }

    /// Header and dummy.
    static func start(_ header: SkipListHeader, _ next: InlineArray<20, UInt32>) -> [UInt8] {
        var start = header.encoded
        let none: [UInt8] = []
        SkipListRecord.encode(.dummy, key: none.span.bytes, value: none.span.bytes, pointers: next.span, into: &start)
        return start
    }
}
