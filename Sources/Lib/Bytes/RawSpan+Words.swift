/// Reading bytes and big-endian words out of mapped files and wire buffers in place.
///
/// Every access is bounds-checked against the span; a disk offset is to be validated with `holds(_:at:)` first,
/// so that damage becomes a typed error of the caller and never a trap.
extension RawSpan {
    /// The byte at `offset`.
    @inlinable
    public subscript(offset: Int) -> UInt8 {
        unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Whether `count` bytes stand at `offset`, with neither negative nor overflowing.
    @inlinable
    public func holds(_ count: Int, at offset: Int) -> Bool {
        offset >= 0 && count >= 0 && offset <= byteCount && count <= byteCount - offset
    }

    @inlinable
    public func bigEndian16(at offset: Int) -> UInt16 {
        UInt16(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    @inlinable
    public func bigEndian32(at offset: Int) -> UInt32 {
        UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    @inlinable
    public func bigEndian64(at offset: Int) -> UInt64 {
        UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// `count` bytes from `offset`, still borrowed from the same owner.
    @inlinable
    @_lifetime(copy self)
    public func slice(_ offset: Int, _ count: Int) -> RawSpan {
        extracting(offset..<(offset + count))
    }

    /// All bytes from `offset` on.
    @inlinable
    @_lifetime(copy self)
    public func dropping(_ offset: Int) -> RawSpan {
        extracting(offset..<byteCount)
    }

    /// A copy that may outlive the owner.
    @inlinable
    public var array: [UInt8] {
        withUnsafeBytes { [UInt8]($0) }
    }

    /// The bytes as text for people (logs, errors); what is not UTF-8 is replaced.
    public var text: String {
        withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// Bytewise order: common length first, then the shorter one (memcmp, as cyrusdb's raw comparator).
    @inlinable
    public func compare(_ other: borrowing RawSpan) -> Int {
        let common = Swift.min(byteCount, other.byteCount)
        let order = withUnsafeBytes { a in
            other.withUnsafeBytes { b in
                // With a byte in common both have an address.
                common == 0 ? 0 : Int(memcmpBytes(a.baseAddress!, b.baseAddress!, common))
            }
        }
        return order != 0 ? order : byteCount - other.byteCount
    }

    @inlinable
    public func equals(_ other: borrowing RawSpan) -> Bool {
        byteCount == other.byteCount && compare(other) == 0
    }

    @inlinable
    public func equals(_ other: [UInt8]) -> Bool {
        equals(other.span.bytes)
    }

    @inlinable
    public func starts(with prefix: borrowing RawSpan) -> Bool {
        byteCount >= prefix.byteCount && slice(0, prefix.byteCount).compare(prefix) == 0
    }

    /// The offset of the first `byte` at or after `start`, by memchr.
    @inlinable
    public func firstOffset(of byte: UInt8, from start: Int = 0) -> Int? {
        guard start < byteCount else { return nil }
        return withUnsafeBytes { buffer -> Int? in
            // start < byteCount, so the buffer is not empty and has an address.
            let base = buffer.baseAddress!
            guard let found = findByte(base + start, byte, byteCount - start) else { return nil }
            return found - base
        }
    }
}
