import Bytes

/// The header of cyrus.index, in memory (all versions).
public struct IndexHeader: Sendable, Equatable {
    /// One more at each repack; the first word of cyrus.cache agrees.
    public var generation: UInt32 = 0
    /// The version of the file this came from; what is written is version 17.
    public var minorVersion: UInt32 = IndexHeader.currentVersion
    /// Where records start, and how long each is: as the file says.
    public var startOffset: UInt32 = 160
    public var recordSize: UInt32 = 112
    /// Records in the file, expunged ones included.
    public var recordCount: UInt32 = 0
    public var lastAppendDate: Int64 = 0
    public var lastUID = UID.none
    /// Bytes of the messages that are not expunged.
    public var quotaUsed: UInt64 = 0
    public var pop3LastLogin: Int64 = 0
    public var uidValidity = UIDValidity(0)
    public var deletedCount: UInt32 = 0
    public var answeredCount: UInt32 = 0
    public var flaggedCount: UInt32 = 0
    public var options: MailboxOptions = []
    public var leakedCacheRecords: UInt32 = 0
    public var highestModSeq = ModSeq(1)
    /// The highest modseq of a record that repack removed: deltas from before it are incomplete.
    public var deletedModSeq = ModSeq.none
    /// Messages that are not expunged.
    public var exists: UInt32 = 0
    /// When the oldest expunged record that is still there was expunged; 0: there is none.
    public var firstExpunged: Int64 = 0
    public var lastRepack: Int64 = 0
    /// CRC32 of the file cyrus.header.
    public var headerFileCRC: UInt32 = 0
    public var syncCRC: UInt32 = 0
    /// The owner's last UID told as \Recent.
    public var recentUID = UID.none
    public var recentTime: Int64 = 0
    public var pop3ShowAfter: Int64 = 0
    /// Bytes of annotations.
    public var annotationsUsed: UInt32 = 0
    public var annotationsCRC: UInt32 = SyncChecksum.annotationsStart
    /// Messages without the index's \Seen.
    public var unseenCount: UInt32 = 0
    public var createdModSeq = ModSeq.none
    /// Since when changes can be told.
    public var changesEpoch: Int64 = 0
    /// What the mailbox weighs has changed, and its quota root may not know yet: the process that changed it ended in between.
    /// In a word that Cyrus leaves zero in version 17, and has other uses for in later ones. See docs/decisions/0030.
    public var quotaInDoubt = false

    public static let currentVersion: UInt32 = 17
    public static let currentSize = 160

    public init() {}
}

extension IndexHeader {
    /// Reads a header of any version from the start of the file's bytes.
    ///
    /// Damage (too short, unknown version, sizes that cannot be, wrong CRC) is an error naming the offset.
    public init(_ bytes: RawSpan, path: String) throws(MailboxError) {
        guard bytes.byteCount >= 20 else {
            throw .damaged(path: path, offset: 0, expected: "an index header", found: "\(bytes.byteCount) bytes")
        }
        let version = bytes.bigEndian32(at: 8)
        guard let layout = IndexLayout(version: version) else {
            throw .damaged(path: path, offset: 8, expected: "index version 6 to 10, 12 to 18 or 20", found: "version \(version)")
        }
        guard bytes.byteCount >= layout.headerSize else {
            throw .damaged(path: path, offset: 0, expected: "\(layout.headerSize) header bytes", found: "\(bytes.byteCount)")
        }
        minorVersion = version
        startOffset = bytes.bigEndian32(at: 12)
        recordSize = bytes.bigEndian32(at: 16)
        guard startOffset >= layout.headerSize, recordSize >= layout.recordSize, startOffset < 1 << 16, recordSize < 1 << 16 else {
            throw .damaged(
                path: path, offset: 12, expected: "start \(layout.headerSize) and record size \(layout.recordSize)",
                found: "\(startOffset) and \(recordSize)")
        }
        if let crcOffset = layout.headerCRC {
            let stored = bytes.bigEndian32(at: crcOffset)
            let computed = CRC32.of(bytes.slice(0, crcOffset))
            guard stored == computed else {
                throw .damaged(
                    path: path, offset: crcOffset, expected: "CRC \(String(computed, radix: 16))", found: String(stored, radix: 16))
            }
        }
        generation = bytes.bigEndian32(at: 0)
        recordCount = bytes.bigEndian32(at: 20)
        if version >= 20 {
            readWide(bytes)
        } else {
            readNarrow(bytes, version, layout.headerSize)
        }
        if exists == 0 { options.insert(.pop3NewUIDL) }
        if highestModSeq == .none { highestModSeq = ModSeq(1) }
    }

    private mutating func readNarrow(_ b: RawSpan, _ version: UInt32, _ size: Int) {
        func word(_ offset: Int) -> UInt32 { offset + 4 <= size ? b.bigEndian32(at: offset) : 0 }
        func time(_ offset: Int) -> Int64 { Int64(word(offset)) }
        lastAppendDate = time(24)
        lastUID = UID(word(28))
        quotaUsed = b.bigEndian64(at: 32)
        pop3LastLogin = time(40)
        uidValidity = UIDValidity(word(44))
        deletedCount = word(48)
        answeredCount = word(52)
        flaggedCount = word(56)
        options = MailboxOptions(rawValue: word(60)).intersection(.known)
        leakedCacheRecords = word(64)
        highestModSeq = version >= 8 ? ModSeq(b.bigEndian64(at: 68)) : .none
        guard version >= 12 else {
            exists = recordCount
            annotationsCRC = 0
            return
        }
        deletedModSeq = ModSeq(b.bigEndian64(at: 76))
        exists = word(84)
        firstExpunged = time(88)
        lastRepack = time(92)
        headerFileCRC = word(96)
        syncCRC = word(100)
        recentUID = UID(word(104))
        recentTime = time(108)
        if version >= 13 {
            pop3ShowAfter = time(112)
            annotationsUsed = word(116)
            annotationsCRC = word(120)
        }
        if version >= 14 { unseenCount = word(124) }
        if version >= 16 { createdModSeq = ModSeq(b.bigEndian64(at: 128)) }
        if version >= 17 { changesEpoch = time(136) }
        if version == 17 { quotaInDoubt = word(140) != 0 }
    }

    private mutating func readWide(_ b: RawSpan) {
        func time(_ offset: Int) -> Int64 { Int64(bitPattern: b.bigEndian64(at: offset)) }
        lastAppendDate = time(24)
        quotaUsed = b.bigEndian64(at: 32)
        pop3LastLogin = time(40)
        deletedCount = b.bigEndian32(at: 48)
        answeredCount = b.bigEndian32(at: 52)
        flaggedCount = b.bigEndian32(at: 56)
        exists = b.bigEndian32(at: 60)
        options = MailboxOptions(rawValue: b.bigEndian32(at: 64)).intersection(.known)
        leakedCacheRecords = b.bigEndian32(at: 68)
        highestModSeq = ModSeq(b.bigEndian64(at: 72))
        deletedModSeq = ModSeq(b.bigEndian64(at: 80))
        lastUID = UID(b.bigEndian32(at: 88))
        uidValidity = UIDValidity(b.bigEndian32(at: 92))
        headerFileCRC = b.bigEndian32(at: 96)
        syncCRC = b.bigEndian32(at: 100)
        recentTime = time(104)
        pop3ShowAfter = time(112)
        annotationsCRC = b.bigEndian32(at: 120)
        unseenCount = b.bigEndian32(at: 124)
        createdModSeq = ModSeq(b.bigEndian64(at: 128))
        annotationsUsed = UInt32(truncatingIfNeeded: b.bigEndian64(at: 152))
        changesEpoch = time(160)
        firstExpunged = time(168)
        lastRepack = time(176)
        recentUID = UID(b.bigEndian32(at: 184))
    }

    /// Appends the 160 bytes of version 17.
    public func encode(into out: inout [UInt8]) {
        let start = out.count
        out.reserveCapacity(start + 160)
        func time(_ t: Int64) -> UInt32 { UInt32(truncatingIfNeeded: t) }
        out.append(bigEndian: generation)
        out.append(bigEndian: UInt32(0))
        out.append(bigEndian: Self.currentVersion)
        out.append(bigEndian: UInt32(160))
        out.append(bigEndian: UInt32(112))
        out.append(bigEndian: recordCount)
        out.append(bigEndian: time(lastAppendDate))
        out.append(bigEndian: lastUID.rawValue)
        out.append(bigEndian: quotaUsed)
        out.append(bigEndian: time(pop3LastLogin))
        out.append(bigEndian: uidValidity.rawValue)
        out.append(bigEndian: deletedCount)
        out.append(bigEndian: answeredCount)
        out.append(bigEndian: flaggedCount)
        out.append(bigEndian: options.intersection(.known).rawValue)
        out.append(bigEndian: leakedCacheRecords)
        out.append(bigEndian: highestModSeq.rawValue)
        out.append(bigEndian: deletedModSeq.rawValue)
        out.append(bigEndian: exists)
        out.append(bigEndian: time(firstExpunged))
        out.append(bigEndian: time(lastRepack))
        out.append(bigEndian: headerFileCRC)
        out.append(bigEndian: syncCRC)
        out.append(bigEndian: recentUID.rawValue)
        out.append(bigEndian: time(recentTime))
        out.append(bigEndian: time(pop3ShowAfter))
        out.append(bigEndian: annotationsUsed)
        out.append(bigEndian: annotationsCRC)
        out.append(bigEndian: unseenCount)
        out.append(bigEndian: createdModSeq.rawValue)
        out.append(bigEndian: time(changesEpoch))
        out.append(bigEndian: UInt32(quotaInDoubt ? 1 : 0))
        out.append(contentsOf: repeatElement(0, count: 12))
        out.append(bigEndian: CRC32.of(out.span.bytes.slice(start, 156)))
    }
}
