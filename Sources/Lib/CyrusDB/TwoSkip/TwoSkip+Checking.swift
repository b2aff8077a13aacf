import Bytes
import Posix

extension TwoSkip {
    /// Walks all lists at once: strict key order, every CRC, every list leading to each of its records, and the count of the header.
    func checkConsistency() throws(CyrusDBError) {
        try reading { () throws(CyrusDBError) in
            let window = file.window
            let bytes = window.bytes
            var current = try dummy(bytes)
            // Where each upper list leads from the last record passed.
            var expected: InlineArray<31, UInt64> = .init(repeating: 0)
            for list in 1..<Self.listCount { expected[list] = current.pointer(list + 1, in: bytes) }
            var count: UInt64 = 0
            while let next = try following(current, bytes) {
                try checkTail(next, bytes)
                if current.kind == .record,
                    comparator.compare(bytes.slice(current.keyOffset, current.keyLength), bytes.slice(next.keyOffset, next.keyLength)) >= 0
                {
                    throw damaged(next.keyOffset, "a key after the one before it", "one that is not")
                }
                for list in 1..<max(1, min(next.level, Self.listCount)) {
                    guard expected[list] == UInt64(next.offset) else {
                        throw damaged(next.offset, "list \(list) leading to this record", "it leads to \(expected[list])")
                    }
                    expected[list] = next.pointer(list + 1, in: bytes)
                }
                count += 1
                guard count < stepLimit else { throw damaged(next.offset, "a list that ends", "a circle") }
                current = next
            }
            for list in 1..<Self.listCount where expected[list] != 0 {
                throw damaged(Int(clamping: expected[list]), "list \(list) ended", "a further record")
            }
            guard count == header.recordCount else { throw damaged(32, "\(count) records counted", "\(header.recordCount) in the header") }
        }
    }

    /// `HEADER: …`, then a line for each record in file order.
    func dump(_ line: (String) -> Void) throws(CyrusDBError) {
        try reading { () throws(CyrusDBError) in
            let window = file.window
            let bytes = window.bytes
            line(
                "HEADER: v=1 fl=\(header.flags) num=\(header.recordCount) sz=(\(hex(header.currentSize, 8))/\(hex(header.repackSize, 8)))")
            var offset = TwoSkipHeader.byteCount
            while offset <= end - 8 {
                if bytes.bigEndian64(at: offset) == TwoSkipRecord.blankWord {
                    line("\(hex(UInt64(offset), 8)) BLANK")
                    offset += 8
                    continue
                }
                let record = try record(bytes, at: offset)
                let at = hex(UInt64(offset), 8)
                switch record.kind {
                case .delete: line("\(at) DELETE ptr=\(hex(record.pointer(0, in: bytes), 8))")
                case .commit: line("\(at) COMMIT start=\(hex(record.pointer(0, in: bytes), 8))")
                case .record, .dummy:
                    let kind = record.kind == .dummy ? "DUMMY" : "RECORD"
                    let key = bytes.slice(record.keyOffset, record.keyLength).text
                    var text = "\(at) \(kind) kl=\(record.keyLength) dl=\(record.valueLength) lvl=\(record.level) (\(key))\n\t"
                    // Eight pointers a line, after the first one.
                    for slot in 0...record.level {
                        text += hex(record.pointer(slot, in: bytes), 8) + " "
                        if slot % 8 == 0 { text += "\n\t" }
                    }
                    line(text)
                }
                offset = record.end
            }
        }
    }
}

/// Upper-case hexadecimal, padded with zeros.
func hex(_ value: UInt64, _ width: Int) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
