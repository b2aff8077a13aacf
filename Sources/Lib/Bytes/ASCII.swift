/// ASCII classes and case, as the mail protocols mean them (never the locale's).
extension UInt8 {
    @inlinable public var isASCIIDigit: Bool { self &- 0x30 < 10 }
    @inlinable public var isASCIIUpper: Bool { self &- 0x41 < 26 }
    @inlinable public var isASCIILower: Bool { self &- 0x61 < 26 }
    @inlinable public var isASCIILetter: Bool { (self | 0x20) &- 0x61 < 26 }
    @inlinable public var isASCIIAlphanumeric: Bool { isASCIIDigit || isASCIILetter }
    /// Space, TAB, CR, LF, VT or FF.
    @inlinable public var isASCIISpace: Bool { self == 0x20 || self &- 0x09 < 5 }
    /// A control character: 0...31 or 127.
    @inlinable public var isASCIIControl: Bool { self < 0x20 || self == 0x7f }
    @inlinable public var asciiLowercased: UInt8 { isASCIIUpper ? self | 0x20 : self }
    @inlinable public var asciiUppercased: UInt8 { isASCIILower ? self & 0xdf : self }

    /// The value of a hexadecimal digit of either case.
    @inlinable public var hexValue: UInt8? {
        if isASCIIDigit { return self - 0x30 }
        let lower = self | 0x20
        return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : nil
    }
}

extension RawSpan {
    /// Equal to `text` when ASCII letters are compared without case.
    @inlinable
    public func equalsIgnoringCase(_ text: StaticString) -> Bool {
        guard byteCount == text.utf8CodeUnitCount else { return false }
        for i in 0..<byteCount where self[i].asciiLowercased != text.utf8Start[i].asciiLowercased { return false }
        return true
    }

    @inlinable
    public func equalsIgnoringCase(_ other: borrowing RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        for i in 0..<byteCount where self[i].asciiLowercased != other[i].asciiLowercased { return false }
        return true
    }

    @inlinable
    public func startsIgnoringCase(with text: StaticString) -> Bool {
        guard byteCount >= text.utf8CodeUnitCount else { return false }
        for i in 0..<text.utf8CodeUnitCount where self[i].asciiLowercased != text.utf8Start[i].asciiLowercased { return false }
        return true
    }

    /// All of the span as an unsigned decimal number; nil when empty, not all digits, or beyond 64 bits.
    @inlinable
    public var decimal: UInt64? {
        guard byteCount > 0 else { return nil }
        var value: UInt64 = 0
        for i in 0..<byteCount {
            let digit = self[i]
            guard digit.isASCIIDigit else { return nil }
            let (times, over) = value.multipliedReportingOverflow(by: 10)
            let (plus, carry) = times.addingReportingOverflow(UInt64(digit - 0x30))
            if over || carry { return nil }
            value = plus
        }
        return value
    }

    /// All of the span as an unsigned hexadecimal number; nil when empty, not all digits, or beyond 64 bits.
    @inlinable
    public var hexadecimal: UInt64? {
        guard byteCount > 0, byteCount <= 16 else { return nil }
        var value: UInt64 = 0
        for i in 0..<byteCount {
            guard let nibble = self[i].hexValue else { return nil }
            value = value << 4 | UInt64(nibble)
        }
        return value
    }
}

extension [UInt8] {
    /// The bytes as text for people; what is not UTF-8 is replaced.
    public var text: String { String(decoding: self, as: UTF8.self) }

    /// The UTF-8 of a literal.
    @inlinable
    public init(_ literal: StaticString) {
        self = Array(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    @inlinable public var asciiLowercased: [UInt8] { map(\.asciiLowercased) }
    @inlinable public var asciiUppercased: [UInt8] { map(\.asciiUppercased) }
}
