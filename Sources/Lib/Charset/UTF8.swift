import Bytes

extension [UInt8] {
    /// Appends U+FFFD.
    @inlinable
    mutating func appendReplacement() {
        append(0xef)
        append(0xbf)
        append(0xbd)
    }

    /// Appends a Unicode scalar as UTF-8; what is no scalar becomes U+FFFD.
    public mutating func append(scalar value: UInt32) {
        switch value {
        case 0..<0x80:
            append(UInt8(value))
        case 0x80..<0x800:
            append(UInt8(0xc0 | value >> 6))
            append(UInt8(0x80 | value & 0x3f))
        case 0x800..<0xd800, 0xe000..<0x10000:
            append(UInt8(0xe0 | value >> 12))
            append(UInt8(0x80 | value >> 6 & 0x3f))
            append(UInt8(0x80 | value & 0x3f))
        case 0x10000..<0x110000:
            append(UInt8(0xf0 | value >> 18))
            append(UInt8(0x80 | value >> 12 & 0x3f))
            append(UInt8(0x80 | value >> 6 & 0x3f))
            append(UInt8(0x80 | value & 0x3f))
        default:
            appendReplacement()
        }
    }

    /// Appends one UTF-16 unit; `pendingHigh` carries a high surrogate to its low one.
    mutating func append(utf16 unit: UInt16, pendingHigh: inout UInt32) {
        let value = UInt32(unit)
        if value & 0xfc00 == 0xd800 {
            if pendingHigh != 0 { appendReplacement() }
            pendingHigh = value
        } else if value & 0xfc00 == 0xdc00 {
            append(scalar: pendingHigh == 0 ? 0xfffd : 0x10000 + (pendingHigh & 0x3ff) << 10 + value & 0x3ff)
            pendingHigh = 0
        } else {
            if pendingHigh != 0 { appendReplacement() }
            pendingHigh = 0
            append(scalar: value)
        }
    }
}

/// What stands at one place of a UTF-8 text.
public enum UTF8Sequence {
    case whole(scalar: UInt32, length: Int)
    case wrong(length: Int)
    case unfinished(length: Int)

    /// Reads at `at`, which must be inside `bytes`.
    public init(_ bytes: borrowing RawSpan, at: Int) {
        let first = bytes[at]
        let need: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xbf
        var value: UInt32
        switch first {
        case 0..<0x80:
            self = .whole(scalar: UInt32(first), length: 1)
            return
        case 0xc2...0xdf: (need, value) = (1, UInt32(first & 0x1f))
        case 0xe0...0xef:
            (need, value) = (2, UInt32(first & 0x0f))
            if first == 0xe0 { low = 0xa0 }
            if first == 0xed { high = 0x9f }
        case 0xf0...0xf4:
            (need, value) = (3, UInt32(first & 0x07))
            if first == 0xf0 { low = 0x90 }
            if first == 0xf4 { high = 0x8f }
        default:
            self = .wrong(length: 1)
            return
        }
        for i in 1...need {
            guard at + i < bytes.byteCount else {
                self = .unfinished(length: i)
                return
            }
            let next = bytes[at + i]
            guard next >= low && next <= high else {
                self = .wrong(length: i)
                return
            }
            value = value << 6 | UInt32(next & 0x3f)
            low = 0x80
            high = 0xbf
        }
        self = .whole(scalar: value, length: need + 1)
    }
}
