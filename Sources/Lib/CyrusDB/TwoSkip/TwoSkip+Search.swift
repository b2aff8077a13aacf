import Bytes
import CPosix
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

    /// Finds a key, and the way to it for a change.
    func locate(_ key: borrowing RawSpan) throws(CyrusDBError) -> Place {
        var place = Place()
        let found = try descend(key) { list, back, next in
            place.back[list] = back
            place.next[list] = next
        }
        place.match = found.match
        place.following = found.following
        return place
    }

    /// The record of a key, and it or else the first record after it.
    func find(_ key: borrowing RawSpan) throws(CyrusDBError) -> (match: TwoSkipRecord?, following: TwoSkipRecord?) {
        try descend(key) { _, _, _ in }
    }

    /// Goes down the lists to a key, and tells of each the last record before the key and the first not before it.
    ///
    /// The answer is proved by CRCs: of the heads of all records that led there, and of the record found, or else of the two
    /// neighbours between which it would be.
    @inline(__always)
    private func descend(
        _ key: borrowing RawSpan, _ pass: (_ list: Int, _ back: Int, _ next: Int) -> Void
    ) throws(CyrusDBError) -> (match: TwoSkipRecord?, following: TwoSkipRecord?) {
        let window = file.window
        let bytes = window.bytes
        var current = try dummy(bytes)
        // The last record that was found not to be before the key: it stands on lower lists too.
        var refusedOffset = 0
        var order = 1
        var steps = 0
        var list = Self.listCount - 1
        while list > 0 {
            let pointer = Int(truncatingIfNeeded: current.pointer(list + 1, in: bytes))
            if pointer != 0 && pointer != refusedOffset {
                // Half of the time the next list's record is looked at next: its way from memory begins now.
                if list > 1 {
                    let below = Int(truncatingIfNeeded: current.pointer(list, in: bytes))
                    if below != pointer { bytes.prefetch(below, keyAt: below &+ (16 + 8 * list)) }
                }
                let candidate = try unchecked(bytes, at: pointer)
                guard candidate.kind == .record, candidate.level > list else {
                    throw damaged(candidate.offset, "a record on list \(list)", "\(candidate.kind) of level \(candidate.level)")
                }
                let candidateOrder = comparator.compare(bytes.slice(candidate.keyOffset, candidate.keyLength), key)
                if candidateOrder < 0 {
                    try checkHead(candidate, bytes)
                    current = candidate
                    steps += 1
                    guard steps < stepLimit else { throw damaged(current.offset, "a list that ends", "a circle") }
                    continue
                }
                refusedOffset = pointer
                order = candidateOrder
            }
            pass(list, current.offset, pointer)
            list -= 1
        }
        while true {
            guard let candidate = try following(current, bytes) else {
                pass(0, current.offset, 0)
                if current.kind == .record { try checkTail(current, bytes) }
                return (nil, nil)
            }
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
            pass(0, current.offset, candidate.offset)
            try checkTail(candidate, bytes)
            if order == 0 { return (candidate, candidate) }
            if current.kind == .record { try checkTail(current, bytes) }
            return (nil, candidate)
        }
    }

    // MARK: reading

    func fetch(_ key: RawSpan, _ body: (RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool {
        guard let match = try reading({ () throws(CyrusDBError) in try find(key).match }) else { return false }
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
        let found = try find(key)
        guard let match = found.match else { return found.following }
        let window = file.window
        let bytes = window.bytes
        guard let next = try following(match, bytes) else { return nil }
        try checkTail(next, bytes)
        return next
    }

    /// Lends key and value of a record that was checked; its map is held meanwhile: they stay what they are without a lock.
    private func lend(_ record: TwoSkipRecord, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) {
        let map = file.map
        defer { withExtendedLifetime(map) {} }
        let window = file.window
        let bytes = window.bytes
        try body(bytes.slice(record.keyOffset, record.keyLength), bytes.slice(record.valueOffset, record.valueLength))
    }
}

extension RawSpan {
    /// Has the head at `offset`, and the key that probably is at `keyAt`, on their way from memory. The offsets may be any.
    @inline(__always)
    fileprivate func prefetch(_ offset: Int, keyAt: Int) {
        withUnsafeBytes { buffer in
            let base = UInt(bitPattern: buffer.baseAddress)
            cy_prefetch(base &+ UInt(bitPattern: offset))
            cy_prefetch(base &+ UInt(bitPattern: keyAt))
        }
    }
}
