import Bytes
import Posix

/// Bringing an unclean file back to its last commit, under the exclusive lock.
///
/// Relinking (Cyrus recovery1) walks the lowest list by the pointers valid at the committed end, mends the upper lists by it, cuts
/// off what was never committed, syncs, and only then clears DIRTY. Where that meets damage, rebuilding (recovery2) reads the file
/// from end to end, and makes a new one of every record that is whole.
extension TwoSkip {
    func recover() throws(CyrusDBError) {
        changes &+= 1
        let started = Clock.monotonic
        do throws(CyrusDBError) {
            let fixed = try relinkAll()
            // An abort of one's own is nothing to tell an admin.
            guard !inTransaction else { return }
            logger.info(
                "twoskip: recovered \(path) (\(header.recordCount) records, \(end) bytes) in \(seconds(since: started)) seconds - fixed \(fixed) offsets"
            )
        } catch {
            guard error.isDamage else { throw error }
            logger.error("DBERROR: twoskip: \(error); rebuilding from all whole records")
            try rebuild(limit: Int(clamping: header.currentSize))
        }
    }

    /// The number of heads mended.
    private func relinkAll() throws(CyrusDBError) -> Int {
        end = Int(clamping: header.currentSize)
        guard end <= file.size else { throw damaged(file.size, "\(end) bytes", "the end of the file") }
        if !header.isDirty {
            header.flags |= TwoSkipHeader.dirtyFlag
            try file.write(header.encoded, at: 0)
            try file.sync()
        }
        let window = file.window
        let bytes = window.bytes
        // On every list the last record passed.
        var last: InlineArray<31, Int> = .init(repeating: Self.dummyOffset)
        var current = try dummy(bytes)
        var count = 0
        var fixed = 0
        while true {
            if try dropUncommitted(current) { fixed += 1 }
            let next = try following(current, bytes)
            for list in 1..<Self.listCount {
                guard list < next?.level ?? Self.listCount else { break }
                if try mend(last[list], list, UInt64(next?.offset ?? 0)) { fixed += 1 }
                last[list] = next?.offset ?? 0
            }
            guard let next else { break }
            if current.kind == .record,
                comparator.compare(bytes.slice(current.keyOffset, current.keyLength), bytes.slice(next.keyOffset, next.keyLength)) >= 0
            {
                throw damaged(next.keyOffset, "a key after the one before it", "one that is not")
            }
            current = next
            count += 1
            guard count < stepLimit else { throw damaged(current.offset, "a list that ends", "a circle") }
        }
        if file.size > end { try file.truncate(to: end) }
        try file.sync()
        header.recordCount = UInt64(count)
        header.flags &= ~TwoSkipHeader.dirtyFlag
        try file.write(header.encoded, at: 0)
        try file.sync()
        return fixed
    }

    /// Clears list-0 pointers that lead beyond the committed end.
    private func dropUncommitted(_ record: TwoSkipRecord) throws(CyrusDBError) -> Bool {
        let window = file.window
        let bytes = window.bytes
        let limit = UInt64(end)
        let first = record.pointer(0, in: bytes)
        let second = record.pointer(1, in: bytes)
        guard first >= limit || second >= limit else { return false }
        var head = TwoSkipHead(record, bytes)
        if first >= limit { head.setSlot(0, 0) }
        if second >= limit { head.setSlot(1, 0) }
        try storeHead(head)
        return true
    }

    /// Makes the record at `offset` lead to `target` on an upper list.
    private func mend(_ offset: Int, _ list: Int, _ target: UInt64) throws(CyrusDBError) -> Bool {
        var head = try loadHead(offset)
        guard head.slot(list + 1) != target else { return false }
        head.setSlot(list + 1, target)
        try storeHead(head)
        return true
    }

    // MARK: rebuilding

    func rebuild() throws(CyrusDBError) {
        try lock(.exclusive)
        defer { file.unlock() }
        try rebuild(limit: Int(clamping: header.currentSize))
    }

    /// Replaces the file by one made of every whole record in it that was committed.
    ///
    /// What lies before `limit` was committed. Without a limit (the header is unreadable) it is what lies before the last commit record.
    func rebuild(limit: Int?) throws(CyrusDBError) {
        changes &+= 1
        let started = Clock.monotonic
        end = file.size
        let committed = min(limit ?? lastCommitEnd(), file.size)
        let fresh = path + ".NEW"
        let generation = header.generation
        let kept = try replay(into: fresh, committed: committed, generation: generation &+ 1)
        guard kept.records > 0 else {
            try io { () throws(PosixError) in _ = try FileSystem.unlink(fresh) }
            throw damaged(TwoSkipHeader.byteCount, "at least one whole record", "\(kept.unreadable) unreadable bytes")
        }
        if kept.unreadable > 0 { try keepDamaged(path) }
        try replaceFile(path, with: fresh)
        try file.lock(.exclusive)
        let window = file.window
        do throws(TwoSkipHeader.Failure) {
            header = try TwoSkipHeader(window.bytes)
        } catch {
            throw damaged(0, "the header this process wrote", "\(error)")
        }
        end = Int(clamping: header.currentSize)
        let time = seconds(since: started)
        logger.notice(
            "twoskip: recovered \(path) (\(kept.records) records, \(end) bytes) in \(time) seconds - rebuilt, \(kept.unreadable) bytes unreadable"
        )
    }

    private struct Replayed {
        var records: UInt64
        var unreadable: Int
    }

    /// Replays stores and deletes in the order they were made.
    private func replay(into fresh: String, committed: Int, generation: UInt64) throws(CyrusDBError) -> Replayed {
        try io { () throws(PosixError) in _ = try FileSystem.unlink(fresh) }
        var flags: OpenFlags = [.create]
        if comparator == .mailbox { flags.insert(.mailboxSort) }
        let new = try TwoSkip(fresh, flags, logger: logger)
        try new.begin(shared: false)
        var unreadable = 0
        do throws(CyrusDBError) {
            let window = file.window
            let bytes = window.bytes
            var offset = TwoSkipHeader.byteCount
            while offset <= committed - 8 {
                guard let record = wholeRecord(bytes, at: offset, limit: committed) else {
                    if bytes.bigEndian64(at: offset) != TwoSkipRecord.blankWord { unreadable += 8 }
                    offset += 8
                    continue
                }
                switch record.kind {
                case .record where record.keyLength > 0:
                    _ = try new.store(
                        bytes.slice(record.keyOffset, record.keyLength), bytes.slice(record.valueOffset, record.valueLength),
                        overwrite: true)
                case .delete: try new.deleteBefore(record.pointer(0, in: bytes), of: self, bytes)
                default: break
                }
                offset = record.end
            }
            new.header.generation = generation
            new.header.repackSize = UInt64(new.end)
            try new.commit()
        } catch {
            try? new.abort()
            throw error
        }
        return Replayed(records: new.header.recordCount, unreadable: unreadable)
    }

    /// A delete names the live record that followed the removed one (0: none did): the removed one is the one before that.
    private func deleteBefore(_ pointer: UInt64, of old: TwoSkip, _ bytes: borrowing RawSpan) throws(CyrusDBError) {
        let victim: Int
        if pointer == 0 {
            victim = try lastOffset()
        } else {
            guard let follower = old.wholeRecord(bytes, at: Int(clamping: pointer), limit: bytes.byteCount), follower.kind == .record else {
                return
            }
            let place = try locate(bytes.slice(follower.keyOffset, follower.keyLength))
            guard place.match != nil else { return }
            victim = place.back[0]
        }
        guard victim != Self.dummyOffset else { return }
        let window = file.window
        let record = try record(window.bytes, at: victim)
        let key = window.bytes.slice(record.keyOffset, record.keyLength).array
        _ = try delete(key.span.bytes)
    }

    /// The offset of the last record of all; the dummy's when there is none.
    func lastOffset() throws(CyrusDBError) -> Int {
        let window = file.window
        let bytes = window.bytes
        var current = try dummy(bytes)
        for list in stride(from: Self.listCount - 1, to: 0, by: -1) {
            while current.pointer(list + 1, in: bytes) != 0 { current = try following(current, list: list, bytes) }
        }
        while let next = try following(current, bytes) { current = next }
        return current.offset
    }

    private func wholeRecord(_ bytes: borrowing RawSpan, at offset: Int, limit: Int) -> TwoSkipRecord? {
        do throws(TwoSkipRecord.Failure) {
            let record = try TwoSkipRecord(bytes, at: offset, limit: limit)
            try record.checkTail(bytes)
            return record
        } catch {
            return nil
        }
    }

    /// Where the last whole commit record ends.
    private func lastCommitEnd() -> Int {
        let window = file.window
        let bytes = window.bytes
        var offset = TwoSkipHeader.byteCount
        var last = 0
        while offset <= file.size - 24 {
            guard let record = wholeRecord(bytes, at: offset, limit: file.size) else {
                offset += 8
                continue
            }
            offset = record.end
            if record.kind == .commit { last = offset }
        }
        return last
    }

    /// For logs: seconds with three decimals.
    func seconds(since start: Double) -> String {
        let milliseconds = Int((Clock.monotonic - start) * 1000)
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}
