import Bytes
import CPosix
import Posix

extension SkipList {
    /// Where a key is, or would be: on every list the last record before it and the first not before it.
    struct Place {
        var back: InlineArray<20, Int> = .init(repeating: SkipListHeader.dummyOffset)
        var next: InlineArray<20, Int> = .init(repeating: 0)
        var match: SkipListRecord?
        /// The first record not before the key.
        var following: SkipListRecord?
    }

    func dummy(_ bytes: borrowing RawSpan) throws(CyrusDBError) -> SkipListRecord {
        let dummy = try record(bytes, at: SkipListHeader.dummyOffset)
        guard dummy.kind == .dummy else { throw damaged(SkipListHeader.dummyOffset, "the dummy record", "\(dummy.kind)") }
        return dummy
    }

    func record(_ bytes: borrowing RawSpan, at offset: Int) throws(CyrusDBError) -> SkipListRecord {
        do throws(SkipListRecord.Failure) {
            return try SkipListRecord(bytes, at: offset)
        } catch {
            throw damaged(error)
        }
    }

    func pointer(_ record: SkipListRecord, _ list: Int, _ bytes: borrowing RawSpan) throws(CyrusDBError) -> Int {
        do throws(SkipListRecord.Failure) {
            return try record.pointer(list, in: bytes)
        } catch {
            throw damaged(error)
        }
    }

    func level(_ record: SkipListRecord, _ bytes: borrowing RawSpan) throws(CyrusDBError) -> Int {
        do throws(SkipListRecord.Failure) {
            return try record.level(in: bytes)
        } catch {
            throw damaged(error)
        }
    }

    func damaged(_ failure: SkipListRecord.Failure) -> CyrusDBError {
        switch failure {
        case .damaged(let offset, let expected, let found):
            .damaged(path: path, offset: offset, expected: expected, found: found)
        }
    }

    /// The record that follows on a list; nil at its end.
    func following(_ current: SkipListRecord, list: Int, _ bytes: borrowing RawSpan) throws(CyrusDBError) -> SkipListRecord? {
        let offset = try pointer(current, list, bytes)
        guard offset != 0 else { return nil }
        let next = try record(bytes, at: offset)
        guard next.kind == .inOrder || next.kind == .add else { throw damaged(offset, "a record of the list", "\(next.kind)") }
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
    func find(_ key: borrowing RawSpan) throws(CyrusDBError) -> (match: SkipListRecord?, following: SkipListRecord?) {
        try descend(key) { _, _, _ in }
    }

    /// Goes down the lists to a key, and tells of each the last record before the key and the first not before it.
    @inline(__always)
    private func descend(
        _ key: borrowing RawSpan, _ pass: (_ list: Int, _ back: Int, _ next: Int) -> Void
    ) throws(CyrusDBError) -> (match: SkipListRecord?, following: SkipListRecord?) {
        let window = file.window
        let bytes = window.bytes
        var current = try dummy(bytes)
        var refused: SkipListRecord?
        var refusedOffset = 0
        var order = 1
        var steps = 0
        var list = Int(max(1, header.currentLevel)) - 1
        while list >= 0 {
            let offset = try pointer(current, list, bytes)
            if offset != 0 && offset != refusedOffset {
                // Half of the time the next list's record is looked at next: its way from memory begins now.
                if list > 0 { bytes.prefetch(Int(bytes.bigEndian32(at: current.pointersOffset + 4 * (list - 1)))) }
                guard let candidate = try following(current, list: list, bytes) else { continue }
                let candidateOrder = comparator.compare(bytes.slice(candidate.keyOffset, candidate.keyLength), key)
                if candidateOrder < 0 {
                    current = candidate
                    steps += 1
                    guard steps < stepLimit else { throw damaged(current.offset, "a list that ends", "a circle") }
                    continue
                }
                refused = candidate
                refusedOffset = offset
                order = candidateOrder
            }
            pass(list, current.offset, offset)
            if list == 0 && offset == 0 { return (nil, nil) }
            list -= 1
        }
        return (order == 0 ? refused : nil, refused)
    }

    // MARK: reading

    func fetch(_ key: RawSpan, _ body: (RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool {
        try withScratch { (copy: inout [UInt8]) throws(CyrusDBError) in
            let found = try reading { () throws(CyrusDBError) in
                guard let match = try find(key).match else { return false }
                let window = file.window
                copy.append(window.bytes.slice(match.valueOffset, match.valueLength))
                return true
            }
            if found { try body(copy.span.bytes) }
            return found
        }
    }

    func fetchNext(_ key: RawSpan, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool {
        try withScratch { (copy: inout [UInt8]) throws(CyrusDBError) in
            let keyLength = try reading { () throws(CyrusDBError) -> Int? in
                let place = try find(key)
                let window = file.window
                let bytes = window.bytes
                var next = place.following
                if let match = place.match { next = try following(match, list: 0, bytes) }
                guard let next else { return nil }
                copy.append(bytes.slice(next.keyOffset, next.keyLength))
                copy.append(bytes.slice(next.valueOffset, next.valueLength))
                return next.keyLength
            }
            guard let keyLength else { return false }
            let bytes = copy.span.bytes
            try body(bytes.slice(0, keyLength), bytes.dropping(keyLength))
            return true
        }
    }

    // MARK: walking

    /// Records copied out under the lock.
    private struct Batch {
        var bytes: [UInt8] = []
        var records: [(start: Int, keyLength: Int, valueLength: Int)] = []
    }

    /// Without a transaction records are copied out in batches under the shared lock, and given to the visitor after it is released;
    /// when the visitor has changed something the rest of a batch is dropped, and the place found anew by the last key.
    func forEach(
        prefix: RawSpan, filter: ((RawSpan, RawSpan) -> Bool)?, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit {
        if inTransaction { return try visit(prefix: prefix, filter: filter, body) }
        var from = prefix.array
        var after = false
        var batch = Batch()
        var limit = 8
        while true {
            let isLast = try reading { () throws(CyrusDBError) in
                try gather(&batch, upTo: limit, from: &from, after: after, prefix: prefix, filter: filter)
            }
            after = true
            limit = min(limit * 2, 128)
            let changesBefore = changes
            let bytes = batch.bytes.span.bytes
            var isStale = false
            for record in batch.records {
                let key = bytes.slice(record.start, record.keyLength)
                if try body(key, bytes.slice(record.start + record.keyLength, record.valueLength)) == .stop { return .stop }
                if changes != changesBefore {
                    from = key.array
                    isStale = true
                    break
                }
            }
            if isLast && !isStale { return .next }
        }
    }

    /// In a transaction, under whose lock records are lent in place: the visitor's changes leave keys and values as they are.
    private func visit(
        prefix: RawSpan, filter: ((RawSpan, RawSpan) -> Bool)?, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit {
        var next = try find(prefix).following
        var steps = 0
        while let record = next {
            let map = file.map
            defer { withExtendedLifetime(map) {} }
            let window = file.window
            let bytes = window.bytes
            let key = bytes.slice(record.keyOffset, record.keyLength)
            guard key.starts(with: prefix) else { break }
            let value = bytes.slice(record.valueOffset, record.valueLength)
            let changesBefore = changes
            if filter?(key, value) ?? true, try body(key, value) == .stop { return .stop }
            if changes == changesBefore {
                next = try following(record, list: 0, bytes)
                steps += 1
                guard steps < stepLimit else { throw damaged(record.offset, "a list that ends", "a circle") }
            } else {
                let place = try find(key)
                let now = file.window
                next = if let match = place.match { try following(match, list: 0, now.bytes) } else { place.following }
            }
        }
        return .next
    }

    private func gather(
        _ batch: inout Batch, upTo limit: Int, from: inout [UInt8], after: Bool, prefix: borrowing RawSpan,
        filter: ((RawSpan, RawSpan) -> Bool)?
    ) throws(CyrusDBError) -> Bool {
        batch.bytes.removeAll(keepingCapacity: true)
        batch.records.removeAll(keepingCapacity: true)
        let place = try find(from.span.bytes)
        let window = file.window
        let bytes = window.bytes
        var next = place.following
        if after, let match = place.match { next = try following(match, list: 0, bytes) }
        var looked = 0
        var previous: SkipListRecord?
        while let record = next {
            let key = bytes.slice(record.keyOffset, record.keyLength)
            guard key.starts(with: prefix) else { return true }
            if let previous, comparator.compare(bytes.slice(previous.keyOffset, previous.keyLength), key) >= 0 {
                throw damaged(record.keyOffset, "a key after the one before it", "one that is not")
            }
            previous = record
            let value = bytes.slice(record.valueOffset, record.valueLength)
            if filter?(key, value) ?? true {
                batch.records.append((batch.bytes.count, record.keyLength, record.valueLength))
                batch.bytes.append(key)
                batch.bytes.append(value)
            }
            looked += 1
            if batch.records.count == limit || looked == 256 {
                from = key.array
                return false
            }
            next = try following(record, list: 0, bytes)
        }
        return true
    }
}

extension RawSpan {
    /// Has what stands at an offset, which may be any, on its way from memory.
    @inline(__always)
    fileprivate func prefetch(_ offset: Int) {
        withUnsafeBytes { cy_prefetch(UInt(bitPattern: $0.baseAddress) &+ UInt(bitPattern: offset)) }
    }
}
