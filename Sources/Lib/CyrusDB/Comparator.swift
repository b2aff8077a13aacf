import Bytes

/// The order of keys.
public enum Comparator: Sendable {
    /// memcmp on the common length, then the shorter first.
    case raw
    /// Cyrus's "improved mailbox list sort": `.` before every other character, TAB and LF before that.
    case mailbox
    /// As raw, but bytes are compared as signed: 0x80 and above before ASCII. Skiplist's default, kept for its files' sake.
    case signedBytes

    /// Negative, zero or positive, as `a` is before, equal to or after `b`.
    func compare(_ a: borrowing RawSpan, _ b: borrowing RawSpan) -> Int {
        switch self {
        case .raw: return a.compare(b)
        case .mailbox: return a.compareMailboxOrder(b)
        case .signedBytes: return a.compareSigned(b)
        }
    }
}

extension RawSpan {
    fileprivate func compareMailboxOrder(_ other: borrowing RawSpan) -> Int {
        let common = Swift.min(byteCount, other.byteCount)
        for i in 0..<common {
            let x = self[i], y = other[i]
            if x == y { continue }
            let order = Int(mailboxRank(x)) - Int(mailboxRank(y))
            if order != 0 { return order }
        }
        return byteCount - other.byteCount
    }

    fileprivate func compareSigned(_ other: borrowing RawSpan) -> Int {
        let common = Swift.min(byteCount, other.byteCount)
        for i in 0..<common {
            let x = self[i], y = other[i]
            if x != y { return Int(Int8(bitPattern: x)) - Int(Int8(bitPattern: y)) }
        }
        return byteCount - other.byteCount
    }
}

/// Where a byte stands in mailbox order.
@inline(__always)
private func mailboxRank(_ byte: UInt8) -> UInt8 {
    switch byte {
    case 0x09, 0x0a: 1
    case 0x2e: 2
    case 0x01...0x08: byte + 2
    default: byte
    }
}
