import Bytes

/// Where the parts of one twoskip record stand in the file. The bytes themselves stay in the map.
///
/// Layout: type u8, level u8, key length u16, value length u32, (long lengths u64 each), pointers u64 × (level + 1),
/// CRC of that head u32, CRC of the tail u32; then key, value and zeros to a multiple of eight.
struct TwoSkipRecord: Equatable {
    enum Kind: UInt8 {
        /// The start of all lists, at offset 64.
        case dummy = 0x3d
        case record = 0x2b
        /// Stands in list 0 in place of a deleted record; its pointer leads to the live record that follows.
        case delete = 0x2d
        /// Ends a transaction; its pointer is where that began.
        case commit = 0x24
    }

    static let maxLevel = 31
    /// Pads so that a head never straddles a 512-byte block.
    static let blank: [UInt8] = [0x20, 0x42, 0x4c, 0x41, 0x4e, 0x4b, 0x07, 0xa0]
    static let blankWord: UInt64 = 0x2042_4c41_4e4b_07a0

    let offset: Int
    let kind: Kind
    let level: Int
    let keyLength: Int
    let valueLength: Int
    /// Type, lengths, pointers and both CRCs.
    let headLength: Int

    var keyOffset: Int { offset + headLength }
    var valueOffset: Int { keyOffset + keyLength }
    var tailLength: Int { Self.padded(keyLength + valueLength) }
    var end: Int { keyOffset + tailLength }
    var crcOffset: Int { offset + headLength - 8 }
    /// Where pointer `slot` stands.
    func slotOffset(_ slot: Int) -> Int { crcOffset - 8 * (level + 1 - slot) }

    static func padded(_ length: Int) -> Int { (length + 7) & ~7 }

    /// The length of a head.
    static func headLength(level: Int, keyLength: Int, valueLength: Int) -> Int {
        16 + 8 * (level + 1) + (keyLength >= 0xffff ? 8 : 0) + (valueLength >= 0xffff_ffff ? 8 : 0)
    }

    enum Failure: Error {
        case damaged(offset: Int, expected: String, found: String)
    }

    /// Reads the head at `offset` and checks that the whole record lies before `limit`.
    @inline(__always)
    init(_ file: borrowing RawSpan, at offset: Int, limit: Int, checkCRC: Bool = true) throws(Failure) {
        let limit = min(limit, file.byteCount)
        guard offset >= TwoSkipHeader.byteCount, offset & 7 == 0, offset <= limit - 24 else {
            throw .damaged(offset: offset, expected: "a record offset within \(limit) bytes", found: "\(offset)")
        }
        guard let kind = Kind(rawValue: file[offset]) else {
            throw .damaged(offset: offset, expected: "a record type", found: "byte \(file[offset])")
        }
        let level = Int(file[offset + 1])
        guard level <= Self.maxLevel else { throw .damaged(offset: offset + 1, expected: "a level of 0...31", found: "\(level)") }
        var keyLength = Int(file.bigEndian16(at: offset + 2))
        var valueLength = Int(file.bigEndian32(at: offset + 4))
        let longKey = keyLength == 0xffff
        let longValue = valueLength == 0xffff_ffff
        let headLength = 16 + 8 * (level + 1) + (longKey ? 8 : 0) + (longValue ? 8 : 0)
        guard headLength <= limit - offset else {
            throw .damaged(offset: offset, expected: "a head of \(headLength) bytes", found: "the end of the file")
        }
        if longKey { keyLength = Int(truncatingIfNeeded: file.bigEndian64(at: offset + 8)) }
        if longValue { valueLength = Int(truncatingIfNeeded: file.bigEndian64(at: offset + (longKey ? 16 : 8))) }
        let room = limit - offset - headLength
        guard keyLength >= 0, valueLength >= 0, keyLength <= room, valueLength <= room, Self.padded(keyLength + valueLength) <= room else {
            throw .damaged(offset: offset + 2, expected: "key and value within \(room) bytes", found: "\(keyLength) and \(valueLength)")
        }
        self.offset = offset
        self.kind = kind
        self.level = level
        self.keyLength = keyLength
        self.valueLength = valueLength
        self.headLength = headLength
        if checkCRC { try checkHead(file) }
    }

    /// Throws unless the head has its CRC.
    @inline(__always)
    func checkHead(_ file: borrowing RawSpan) throws(Failure) {
        let stored = file.bigEndian32(at: crcOffset)
        let crc = CRC32.of(file.slice(offset, headLength - 8))
        guard crc == stored else { throw .damaged(offset: crcOffset, expected: "head CRC \(crc)", found: "\(stored)") }
    }

    /// The pointer in `slot` (0...level), as it stands.
    @inline(__always)
    func pointer(_ slot: Int, in file: borrowing RawSpan) -> UInt64 {
        file.bigEndian64(at: slotOffset(slot))
    }

    /// Throws unless key, value and padding have the CRC that the head gives.
    func checkTail(_ file: borrowing RawSpan) throws(Failure) {
        let stored = file.bigEndian32(at: crcOffset + 4)
        let crc = CRC32.of(file.slice(keyOffset, tailLength))
        guard crc == stored else { throw .damaged(offset: crcOffset + 4, expected: "tail CRC \(crc)", found: "\(stored)") }
    }

    /// A whole record as bytes.
    static func encode(
        _ kind: Kind, pointers: borrowing Span<UInt64>, key: borrowing RawSpan, value: borrowing RawSpan, into out: inout [UInt8]
    ) {
        let start = out.count
        let keyLength = key.byteCount
        let valueLength = value.byteCount
        out.append(kind.rawValue)
        out.append(UInt8(pointers.count - 1))
        out.append(bigEndian: UInt16(min(keyLength, 0xffff)))
        out.append(bigEndian: UInt32(min(valueLength, 0xffff_ffff)))
        if keyLength >= 0xffff { out.append(bigEndian: UInt64(keyLength)) }
        if valueLength >= 0xffff_ffff { out.append(bigEndian: UInt64(valueLength)) }
        for i in pointers.indices { out.append(bigEndian: pointers[i]) }
        out.append(bigEndian: CRC32.of(out.span.bytes.dropping(start)))
        let tailCRC = out.count
        out.append(bigEndian: UInt32(0))
        out.append(key)
        out.append(value)
        for _ in (keyLength + valueLength)..<padded(keyLength + valueLength) { out.append(0) }
        out.store(bigEndian: CRC32.of(out.span.bytes.dropping(tailCRC + 4)), at: tailCRC)
    }

    /// How many bytes of blanks go before a head of `headLength` at `end`.
    static func blanks(before end: Int, headLength: Int) -> Int {
        guard headLength <= 504 else { return 0 }
        var at = end
        while (at + 8) & 511 > (at - 8 + headLength) & 511 { at += 8 }
        return at - end
    }
}
