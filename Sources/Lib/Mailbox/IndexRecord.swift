public import Bytes

/// What the index knows of one message, in memory (all versions).
public struct IndexRecord: Sendable, Equatable {
    public var uid = UID.none
    /// Unix seconds; when the message was received.
    public var internalDate: Int64 = 0
    /// The day of the Date: header, at local midnight.
    public var sentDate: Int64 = 0
    public var size: UInt64 = 0
    /// Bytes of the header with its closing blank line.
    public var headerSize: UInt32 = 0
    /// The Date: header in UTC.
    public var gmTime: Int64 = 0
    public var cacheOffset: UInt64 = 0
    public var lastUpdated: Int64 = 0
    public var flags: MessageFlags = []
    public var userFlags = UserFlags()
    public var saveDate: Int64 = 0
    public var cacheVersion: UInt16 = IndexRecord.currentCacheVersion
    public var guid = GUID.none
    public var modSeq = ModSeq.none
    public var cid = ConversationID.none
    public var createdModSeq = ModSeq.none
    public var cacheCRC: UInt32 = 0

    /// The version of cache records that Cyrus 3.6 writes.
    public static let currentCacheVersion: UInt16 = 11
    public static let currentSize = 112

    public init() {}

    @inlinable public var isExpunged: Bool { flags.contains(.expunged) }
    @inlinable public var isUnlinked: Bool { flags.contains(.unlinked) }
}

extension IndexRecord {
    /// Reads the record that starts at `offset` of an index of `version`; the caller has seen to it that it is all there.
    ///
    /// A wrong CRC is damage.
    public init(_ all: RawSpan, at offset: Int, version: UInt32, path: String) throws(MailboxError) {
        guard let layout = IndexLayout(version: version), all.holds(layout.recordSize, at: offset) else {
            throw .damaged(path: path, offset: offset, expected: "an index record of version \(version)", found: "end of file")
        }
        let b = all.slice(offset, layout.recordSize)
        if let crcOffset = layout.recordCRC {
            let stored = b.bigEndian32(at: crcOffset)
            let computed = CRC32.of(b.slice(0, crcOffset))
            guard stored == computed else {
                throw .damaged(
                    path: path, offset: offset + crcOffset, expected: "CRC \(String(computed, radix: 16))",
                    found: String(stored, radix: 16))
            }
        }
        uid = UID(b.bigEndian32(at: 0))
        if version >= 20 { readWide(b) } else { readNarrow(b, version) }
    }

    private mutating func readNarrow(_ b: RawSpan, _ version: UInt32) {
        func time(_ offset: Int) -> Int64 { Int64(b.bigEndian32(at: offset)) }
        internalDate = time(4)
        sentDate = time(8)
        size = UInt64(b.bigEndian32(at: 12))
        headerSize = b.bigEndian32(at: 16)
        // Before version 12 this word was the content's offset.
        gmTime = version >= 12 ? time(20) : internalDate
        lastUpdated = time(28)
        flags = MessageFlags(rawValue: b.bigEndian32(at: 32))
        userFlags = Self.userFlags(b, at: 36)
        if version >= 15 { saveDate = time(52) }
        let word = b.bigEndian32(at: 56)
        cacheVersion = UInt16(truncatingIfNeeded: word)
        cacheOffset = UInt64(b.bigEndian32(at: 24)) | UInt64(word >> 16) << 32
        if version >= 10 { guid = GUID(b, at: 60) }
        switch version {
        case 8, 9: modSeq = ModSeq(b.bigEndian64(at: 72))
        case 10...: modSeq = ModSeq(b.bigEndian64(at: 80))
        default: modSeq = ModSeq(1)
        }
        switch version {
        case 12: cacheCRC = b.bigEndian32(at: 88)
        case 13, 14, 15:
            cid = ConversationID(b.bigEndian64(at: 88))
            cacheCRC = b.bigEndian32(at: 96)
        case 16...:
            cid = ConversationID(b.bigEndian64(at: 88))
            createdModSeq = ModSeq(b.bigEndian64(at: 96))
            cacheCRC = b.bigEndian32(at: 104)
        default: break
        }
    }

    private mutating func readWide(_ b: RawSpan) {
        func time(_ offset: Int) -> Int64 { Int64(bitPattern: b.bigEndian64(at: offset)) }
        cacheOffset = UInt64(b.bigEndian32(at: 4))
        internalDate = time(8) / 1_000_000_000
        sentDate = time(16)
        size = b.bigEndian64(at: 24)
        headerSize = b.bigEndian32(at: 32)
        flags = MessageFlags(rawValue: b.bigEndian32(at: 36))
        userFlags = Self.userFlags(b, at: 40)
        let word = b.bigEndian32(at: 56)
        cacheVersion = UInt16(truncatingIfNeeded: word)
        cacheOffset |= UInt64(word >> 16) << 32
        guid = GUID(b, at: 60)
        modSeq = ModSeq(b.bigEndian64(at: 80))
        cid = ConversationID(b.bigEndian64(at: 88))
        createdModSeq = ModSeq(b.bigEndian64(at: 96))
        gmTime = time(104)
        lastUpdated = time(112)
        saveDate = time(120)
        cacheCRC = b.bigEndian32(at: 136)
    }

    /// Four words; flag n is bit n % 32 of word n / 32.
    @inlinable
    static func userFlags(_ b: RawSpan, at offset: Int) -> UserFlags {
        UserFlags(
            low: UInt64(b.bigEndian32(at: offset)) | UInt64(b.bigEndian32(at: offset + 4)) << 32,
            high: UInt64(b.bigEndian32(at: offset + 8)) | UInt64(b.bigEndian32(at: offset + 12)) << 32)
    }

    /// Appends the 112 bytes of version 17.
    public func encode(into out: inout [UInt8]) {
        let start = out.count
        func time(_ t: Int64) -> UInt32 { UInt32(truncatingIfNeeded: t) }
        out.append(bigEndian: uid.rawValue)
        out.append(bigEndian: time(internalDate))
        out.append(bigEndian: time(sentDate))
        out.append(bigEndian: UInt32(truncatingIfNeeded: size))
        out.append(bigEndian: headerSize)
        out.append(bigEndian: time(gmTime))
        out.append(bigEndian: UInt32(truncatingIfNeeded: cacheOffset))
        out.append(bigEndian: time(lastUpdated))
        out.append(bigEndian: flags.rawValue)
        out.append(bigEndian: UInt32(truncatingIfNeeded: userFlags.low))
        out.append(bigEndian: UInt32(truncatingIfNeeded: userFlags.low >> 32))
        out.append(bigEndian: UInt32(truncatingIfNeeded: userFlags.high))
        out.append(bigEndian: UInt32(truncatingIfNeeded: userFlags.high >> 32))
        out.append(bigEndian: time(saveDate))
        out.append(bigEndian: UInt32(cacheVersion) | UInt32(truncatingIfNeeded: cacheOffset >> 32) << 16)
        out.append(guid)
        out.append(bigEndian: modSeq.rawValue)
        out.append(bigEndian: cid.rawValue)
        out.append(bigEndian: createdModSeq.rawValue)
        out.append(bigEndian: cacheCRC)
        out.append(bigEndian: CRC32.of(out.span.bytes.slice(start, 108)))
    }
}
