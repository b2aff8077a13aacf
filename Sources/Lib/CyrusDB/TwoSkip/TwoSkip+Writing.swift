import Bytes
import Posix

/// Writing, under the exclusive lock, on a clean file. The order that makes a commit durable and an unfinished one harmless:
///
/// 1. before the first change the header is marked DIRTY, and synced: whoever finds it so recovers first;
/// 2. records are appended after the committed end, and the heads of the records before them are overwritten in place. On the lowest
///    list a head has two pointers, and the one valid before the transaction stays, so that recovery finds the old list;
/// 3. commit appends the commit record, and syncs everything;
/// 4. only then the header gets the new end, loses DIRTY, and is synced. The client may be answered now.
///
/// A transaction of many changes works on a draft of the file from its 17th change on, and steps 2 and 3 write that out.
///
/// Heads are padded so as not to straddle 512 bytes: a torn write leaves them old or new.
extension TwoSkip {
    func store(_ key: RawSpan, _ value: RawSpan, overwrite: Bool) throws(CyrusDBError) -> Bool {
        try changing { () throws(CyrusDBError) in
            let place = try locate(key)
            if let match = place.match {
                guard overwrite else { return false }
                let window = file.window
                if window.bytes.slice(match.valueOffset, match.valueLength).equals(value) { return true }
            }
            try markDirty()
            try link(key, value, place)
            if place.match == nil { header.recordCount &+= 1 }
            return true
        }
    }

    func delete(_ key: RawSpan) throws(CyrusDBError) -> Bool {
        try changing { () throws(CyrusDBError) in
            let place = try locate(key)
            guard let match = place.match else { return false }
            try markDirty()
            var pointers = try pointersAfter(match)
            let next: InlineArray<1, UInt64> = [pointers[0]]
            let none: [UInt8] = []
            pointers[0] = UInt64(try append(.delete, next.span, none.span.bytes, none.span.bytes))
            try relink(place, pointers, lists: match.level)
            header.recordCount = header.recordCount == 0 ? 0 : header.recordCount - 1
            return true
        }
    }

    /// Runs a change; a failing one leaves the transaction fit for abort only.
    private func changing(_ body: () throws(CyrusDBError) -> Bool) throws(CyrusDBError) -> Bool {
        switch state {
        case .idle, .reading: throw .readOnly(path: path)
        case .failed(let error): throw error
        case .writing: break
        }
        do throws(CyrusDBError) {
            return try body()
        } catch {
            state = .failed(error)
            throw error
        }
    }

    func markDirty() throws(CyrusDBError) {
        changes &+= 1
        transactionChanges += 1
        if transactionChanges == Self.changesBeforeDraft { try file.startDraft() }
        guard !isDirty else { return }
        header.flags |= TwoSkipHeader.dirtyFlag
        isDirty = true
        // The record count on disk stays the committed one: it is only written with the commit.
        try file.write(header.encoded, at: 0)
        try file.sync()
    }

    /// So many changes are cheaper to write one by one than in a draft.
    private static let changesBeforeDraft = 17

    /// Where a record's lists lead on, list 0 without deleted records.
    private func pointersAfter(_ record: TwoSkipRecord) throws(CyrusDBError) -> InlineArray<31, UInt64> {
        let window = file.window
        let bytes = window.bytes
        var pointers: InlineArray<31, UInt64> = .init(repeating: 0)
        pointers[0] = UInt64(try following(record, bytes)?.offset ?? 0)
        for list in 1..<max(1, record.level) { pointers[list] = record.pointer(list + 1, in: bytes) }
        return pointers
    }

    /// Appends a record in place of `place.match`, or between its neighbours, and puts it into the lists.
    private func link(_ key: RawSpan, _ value: RawSpan, _ place: Place) throws(CyrusDBError) {
        let level = randomLevel()
        let oldLevel = place.match?.level ?? 0
        var pointers: InlineArray<31, UInt64> = .init(repeating: 0)
        if let match = place.match { pointers = try pointersAfter(match) }
        for list in oldLevel..<max(oldLevel, level) { pointers[list] = UInt64(place.next[list]) }

        var slots: InlineArray<32, UInt64> = .init(repeating: 0)
        for list in 0..<level { slots[list + 1] = pointers[list] }
        let offset = UInt64(try append(.record, slots.span.extracting(0...level), key, value))
        for list in 0..<level { pointers[list] = offset }
        try relink(place, pointers, lists: max(level, oldLevel))
    }

    /// Appends a record; its offset.
    private func append(
        _ kind: TwoSkipRecord.Kind, _ pointers: borrowing Span<UInt64>, _ key: RawSpan, _ value: RawSpan
    ) throws(CyrusDBError) -> Int {
        buffer.removeAll(keepingCapacity: true)
        let head = TwoSkipRecord.headLength(level: pointers.count - 1, keyLength: key.byteCount, valueLength: value.byteCount)
        let blanks = TwoSkipRecord.blanks(before: end, headLength: head)
        for _ in 0..<(blanks / 8) { buffer += TwoSkipRecord.blank }
        TwoSkipRecord.encode(kind, pointers: pointers, key: key, value: value, into: &buffer)
        try file.write(buffer, at: end)
        let offset = end + blanks
        end += buffer.count
        if buffer.capacity > 1 << 20 { buffer = [] }
        return offset
    }

    /// Lets the records before `place` lead to `pointers` on the first `lists` lists.
    private func relink(_ place: Place, _ pointers: InlineArray<31, UInt64>, lists: Int) throws(CyrusDBError) {
        var list = 0
        while list < lists {
            let offset = place.back[list]
            var head = try loadHead(offset)
            while list < lists, place.back[list] == offset {
                head.set(list, pointers[list], committed: header.currentSize)
                list += 1
            }
            try storeHead(head)
        }
    }

    /// A random level: half of the records have 1, a quarter 2, …
    private func randomLevel() -> Int {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return min(TwoSkipRecord.maxLevel, 1 + (random >> 20).trailingZeroBitCount)
    }

    // MARK: the end of a transaction

    func commit() throws(CyrusDBError) {
        switch state {
        case .idle: return
        case .reading: break
        case .failed(let error):
            try abort()
            throw error
        case .writing where isDirty:
            do throws(CyrusDBError) {
                try writeCommit()
            } catch {
                // The first error is the one to tell.
                try? abort()
                throw error
            }
        case .writing: break
        }
        state = .idle
        isDirty = false
        file.unlock()
    }

    /// Steps 3 and 4.
    func writeCommit() throws(CyrusDBError) {
        let start: InlineArray<1, UInt64> = [header.currentSize]
        let none: [UInt8] = []
        _ = try append(.commit, start.span, none.span.bytes, none.span.bytes)
        try file.sync()
        header.currentSize = UInt64(end)
        header.flags &= ~TwoSkipHeader.dirtyFlag
        try file.write(header.encoded, at: 0)
        try file.sync()
    }

    func abort() throws(CyrusDBError) {
        guard inTransaction else { return }
        defer {
            state = .idle
            isDirty = false
            file.unlock()
        }
        guard isDirty else { return }
        changes &+= 1
        let canUndo = !file.hasSpilled
        try file.leaveDraft()
        let window = file.window
        do throws(TwoSkipHeader.Failure) {
            header = try TwoSkipHeader(window.bytes)
        } catch {
            throw damaged(0, "the header this process wrote", "\(error)")
        }
        end = Int(clamping: header.currentSize)
        if canUndo { try undo() } else { try recover() }
    }

    /// Puts back what the transaction has overwritten, cuts off what it appended, and only then clears DIRTY.
    private func undo() throws(CyrusDBError) {
        for (offset, bytes) in overwritten.reversed() { try file.write(bytes, at: offset) }
        try file.truncate(to: end)
        try file.sync()
        header.flags &= ~TwoSkipHeader.dirtyFlag
        try file.write(header.encoded, at: 0)
        try file.sync()
    }
}
