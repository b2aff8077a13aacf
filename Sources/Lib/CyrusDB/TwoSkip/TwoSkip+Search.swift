import Bytes
import Posix

extension TwoSkip {
    /// Where a key is, or would be: on every list the last record before it and the first not before it.
    struct Place {
        /// Offsets of records; the dummy's at the start of a list.
        var back: InlineArray<31, Int> = .init(repeating: TwoSkip.dummyOffset)
        /// Offsets of records, 0 at the end of a list.
        var next: InlineArray<31, Int> = .init(repeating: 0)
        /// The record of the key itself.
        var match: TwoSkipRecord?
        /// The first record not before the key.
        var following: TwoSkipRecord?
    }

    static let dummyOffset = TwoSkipHeader.byteCount
    static let listCount = TwoSkipRecord.maxLevel

    /// The dummy, checked to be one.
    func dummy(_ bytes: borrowing RawSpan) throws(CyrusDBError) -> TwoSkipRecord {
        let dummy = try record(bytes, at: Self.dummyOffset)
        guard dummy.kind == .dummy, dummy.level == TwoSkipRecord.maxLevel else {
            throw damaged(Self.dummyOffset, "the dummy record of level 31", "\(dummy.kind) of level \(dummy.level)")
        }
        return dummy
    }

    /// The live record that follows on the lowest list; nil at its end.
    ///
    /// Of the two pointers the larger counts, unless it leads beyond the end: then it was written by a transaction that never
    /// was committed. A delete record leads on to what followed the record it removed.
    @inline(__always)
    func following(_ current: TwoSkipRecord, _ bytes: borrowing RawSpan) throws(CyrusDBError) -> TwoSkipRecord? {
        let first = current.pointer(0, in: bytes)
        let second = current.pointer(1, in: bytes)
        let limit = UInt64(end)
        var offset = first >= limit ? second : second >= limit ? first : max(first, second)
        var steps = 0
        while offset != 0 {
            let next = try record(bytes, at: Int(truncatingIfNeeded: offset))
            if next.kind == .record {
                guard next.level >= 1 else { throw damaged(next.offset + 1, "a level of 1...31", "0") }
                return next
            }
            guard next.kind == .delete, steps < stepLimit else {
                throw damaged(next.offset, "a record or its deletion", "\(next.kind)")
            }
            offset = next.pointer(0, in: bytes)
            steps += 1
        }
        return nil
    }

    /// The record that follows on a list above the lowest.
    @inline(__always)
    func following(_ current: TwoSkipRecord, list: Int, _ bytes: borrowing RawSpan) throws(CyrusDBError) -> TwoSkipRecord {
        let next = try record(bytes, at: Int(truncatingIfNeeded: current.pointer(list + 1, in: bytes)))
        guard next.kind == .record, next.level > list else {
            throw damaged(next.offset, "a record on list \(list)", "\(next.kind) of level \(next.level)")
        }
        return next
    }

    /// Finds a key. The answer is proved by CRCs: of the record found, or else of the two neighbours between which it would be.
    func locate(_ key: borrowing RawSpan) throws(CyrusDBError) -> Place {
        let window = file.window
        let bytes = window.bytes
        var place = Place()
        var current = try dummy(bytes)
        // The last record that was found not to be before the key: it stands on lower lists too.
        var refused: TwoSkipRecord?
        var refusedOffset = 0
        var order = 1
        var steps = 0
        var list = Self.listCount - 1
        while list > 0 {
            let pointer = Int(truncatingIfNeeded: current.pointer(list + 1, in: bytes))
            if pointer != 0 && pointer != refusedOffset {
                let candidate = try following(current, list: list, bytes)
                let candidateOrder = comparator.compare(bytes.slice(candidate.keyOffset, candidate.keyLength), key)
                if candidateOrder < 0 {
                    current = candidate
                    steps += 1
                    guard steps < stepLimit else { throw damaged(current.offset, "a list that ends", "a circle") }
                    continue
                }
                refused = candidate
                refusedOffset = candidate.offset
                order = candidateOrder
            }
            place.back[list] = current.offset
            place.next[list] = pointer
            list -= 1
        }
        while let candidate = try following(current, bytes) {
            if candidate.offset != refusedOffset {
                let candidateOrder = comparator.compare(bytes.slice(candidate.keyOffset, candidate.keyLength), key)
                if candidateOrder < 0 {
                    current = candidate
                    steps += 1
                    guard steps < stepLimit else { throw damaged(current.offset, "a list that ends", "a circle") }
                    continue
                }
                order = candidateOrder
            }
            refused = candidate
            place.following = candidate
            place.next[0] = candidate.offset
            break
        }
        if place.following == nil { refused = nil }
        place.back[0] = current.offset
        if let refused {
            try checkTail(refused, bytes)
            if order == 0 {
                place.match = refused
                return place
            }
        }
        if current.kind == .record { try checkTail(current, bytes) }
        return place
    }

    // MARK: reading

    func fetch(_ key: RawSpan, _ body: (RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool {
        guard let match = try reading({ () throws(CyrusDBError) in try locate(key).match }) else { return false }
        try lend(match) { _, value throws(CyrusDBError) in try body(value) }
        return true
    }

    func fetchNext(_ key: RawSpan, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool {
        guard let next = try reading({ () throws(CyrusDBError) in try successor(of: key) }) else { return false }
        try lend(next, body)
        return true
    }

    /// The first record after a key.
    private func successor(of key: borrowing RawSpan) throws(CyrusDBError) -> TwoSkipRecord? {
        let place = try locate(key)
        guard let match = place.match else { return place.following }
        let window = file.window
        return try following(match, window.bytes)
    }

    /// Lends key and value of a record, whose map is held meanwhile: they stay what they are without a lock.
    private func lend(_ record: TwoSkipRecord, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) {
        let map = file.map
        defer { withExtendedLifetime(map) {} }
        let window = file.window
        let bytes = window.bytes
        try checkTail(record, bytes)
        try body(bytes.slice(record.keyOffset, record.keyLength), bytes.slice(record.valueOffset, record.valueLength))
    }
}
