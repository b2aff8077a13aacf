import Bytes
import Posix

extension SkipList {
    /// Walks every list: strict key order, and each record of a level on all the lists of that level.
    func checkConsistency() throws(CyrusDBError) {
        try reading { () throws(CyrusDBError) in
            let window = file.window
            let bytes = window.bytes
            var current = try dummy(bytes)
            var expected: InlineArray<20, Int> = .init(repeating: 0)
            let dummyLevel = try level(current, bytes)
            for list in 0..<dummyLevel { expected[list] = try pointer(current, list, bytes) }
            var count = 0
            while let next = try following(current, list: 0, bytes) {
                if current.kind != .dummy,
                    comparator.compare(bytes.slice(current.keyOffset, current.keyLength), bytes.slice(next.keyOffset, next.keyLength)) >= 0
                {
                    throw damaged(next.keyOffset, "a key after the one before it", "one that is not")
                }
                for list in 0..<(try level(next, bytes)) {
                    guard expected[list] == next.offset else {
                        throw damaged(next.offset, "list \(list) leading to this record", "it leads to \(expected[list])")
                    }
                    expected[list] = try pointer(next, list, bytes)
                }
                count += 1
                guard count < stepLimit else { throw damaged(next.offset, "a list that ends", "a circle") }
                current = next
            }
            for list in 0..<dummyLevel where expected[list] != 0 {
                throw damaged(expected[list], "list \(list) ended", "a further record")
            }
        }
    }

    func dump(_ line: (String) -> Void) throws(CyrusDBError) {
        try reading { () throws(CyrusDBError) in
            let window = file.window
            let bytes = window.bytes
            var offset = SkipListHeader.dummyOffset
            while offset < file.size {
                let record = try record(bytes, at: offset)
                let at = hex(UInt64(offset), 4)
                switch record.kind {
                case .commit: line("\(at): COMMIT ")
                case .delete: line("\(at): DELETE offset=\(hex(UInt64(bytes.bigEndian32(at: offset + 4)), 4))")
                case .dummy, .inOrder, .add:
                    let level = try level(record, bytes)
                    let name = record.kind == .dummy ? "DUMMY" : record.kind == .add ? "ADD" : "INORDER"
                    var text = "\(at): \(name) kl=\(record.keyLength) dl=\(record.valueLength) lvl=\(level)"
                    text += "\n\t"
                    for list in 0..<level { text += hex(UInt64(try pointer(record, list, bytes)), 4) + " " }
                    line(text)
                }
                do throws(SkipListRecord.Failure) {
                    offset = try record.end(in: bytes)
                } catch {
                    throw damaged(error)
                }
            }
        }
    }
}
