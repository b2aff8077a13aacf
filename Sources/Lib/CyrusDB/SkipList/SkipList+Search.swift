import Bytes
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

    func locate(_ key: borrowing RawSpan) throws(CyrusDBError) -> Place {
        let window = file.window
        let bytes = window.bytes
        var place = Place()
        var current = try dummy(bytes)
        var refused: SkipListRecord?
        var order = 1
        var steps = 0
        var list = Int(max(1, header.currentLevel)) - 1
        while list >= 0 {
            let offset = try pointer(current, list, bytes)
            if offset != 0 && offset != refused?.offset {
                guard let candidate = try following(current, list: list, bytes) else { continue }
                let candidateOrder = comparator.compare(bytes.slice(candidate.keyOffset, candidate.keyLength), key)
                if candidateOrder < 0 {
                    current = candidate
                    steps += 1
                    guard steps < stepLimit else { throw damaged(current.offset, "a list that ends", "a circle") }
                    continue
                }
                refused = candidate
                order = candidateOrder
            }
            place.back[list] = current.offset
            place.next[list] = offset
            list -= 1
        }
        if place.next[0] != 0 {
            place.following = refused
            if order == 0 { place.match = refused }
        }
        return place
    }

    // MARK: reading

    func fetch(_ key: RawSpan, _ body: (RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool {
        try withScratch { (copy: inout [UInt8]) throws(CyrusDBError) in
            let found = try reading { () throws(CyrusDBError) in
                guard let match = try locate(key).match else { return false }
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
                let place = try locate(key)
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
    /// when the file has changed meanwhile the rest of a batch is dropped, and the place found anew by the last key.
    func forEach(
        prefix: RawSpan, filter: ((RawSpan, RawSpan) -> Bool)?, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit {
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
            let sizeBefore = file.size
            let bytes = batch.bytes.span.bytes
            var isStale = false
            for record in batch.records {
                let key = bytes.slice(record.start, record.keyLength)
                if try body(key, bytes.slice(record.start + record.keyLength, record.valueLength)) == .stop { return .stop }
                let sizeNow = try file.measuredSize
                if changes != changesBefore || sizeNow != sizeBefore {
                    from = key.array
                    isStale = true
                    break
                }
            }
            if isLast && !isStale { return .next }
        }
    }

    private func gather(
        _ batch: inout Batch, upTo limit: Int, from: inout [UInt8], after: Bool, prefix: borrowing RawSpan,
        filter: ((RawSpan, RawSpan) -> Bool)?
    ) throws(CyrusDBError) -> Bool {
        batch.bytes.removeAll(keepingCapacity: true)
        batch.records.removeAll(keepingCapacity: true)
        let place = try locate(from.span.bytes)
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
