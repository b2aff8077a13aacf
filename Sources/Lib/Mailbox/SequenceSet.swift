import Bytes

/// A set of message numbers or UIDs as a client writes it: `1:4,7,9:*` (RFC 3501 `sequence-set`). Nothing of it is expanded.
public struct SequenceSet: Sendable, Equatable {
    public struct Range: Sendable, Equatable {
        /// 0 stands for `*`.
        public var low: UInt32
        public var high: UInt32
    }

    public private(set) var ranges: [Range] = []

    public init() {}

    public init(_ range: ClosedRange<UInt32>) {
        ranges = [Range(low: range.lowerBound, high: range.upperBound)]
    }

    /// nil when the bytes are no sequence set (numbers are 1...4294967295).
    public init?(_ text: RawSpan) {
        var at = 0
        while true {
            guard let low = Self.number(text, &at) else { return nil }
            var high = low
            if at < text.byteCount, text[at] == UInt8(ascii: ":") {
                at += 1
                guard let second = Self.number(text, &at) else { return nil }
                high = second
            }
            ranges.append(Range(low: low, high: high))
            if at == text.byteCount { return }
            guard text[at] == UInt8(ascii: ",") else { return nil }
            at += 1
        }
    }

    private static func number(_ text: RawSpan, _ at: inout Int) -> UInt32? {
        if at < text.byteCount, text[at] == UInt8(ascii: "*") {
            at += 1
            return 0
        }
        var value: UInt64 = 0
        let start = at
        while at < text.byteCount, text[at].isASCIIDigit {
            value = value * 10 + UInt64(text[at] - 0x30)
            guard value <= UInt64(UInt32.max) else { return nil }
            at += 1
        }
        return at > start && value > 0 ? UInt32(value) : nil
    }

    /// The ranges with `*` replaced, each low to high, sorted and joined.
    public func resolved(last: UInt32) -> [ClosedRange<UInt32>] {
        var plain = ranges.map { range -> ClosedRange<UInt32> in
            let a = range.low == 0 ? last : range.low
            let b = range.high == 0 ? last : range.high
            return min(a, b)...max(a, b)
        }
        plain.sort { $0.lowerBound < $1.lowerBound }
        var joined: [ClosedRange<UInt32>] = []
        for range in plain {
            if let previous = joined.last, UInt64(range.lowerBound) <= UInt64(previous.upperBound) + 1 {
                joined[joined.count - 1] = previous.lowerBound...max(previous.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        return joined
    }

    /// Adds a number, which must be above all that are there.
    public mutating func append(_ number: UInt32) {
        if let last = ranges.last, last.high &+ 1 == number, number != 0 {
            ranges[ranges.count - 1].high = number
        } else {
            ranges.append(Range(low: number, high: number))
        }
    }

    public var isEmpty: Bool { ranges.isEmpty }

    /// Whether a number is in it, by halving; only for sets without `*` whose ranges are sorted (those built by `append`).
    public func contains(_ number: UInt32) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].high < number { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].low <= number
    }
}

extension [UInt8] {
    public mutating func append(_ set: SequenceSet) {
        for (i, range) in set.ranges.enumerated() {
            if i > 0 { append(UInt8(ascii: ",")) }
            append(decimal: range.low)
            if range.high != range.low {
                append(UInt8(ascii: ":"))
                append(decimal: range.high)
            }
        }
    }
}
