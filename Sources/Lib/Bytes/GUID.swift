import COpenSSL

/// A message's (or a MIME part's decoded content's) identity: SHA-1 over all its bytes (Cyrus `message_guid`).
///
/// All zero means none.
public struct GUID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Twenty bytes, as three words in memory order so that comparing is cheap.
    @usableFromInline var high: UInt64
    @usableFromInline var middle: UInt64
    @usableFromInline var low: UInt32

    public static let byteCount = 20

    /// No identity.
    public static let none = GUID(high: 0, middle: 0, low: 0)

    @usableFromInline
    init(high: UInt64, middle: UInt64, low: UInt32) {
        self.high = high
        self.middle = middle
        self.low = low
    }

    /// The 20 bytes at `offset` of a record.
    @inlinable
    public init(_ bytes: borrowing RawSpan, at offset: Int = 0) {
        self.init(
            high: bytes.bigEndian64(at: offset), middle: bytes.bigEndian64(at: offset + 8), low: bytes.bigEndian32(at: offset + 16))
    }

    /// Forty hexadecimal digits; nil for anything else.
    public init?(hex: borrowing RawSpan) {
        guard hex.byteCount == 40, let high = hex.slice(0, 16).hexadecimal, let middle = hex.slice(16, 16).hexadecimal,
            let low = hex.slice(32, 8).hexadecimal
        else { return nil }
        self.init(high: high, middle: middle, low: UInt32(low))
    }

    /// The SHA-1 of `content`.
    public init(of content: borrowing RawSpan) {
        var digest = SHA1()
        digest.update(content)
        self = digest.finish()
    }

    @inlinable public var isNone: Bool { high == 0 && middle == 0 && low == 0 }

    @inlinable
    public static func < (a: GUID, b: GUID) -> Bool {
        if a.high != b.high { return a.high < b.high }
        if a.middle != b.middle { return a.middle < b.middle }
        return a.low < b.low
    }

    /// Forty lower-case hexadecimal digits.
    public var description: String {
        var out: [UInt8] = []
        out.append(hex: self)
        return out.text
    }
}

extension [UInt8] {
    /// Appends the 20 raw bytes.
    @inlinable
    public mutating func append(_ guid: GUID) {
        append(bigEndian: guid.high)
        append(bigEndian: guid.middle)
        append(bigEndian: guid.low)
    }

    /// Appends forty lower-case hexadecimal digits.
    @inlinable
    public mutating func append(hex guid: GUID) {
        append(hex: guid.high, width: 16)
        append(hex: guid.middle, width: 16)
        append(hex: UInt64(guid.low), width: 8)
    }
}

/// SHA-1 over bytes that arrive in pieces (OpenSSL).
public struct SHA1: ~Copyable {
    private let context: OpaquePointer

    public init() {
        // EVP_MD_CTX_new fails only when memory is exhausted, where this process cannot go on.
        guard let context = EVP_MD_CTX_new() else { fatalError("out of memory for a digest context") }
        self.context = context
        EVP_DigestInit_ex(context, EVP_sha1(), nil)
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    public mutating func update(_ bytes: borrowing RawSpan) {
        bytes.withUnsafeBytes { update($0) }
    }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        EVP_DigestUpdate(context, base, bytes.count)
    }

    /// The digest; the value starts over empty.
    public mutating func finish() -> GUID {
        var out: InlineArray<20, UInt8> = .init(repeating: 0)
        var mutable = out.mutableSpan
        mutable.withUnsafeMutableBufferPointer { buffer in
            // Twenty bytes are what SHA-1 writes.
            _ = EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
        }
        // Without naming the digest again: naming it costs a look-up in OpenSSL's tables as dear as hashing a kilobyte.
        EVP_DigestInit_ex(context, nil, nil)
        return GUID(out.span.bytes)
    }
}
