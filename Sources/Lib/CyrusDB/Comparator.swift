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
    @inline(__always)
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
        var i = firstDifference(from: 0, other, common)
        while i < common {
            let order = Int(mailboxRank(self[i])) - Int(mailboxRank(other[i]))
            if order != 0 { return order }
            // TAB and LF rank alike.
            i = firstDifference(from: i + 1, other, common)
        }
        return byteCount - other.byteCount
    }

    @inline(__always)
    fileprivate func compareSigned(_ other: borrowing RawSpan) -> Int {
        let common = Swift.min(byteCount, other.byteCount)
        let i = firstDifference(from: 0, other, common)
        if i < common { return Int(Int8(bitPattern: self[i])) - Int(Int8(bitPattern: other[i])) }
        return byteCount - other.byteCount
    }

    /// Where the first of the bytes at `start..<common` that differs stands; `common` when none does. Eight are looked at in a step.
    @inline(__always)
    private func firstDifference(from start: Int, _ other: borrowing RawSpan, _ common: Int) -> Int {
        var i = start
        while i + 8 <= common {
            let difference = bigEndian64(at: i) ^ other.bigEndian64(at: i)
            if difference != 0 { return i + difference.leadingZeroBitCount / 8 }
            i += 8
        }
        while i < common, self[i] == other[i] { i += 1 }
        return i
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
