import Bytes
import Posix

/// Rewriting the file with its live records only, in key order and with ideal levels, while others read and write it.
///
/// 1. `<file>.REPACK` is made and locked; whoever finds it locked leaves the work to its holder. (`.NEW` is what Cyrus's own
///    checkpoint writes, under the file's lock only.)
/// 2. The live records are looked up under the shared lock, some thousand at a time, and copied without any lock: what was committed
///    never changes where it stands. The copy is synced.
/// 3. What was committed meanwhile is brought over (`TwoSkip+CatchingUp`), in rounds under the shared lock until little is left.
/// 4. Under the exclusive lock the rest is brought over, the copy is committed and synced, renamed over the file, and the directory
///    synced. Only this holds others up, and it does not grow with the file.
///
/// At any moment the path names a complete file. Processes that wait for the old file's lock find another inode behind the path, and
/// go on there. A file that somebody else has rewritten meanwhile is left as it is.
extension TwoSkip {
    private static let chunkBytes = 1 << 20
    /// Records looked up under one shared lock.
    private static let recordsPerLock = 4096
    /// Bytes of changes that are left for the exclusive lock.
    private static let bytesForLast = 64 << 10
    /// Writers that are faster than this many rounds are held up for one.
    private static let rounds = 8

    var needsCheckpoint: Bool {
        header.currentSize > 16834 && header.currentSize > header.repackSize &* 2
    }

    func checkpoint(onlyIfNeeded: Bool) throws(CyrusDBError) {
        let started = Clock.monotonic
        let (needed, generation, begun) = try reading { () throws(CyrusDBError) in (needsCheckpoint, header.generation, end) }
        if onlyIfNeeded && !needed { return }
        let fresh = path + ".REPACK"
        guard let target = try MappedFile(makingAndLocking: fresh, logger: logger) else { return }
        var copy: TwoSkip? = TwoSkip(copyInto: target, comparator: comparator, checkCRC: checkCRC, logger: logger)
        do throws(CyrusDBError) {
            if let copy, try finish(copy, fresh, generation, begun) {
                let (count, size) = (copy.header.recordCount, copy.end)
                logger.info(
                    "twoskip: checkpointed \(path) (\(count) record\(count == 1 ? "" : "s"), \(lastSize) => \(size) bytes) in \(seconds(since: started)) seconds"
                )
            } else {
                _ = try io { () throws(PosixError) in try FileSystem.unlink(fresh) }
            }
        } catch {
            // The first error is the one to tell.
            _ = try? FileSystem.unlink(fresh)
            throw error
        }
        // The copy's descriptor is closed before this process opens the file again: that would drop a lock.
        copy = nil
        try reading { () throws(CyrusDBError) in }
    }

    /// Steps 2 to 4. False: the file was rewritten meanwhile.
    private func finish(_ copy: TwoSkip, _ fresh: String, _ generation: UInt64, _ begun: Int) throws(CyrusDBError) -> Bool {
        guard try fill(copy, generation) else { return false }
        try whileCopied?()
        var done = begun
        for _ in 0..<Self.rounds {
            let limit = try reading { () throws(CyrusDBError) in header.generation == generation ? end : nil }
            guard let limit, limit - done > Self.bytesForLast else { break }
            guard try bringOver(from: done, to: limit, into: copy, generation) else { return false }
            try copy.file.sync()
            done = limit
        }
        try lock(.exclusive)
        defer { file.unlock() }
        let locked = Clock.monotonic
        lastSize = end
        guard header.generation == generation, try bringOver(from: done, to: end, into: copy, generation) else { return false }
        try copy.seal(generation: generation &+ 1)
        try replaceFile(path, with: fresh)
        changes &+= 1
        lastPause = Clock.monotonic - locked
        return true
    }

    /// Where a record is, and where it goes.
    private struct Move {
        var from: Int
        /// The start of its blanks.
        var segment: Int
        var to: Int
        var level: Int
    }

    /// Copies the records that are live now, or soon were. False: the file was rewritten meanwhile.
    ///
    /// Offsets of the new records follow from the lengths of the old ones, so that every record can be written once, with its
    /// pointers: from the last to the first, in chunks.
    private func fill(_ copy: TwoSkip, _ generation: UInt64) throws(CyrusDBError) -> Bool {
        var moves: [Move] = []
        var recordsEnd = TwoSkipHeader.byteCount + 272
        var last: [UInt8]?
        while true {
            let isLast = try reading { () throws(CyrusDBError) -> Bool? in
                guard header.generation == generation else { return nil }
                return try plan(&moves, &recordsEnd, &last)
            }
            guard let isLast else { return false }
            if isLast { break }
        }
        // Held for as long as it is read without a lock.
        let map = file.map
        defer { withExtendedLifetime(map) {} }
        let window = file.window
        let bytes = window.bytes
        var next: InlineArray<31, UInt64> = .init(repeating: 0)
        var high = moves.count
        var pieces: [[UInt8]] = []
        while high > 0 {
            var low = high - 1
            pieces.removeAll(keepingCapacity: true)
            var size = 0
            while true {
                pieces.append(try movedRecord(moves[low], next, bytes))
                size += pieces[pieces.count - 1].count
                for list in 0..<moves[low].level { next[list] = UInt64(moves[low].to) }
                if low == 0 || size >= Self.chunkBytes { break }
                low -= 1
            }
            var chunk: [UInt8] = []
            chunk.reserveCapacity(size)
            for piece in pieces.reversed() { chunk += piece }
            try copy.file.write(chunk, at: moves[low].segment)
            high = low
        }

        var dummy: InlineArray<32, UInt64> = .init(repeating: 0)
        for list in 0..<Self.listCount { dummy[list + 1] = next[list] }
        let none: [UInt8] = []
        var start: [UInt8] = []
        TwoSkipRecord.encode(.dummy, pointers: dummy.span, key: none.span.bytes, value: none.span.bytes, into: &start)
        var tail: [UInt8] = []
        for _ in 0..<(TwoSkipRecord.blanks(before: recordsEnd, headLength: 24) / 8) { tail += TwoSkipRecord.blank }
        let begun: InlineArray<1, UInt64> = [UInt64(TwoSkipHeader.byteCount + start.count)]
        TwoSkipRecord.encode(.commit, pointers: begun.span, key: none.span.bytes, value: none.span.bytes, into: &tail)
        copy.header.generation = generation
        copy.header.recordCount = UInt64(moves.count)
        copy.header.repackSize = UInt64(recordsEnd)
        copy.header.currentSize = UInt64(recordsEnd + tail.count)
        try copy.file.write(tail, at: recordsEnd)
        try copy.file.write(copy.header.encoded + start, at: 0)
        try copy.file.sync()
        copy.end = recordsEnd + tail.count
        return true
    }

    /// Plans the next live records in order, each checked, and where they end; true when there are no more. Under a lock.
    private func plan(_ moves: inout [Move], _ at: inout Int, _ last: inout [UInt8]?) throws(CyrusDBError) -> Bool {
        let window = file.window
        let bytes = window.bytes
        var next: TwoSkipRecord?
        if let last {
            let found = try find(last.span.bytes)
            next = if let match = found.match { try following(match, bytes) } else { found.following }
        } else {
            next = try following(try dummy(bytes), bytes)
        }
        var previous: TwoSkipRecord?
        for _ in 0..<Self.recordsPerLock {
            guard let record = next else { return true }
            try checkTail(record, bytes)
            if let previous,
                comparator.compare(bytes.slice(previous.keyOffset, previous.keyLength), bytes.slice(record.keyOffset, record.keyLength))
                    >= 0
            {
                throw damaged(record.keyOffset, "a key after the one before it", "one that is not")
            }
            let level = min(TwoSkipRecord.maxLevel, 1 + (moves.count + 1).trailingZeroBitCount)
            let head = TwoSkipRecord.headLength(level: level, keyLength: record.keyLength, valueLength: record.valueLength)
            let to = at + TwoSkipRecord.blanks(before: at, headLength: head)
            moves.append(Move(from: record.offset, segment: at, to: to, level: level))
            at = to + head + record.tailLength
            previous = record
            next = try following(record, bytes)
        }
        if let previous { last = bytes.slice(previous.keyOffset, previous.keyLength).array }
        return false
    }

    private func movedRecord(
        _ move: Move, _ next: InlineArray<31, UInt64>, _ bytes: borrowing RawSpan
    ) throws(CyrusDBError) -> [UInt8] {
        // Another process may be writing pointers into this head, and the CRC over them; the rest of it was checked.
        let record = try unchecked(bytes, at: move.from)
        var piece: [UInt8] = []
        for _ in 0..<((move.to - move.segment) / 8) { piece += TwoSkipRecord.blank }
        var slots: InlineArray<32, UInt64> = .init(repeating: 0)
        for list in 0..<move.level { slots[list + 1] = next[list] }
        TwoSkipRecord.encode(
            .record, pointers: slots.span.extracting(0...move.level), key: bytes.slice(record.keyOffset, record.keyLength),
            value: bytes.slice(record.valueOffset, record.valueLength), into: &piece)
        return piece
    }
}
