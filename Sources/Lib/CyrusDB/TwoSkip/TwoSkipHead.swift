import Bytes

/// The rewritable part of a record: everything up to and including the head's CRC, copied out, changed, and written back at once.
struct TwoSkipHead {
    let record: TwoSkipRecord
    private var bytes: InlineArray<288, UInt8> = .init(repeating: 0)
    private let count: Int

    init(_ record: TwoSkipRecord, _ file: borrowing RawSpan) {
        self.record = record
        // 8 bytes, two long lengths of 8, 32 pointers of 8 and the CRC of 4 make 284 at most.
        count = record.headLength - 4
        for i in 0..<count { bytes[i] = file[record.offset + i] }
    }

    func slot(_ index: Int) -> UInt64 {
        bytes.span.bytes.bigEndian64(at: record.slotOffset(index) - record.offset)
    }

    mutating func setSlot(_ index: Int, _ value: UInt64) {
        let start = record.slotOffset(index) - record.offset
        for i in 0..<8 { bytes[start + i] = UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * i)) }
    }

    /// Sets where a list leads. On list 0 the pointer that was valid at `committed` (the end before this transaction) is kept.
    mutating func set(_ list: Int, _ value: UInt64, committed: UInt64) {
        guard list == 0 else { return setSlot(list + 1, value) }
        let first = slot(0)
        let second = slot(1)
        let index = first >= committed ? 0 : second >= committed ? 1 : second > first ? 0 : 1
        setSlot(index, value)
    }

    /// Sets the CRC, and lends what is to be written at the record's offset.
    mutating func withSealed<R>(_ body: (RawSpan) throws(CyrusDBError) -> R) throws(CyrusDBError) -> R {
        let crc = CRC32.of(bytes.span.bytes.slice(0, count - 4))
        for i in 0..<4 { bytes[count - 4 + i] = UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * i)) }
        return try body(bytes.span.bytes.slice(0, count))
    }
}

extension TwoSkip {
    func loadHead(_ offset: Int) throws(CyrusDBError) -> TwoSkipHead {
        let window = file.window
        let bytes = window.bytes
        return TwoSkipHead(try record(bytes, at: offset), bytes)
    }

    func storeHead(_ head: TwoSkipHead) throws(CyrusDBError) {
        var head = head
        let offset = head.record.offset
        if inTransaction && !file.isDrafting && offset < Int(clamping: header.currentSize) {
            overwritten.append((offset, file.window.bytes.slice(offset, head.record.headLength).array))
        }
        try head.withSealed { bytes throws(CyrusDBError) in try file.write(bytes, at: offset) }
    }
}
