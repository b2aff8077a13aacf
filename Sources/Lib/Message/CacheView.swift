import Bytes

/// The items of a cache record, in their order in the file.
public enum CacheItem: Int, CaseIterable, Sendable {
    case envelope, bodyStructure, body, section, headers, from, to, cc, bcc, subject
}

/// A record of cyrus.cache that does not hold together.
public struct CacheDamage: Error, Equatable, Sendable, CustomStringConvertible {
    /// Offset in the span that the record was looked for in.
    public let offset: Int
    public let item: Int
    public let expected: Int
    public let found: Int

    public var description: String {
        "cache record at \(offset): item \(item) needs \(expected) bytes, \(found) are left"
    }
}

/// A cache record read in place, for instance in a mapped cyrus.cache: ten items, each a length and its bytes padded to four.
public struct CacheView: ~Escapable {
    public let record: RawSpan
    private let starts: InlineArray<10, UInt32>
    private let counts: InlineArray<10, UInt32>

    /// The record that starts at `offset` of `file`.
    @_lifetime(copy file)
    public init(_ file: RawSpan, at offset: Int = 0) throws(CacheDamage) {
        var starts = InlineArray<10, UInt32>(repeating: 0)
        var counts = InlineArray<10, UInt32>(repeating: 0)
        guard file.holds(0, at: offset) else { throw CacheDamage(offset: offset, item: 0, expected: 4, found: 0) }
        var at = 0
        for item in 0..<10 {
            guard file.holds(4, at: offset + at) else {
                throw CacheDamage(offset: offset, item: item, expected: 4, found: file.byteCount - offset - at)
            }
            let count = Int(file.bigEndian32(at: offset + at))
            let padded = (count + 3) & ~3
            guard file.holds(padded, at: offset + at + 4), at < Int(UInt32.max) - 4 else {
                throw CacheDamage(offset: offset, item: item, expected: padded, found: file.byteCount - offset - at - 4)
            }
            starts[item] = UInt32(at + 4)
            counts[item] = UInt32(count)
            at += 4 + padded
        }
        self.starts = starts
        self.counts = counts
        record = file.slice(offset, at)
    }

    /// Bytes of the whole record, padding included.
    public var byteCount: Int { record.byteCount }

    /// What the index record's `cache_crc` must be.
    public var crc32: UInt32 { CRC32.of(record) }

    /// The bytes of an item.
    public subscript(item: CacheItem) -> RawSpan {
        @_lifetime(copy self)
        get { record.slice(Int(starts[item.rawValue]), Int(counts[item.rawValue])) }
    }
}
