public import Mailbox

/// Which message has which number: places count from 0, sequence numbers (RFC 3501 section 2.3.1.2) from 1.
extension IndexView {
    public var count: Int { messages.count }
    public var recentCount: Int { messages.count(where: \.isRecent) }
    /// The number of the first message without \Seen, from 1.
    public var firstUnseen: Int? { messages.firstIndex { !$0.flags.contains(.seen) }.map { $0 + 1 } }
    public var lastUID: UInt32 { messages.last?.uid ?? 0 }

    /// The place of the first message with at least that UID.
    public func index(atLeastUID uid: UInt32) -> Int {
        var low = 0
        var high = messages.count
        while low < high {
            let middle = (low + high) / 2
            if messages[middle].uid < uid { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Places of the messages a set names, in order. Numbers beyond the last message are passed over.
    public func indices(_ set: SequenceSet, uid: Bool) -> [Int] {
        var found: [Int] = []
        if uid {
            // `*` is the last message's UID, also when a range starts beyond it.
            for range in set.resolved(last: max(1, lastUID)) {
                var place = index(atLeastUID: range.lowerBound)
                while place < messages.count, messages[place].uid <= range.upperBound {
                    found.append(place)
                    place += 1
                }
            }
            return found
        }
        for range in set.resolved(last: UInt32(max(1, count))) {
            guard Int(range.lowerBound) <= count else { break }
            found.append(contentsOf: (Int(range.lowerBound) - 1)...(min(Int(range.upperBound), count) - 1))
        }
        return found
    }

    /// Whether every number of a set is one of a message (sequence numbers only).
    public func covers(_ set: SequenceSet) -> Bool {
        set.ranges.allSatisfy { Int($0.low) <= count && Int($0.high) <= count && (count > 0 || ($0.low == 0 && $0.high == 0)) }
    }
}
