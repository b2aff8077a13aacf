import Bytes

/// What an open transaction has written and not yet sent: sorted by key, nil for a deleted one.
struct SQLWriteSet {
    typealias Change = (key: [UInt8], value: [UInt8]?)

    private(set) var changes: [Change] = []
    /// Bytes of keys and values.
    private(set) var size = 0

    var isEmpty: Bool { changes.isEmpty }
    /// It is to be sent before it takes much memory, or inserting into it much time.
    var isLarge: Bool { size > 8 << 20 || changes.count >= 10_000 }

    /// Where `key` stands, or would.
    private func place(_ key: borrowing RawSpan) -> (index: Int, isMatch: Bool) {
        // Most writes are made in order.
        if changes.isEmpty { return (0, false) }
        let last = changes[changes.count - 1].key
        if last.span.bytes.compare(key) < 0 { return (changes.count, false) }
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            let candidate = changes[middle].key
            let order = candidate.span.bytes.compare(key)
            if order == 0 { return (middle, true) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return (low, false)
    }

    /// The change of a key, if there is one.
    func change(_ key: borrowing RawSpan) -> Change? {
        let place = place(key)
        return place.isMatch ? changes[place.index] : nil
    }

    mutating func set(_ key: [UInt8], _ value: [UInt8]?) {
        let place = place(key.span.bytes)
        size += key.count + (value?.count ?? 0) + 64
        if place.isMatch {
            changes[place.index].value = value
        } else {
            changes.insert((key, value), at: place.index)
        }
    }

    mutating func removeAll() {
        changes.removeAll()
        size = 0
    }

    /// Lays the changes over records of a range that were read: up to the last of them, or to the end of the range when `isWhole`.
    func merged(with records: [SQLRecord], _ range: SQLRange, isWhole: Bool) -> [SQLRecord] {
        if changes.isEmpty { return records }
        var merged: [SQLRecord] = []
        merged.reserveCapacity(records.count)
        let start = place(range.from.span.bytes)
        var index = start.index + (start.isMatch && range.isAfter ? 1 : 0)
        func isWithin(_ key: [UInt8], before limit: [UInt8]?) -> Bool {
            guard let limit else { return true }
            return key.span.bytes.compare(limit.span.bytes) < 0
        }
        for record in records {
            while index < changes.count, isWithin(changes[index].key, before: record.key) {
                if let value = changes[index].value { merged.append(SQLRecord(key: changes[index].key, value: value)) }
                index += 1
            }
            if index < changes.count, changes[index].key == record.key {
                if let value = changes[index].value { merged.append(SQLRecord(key: record.key, value: value)) }
                index += 1
            } else {
                merged.append(record)
            }
        }
        guard isWhole else { return merged }
        while index < changes.count, isWithin(changes[index].key, before: range.end) {
            if let value = changes[index].value { merged.append(SQLRecord(key: changes[index].key, value: value)) }
            index += 1
        }
        return merged
    }
}
