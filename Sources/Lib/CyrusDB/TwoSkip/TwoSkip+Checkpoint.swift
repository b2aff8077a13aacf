import Bytes
import Posix

/// Rewriting the file with its live records only, in key order and with ideal levels.
///
/// Under the exclusive lock `<file>.NEW` is written whole and synced, renamed over the file, and the directory synced: at any
/// moment the path names a complete file. Processes that wait for the old file's lock find another inode behind the path, and go on there.
extension TwoSkip {
    private static let chunkBytes = 1 << 20

    var needsCheckpoint: Bool {
        header.currentSize > 16834 && header.currentSize > header.repackSize &* 2
    }

    func checkpoint(onlyIfNeeded: Bool) throws(CyrusDBError) {
        try lock(.exclusive)
        defer { file.unlock() }
        if onlyIfNeeded && !needsCheckpoint { return }
        let started = Clock.monotonic
        let old = end
        let fresh = path + ".NEW"
        let new = try writeCompacted(fresh)
        try replaceFile(path, with: fresh)
        changes &+= 1
        try file.lock(.exclusive)
        header = new
        end = Int(clamping: header.currentSize)
        let time = seconds(since: started)
        logger.info(
            "twoskip: checkpointed \(path) (\(header.recordCount) record\(header.recordCount == 1 ? "" : "s"), \(old) => \(end) bytes) in \(time) seconds"
        )
    }

    /// Where a record is, and where it goes.
    private struct Move {
        var from: Int
        /// The start of its blanks.
        var segment: Int
        var to: Int
        var level: Int
    }

    /// Offsets of the new records follow from the lengths of the old ones, so that every record can be written once, with its
    /// pointers: from the last to the first, in chunks.
    private func writeCompacted(_ fresh: String) throws(CyrusDBError) -> TwoSkipHeader {
        let window = file.window
        let bytes = window.bytes
        let (moves, recordsEnd) = try planMoves(bytes)
        let target = try io { () throws(PosixError) in try File(fresh, .readWrite, create: .truncate, mode: 0o644) }
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
            try io { () throws(PosixError) in try target.write(chunk, at: moves[low].segment) }
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

        var new = TwoSkipHeader()
        new.generation = header.generation &+ 1
        new.recordCount = UInt64(moves.count)
        new.repackSize = UInt64(recordsEnd)
        new.currentSize = UInt64(recordsEnd + tail.count)
        try io { () throws(PosixError) in
            try target.write(tail, at: recordsEnd)
            try target.write(new.encoded + start, at: 0)
            try target.sync()
        }
        return new
    }

    /// The live records in order, each checked, with their new offsets; and where they end.
    private func planMoves(_ bytes: borrowing RawSpan) throws(CyrusDBError) -> (moves: [Move], end: Int) {
        var moves: [Move] = []
        moves.reserveCapacity(Int(clamping: min(header.recordCount, UInt64(stepLimit))))
        var at = TwoSkipHeader.byteCount + 272
        var current = try dummy(bytes)
        while let record = try following(current, bytes) {
            try checkTail(record, bytes)
            if current.kind == .record,
                comparator.compare(bytes.slice(current.keyOffset, current.keyLength), bytes.slice(record.keyOffset, record.keyLength)) >= 0
            {
                throw damaged(record.keyOffset, "a key after the one before it", "one that is not")
            }
            let level = min(TwoSkipRecord.maxLevel, 1 + (moves.count + 1).trailingZeroBitCount)
            let head = TwoSkipRecord.headLength(level: level, keyLength: record.keyLength, valueLength: record.valueLength)
            let to = at + TwoSkipRecord.blanks(before: at, headLength: head)
            moves.append(Move(from: record.offset, segment: at, to: to, level: level))
            at = to + head + record.tailLength
            current = record
        }
        return (moves, at)
    }

    private func movedRecord(
        _ move: Move, _ next: InlineArray<31, UInt64>, _ bytes: borrowing RawSpan
    ) throws(CyrusDBError) -> [UInt8] {
        let record = try record(bytes, at: move.from)
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
