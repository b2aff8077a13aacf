import Bytes
import Posix

/// Walking over the records of a prefix.
///
/// Without a transaction records are gathered in batches under the shared lock (8 at first, doubling to 256), the lock is
/// released, and the visitor gets them one by one out of the held map. As soon as the file is seen to have changed, by the visitor
/// or by another process, the rest of the batch is dropped and the place is found anew by the last key.
extension TwoSkip {
    private static let firstBatch = 8
    private static let largestBatch = 256
    /// So many records refused by the filter in a row release the lock for a moment.
    private static let missesPerLock = 256

    func forEach(
        prefix: RawSpan, filter: ((RawSpan, RawSpan) -> Bool)?, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit {
        var from = prefix.array
        var after = false
        var batch: [TwoSkipRecord] = []
        var size = Self.firstBatch
        while true {
            batch.removeAll(keepingCapacity: true)
            let isLast = try reading { () throws(CyrusDBError) in
                try gather(&batch, upTo: size, from: &from, after: after, prefix: prefix, filter: filter)
            }
            after = true
            size = min(size * 2, Self.largestBatch)

            let map = file.map
            defer { withExtendedLifetime(map) {} }
            let window = file.window
            let bytes = window.bytes
            let changesBefore = changes
            let sizeBefore = header.currentSize
            let generation = header.generation
            var isStale = false
            for record in batch {
                let key = bytes.slice(record.keyOffset, record.keyLength)
                if try body(key, bytes.slice(record.valueOffset, record.valueLength)) == .stop { return .stop }
                if changes != changesBefore || !file.isCurrent(map) || bytes.bigEndian64(at: 48) != sizeBefore
                    || bytes.bigEndian64(at: 24) != generation
                {
                    from = key.array
                    isStale = true
                    break
                }
            }
            if isLast && !isStale { return .next }
        }
    }

    /// Fills a batch, leaving in `from` the key that was looked at last. True when no record of the prefix is left after it.
    private func gather(
        _ batch: inout [TwoSkipRecord], upTo size: Int, from: inout [UInt8], after: Bool, prefix: borrowing RawSpan,
        filter: ((RawSpan, RawSpan) -> Bool)?
    ) throws(CyrusDBError) -> Bool {
        let place = try find(from.span.bytes)
        let window = file.window
        let bytes = window.bytes
        var next = place.following
        if after, let match = place.match { next = try following(match, bytes) }
        var previous: TwoSkipRecord?
        var misses = 0
        while let record = next {
            let key = bytes.slice(record.keyOffset, record.keyLength)
            guard key.starts(with: prefix) else { return true }
            if let previous, comparator.compare(bytes.slice(previous.keyOffset, previous.keyLength), key) >= 0 {
                throw damaged(record.keyOffset, "a key after the one before it", "one that is not")
            }
            try checkTail(record, bytes)
            previous = record
            if filter?(key, bytes.slice(record.valueOffset, record.valueLength)) ?? true {
                batch.append(record)
                misses = 0
            } else {
                misses += 1
            }
            if batch.count == size || misses == Self.missesPerLock {
                from = key.array
                return false
            }
            next = try following(record, bytes)
        }
        return true
    }
}
