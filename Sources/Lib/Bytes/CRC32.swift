import CDeflate

/// The CRC of everything that Cyrus keeps on disk: zlib's crc32 (IEEE 802.3, reflected 0xEDB88320, initial and final 0xFFFFFFFF).
public struct CRC32: Sendable {
    public private(set) var value: UInt32

    /// Starts from nothing, or goes on from an earlier value.
    @inlinable
    public init(continuing value: UInt32 = 0) {
        self.init(raw: value)
    }

    @usableFromInline
    init(raw: UInt32) {
        value = raw
    }

    public mutating func update(_ bytes: borrowing RawSpan) {
        bytes.withUnsafeBytes { update($0) }
    }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
        value = libdeflate_crc32(value, base, bytes.count)
    }

    public static func of(_ bytes: borrowing RawSpan) -> UInt32 {
        var crc = CRC32()
        crc.update(bytes)
        return crc.value
    }

    public static func of(_ bytes: [UInt8]) -> UInt32 {
        of(bytes.span.bytes)
    }
}
