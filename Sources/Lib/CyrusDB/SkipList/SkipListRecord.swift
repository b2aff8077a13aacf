import Bytes

/// Where the parts of one skiplist record stand in the file. Everything is big-endian words, padded to four bytes.
///
/// INORDER, ADD and DUMMY: type, key length, key, value length, value, pointers, FFFFFFFF. The level is the number of pointers.
/// DELETE: type, offset of the record removed. COMMIT: the type alone.
struct SkipListRecord: Equatable {
    enum Kind: UInt32 {
        case dummy = 257
        /// Written by a checkpoint, in key order, before the log.
        case inOrder = 1
        case add = 2
        case delete = 4
        case commit = 255
    }

    static let terminator: UInt32 = 0xffff_ffff

    let offset: Int
    let kind: Kind
    let keyLength: Int
    let valueLength: Int

    var keyOffset: Int { offset + 8 }
    var valueOffset: Int { keyOffset + Self.padded(keyLength) + 4 }
    var pointersOffset: Int { valueOffset + Self.padded(valueLength) }

    static func padded(_ length: Int) -> Int { (length + 3) & ~3 }

    /// The length of a record with key, value and pointers.
    static func length(level: Int, keyLength: Int, valueLength: Int) -> Int {
        16 + padded(keyLength) + padded(valueLength) + 4 * level
    }

    enum Failure: Error {
        case damaged(offset: Int, expected: String, found: String)
    }

    /// Reads the record at `offset`; all of it but its pointers is checked to lie within the file.
    init(_ file: borrowing RawSpan, at offset: Int) throws(Failure) {
        guard offset >= SkipListHeader.dummyOffset, offset & 3 == 0, offset <= file.byteCount - 4 else {
            throw .damaged(offset: offset, expected: "a record offset within \(file.byteCount) bytes", found: "\(offset)")
        }
        guard let kind = Kind(rawValue: file.bigEndian32(at: offset)) else {
            throw .damaged(offset: offset, expected: "a record type", found: "\(file.bigEndian32(at: offset))")
        }
        self.offset = offset
        self.kind = kind
        if kind == .commit || kind == .delete {
            keyLength = 0
            valueLength = 0
            guard kind == .commit || file.holds(8, at: offset) else {
                throw .damaged(offset: offset, expected: "the offset of the deleted record", found: "the end of the file")
            }
            return
        }
        guard file.holds(16, at: offset) else {
            throw .damaged(offset: offset, expected: "a record", found: "the end of the file")
        }
        let keyLength = Int(file.bigEndian32(at: offset + 4))
        guard file.holds(Self.padded(keyLength) + 8, at: offset + 8) else {
            throw .damaged(offset: offset + 4, expected: "a key within the file", found: "\(keyLength) bytes")
        }
        let lengthOffset = offset + 8 + Self.padded(keyLength)
        let valueLength = Int(file.bigEndian32(at: lengthOffset))
        guard file.holds(Self.padded(valueLength) + 4, at: lengthOffset + 4) else {
            throw .damaged(offset: lengthOffset, expected: "a value within the file", found: "\(valueLength) bytes")
        }
        self.keyLength = keyLength
        self.valueLength = valueLength
    }

    /// The number of pointers; fails when their end is not found within the file.
    func level(in file: borrowing RawSpan) throws(Failure) -> Int {
        for level in 0...SkipListHeader.maxLevel {
            let at = pointersOffset + 4 * level
            guard file.holds(4, at: at) else { break }
            if file.bigEndian32(at: at) == Self.terminator { return level }
        }
        throw .damaged(offset: pointersOffset, expected: "at most \(SkipListHeader.maxLevel) pointers and their end", found: "more")
    }

    /// Where the next record begins.
    func end(in file: borrowing RawSpan) throws(Failure) -> Int {
        switch kind {
        case .commit: offset + 4
        case .delete: offset + 8
        case .dummy, .inOrder, .add: pointersOffset + 4 * (try level(in: file)) + 4
        }
    }

    /// The pointer of a list.
    func pointer(_ list: Int, in file: borrowing RawSpan) throws(Failure) -> Int {
        let at = pointersOffset + 4 * list
        guard file.holds(4, at: at), file.bigEndian32(at: at) != Self.terminator else {
            throw .damaged(offset: at, expected: "a pointer of list \(list)", found: "the end of the record")
        }
        return Int(file.bigEndian32(at: at))
    }

    static func encode(
        _ kind: Kind, key: borrowing RawSpan, value: borrowing RawSpan, pointers: borrowing Span<UInt32>, into out: inout [UInt8]
    ) {
        out.append(bigEndian: kind.rawValue)
        out.append(bigEndian: UInt32(truncatingIfNeeded: key.byteCount))
        out.append(key)
        for _ in key.byteCount..<padded(key.byteCount) { out.append(0) }
        out.append(bigEndian: UInt32(truncatingIfNeeded: value.byteCount))
        out.append(value)
        for _ in value.byteCount..<padded(value.byteCount) { out.append(0) }
        for i in pointers.indices { out.append(bigEndian: pointers[i]) }
        out.append(bigEndian: terminator)
    }
}
