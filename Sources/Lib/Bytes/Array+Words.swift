/// Writing big-endian words and ASCII numbers into an output buffer.
///
/// `[UInt8]` is the output buffer of this project: one is kept per session and emptied with
/// `removeAll(keepingCapacity: true)`, so that steady-state output allocates nothing.
extension [UInt8] {
    @inlinable
    public mutating func append(bigEndian value: UInt16) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    @inlinable
    public mutating func append(bigEndian value: UInt32) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    @inlinable
    public mutating func append(bigEndian value: UInt64) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    /// Overwrites four bytes at `offset` (which must exist).
    @inlinable
    public mutating func store(bigEndian value: UInt32, at offset: Int) {
        // The bound that makes the raw store safe: it traps where `self[offset]` would. Offsets are this project's own, never a peer's.
        precondition(offset >= 0 && offset + 4 <= count, "store outside the buffer")
        withUnsafeMutableBytes { $0.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self) }
    }

    /// Overwrites eight bytes at `offset` (which must exist).
    @inlinable
    public mutating func store(bigEndian value: UInt64, at offset: Int) {
        // As above.
        precondition(offset >= 0 && offset + 8 <= count, "store outside the buffer")
        withUnsafeMutableBytes { $0.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt64.self) }
    }

    /// Appends the ASCII (or UTF-8) bytes of a literal without making a String.
    @inlinable
    public mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a String's UTF-8.
    @inlinable
    public mutating func append(text: String) {
        append(contentsOf: text.utf8)
    }

    @inlinable
    public mutating func append(_ span: borrowing RawSpan) {
        span.withUnsafeBytes { append(contentsOf: $0) }
    }

    /// Appends a number in decimal ASCII.
    @inlinable
    public mutating func append(decimal value: some BinaryInteger) {
        if value < 0 {
            append(UInt8(ascii: "-"))
            append(decimal: UInt64(value.magnitude))
            return
        }
        append(decimal: UInt64(truncatingIfNeeded: value))
    }

    @inlinable
    public mutating func append(decimal value: UInt64) {
        if value < 10 {
            append(UInt8(ascii: "0") + UInt8(value))
            return
        }
        var digits: InlineArray<20, UInt8> = .init(repeating: 0)
        var first = 20
        var rest = value
        while rest > 0 {
            first -= 1
            digits[first] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        for i in first..<20 { append(digits[i]) }
    }

    /// Appends lower-case hexadecimal, zero-padded to `width` digits.
    @inlinable
    public mutating func append(hex value: UInt64, width: Int = 1) {
        var shift = 60
        var started = false
        while shift >= 0 {
            let nibble = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 15
            if nibble != 0 || started || shift < 4 * width || shift == 0 {
                started = true
                append(hexDigit(nibble))
            }
            shift -= 4
        }
    }
}

/// The lower-case hexadecimal digit of 0...15.
@inlinable
public func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
}
