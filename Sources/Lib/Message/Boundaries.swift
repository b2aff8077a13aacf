import Bytes

/// The boundary delimiters of the multiparts that are open, outermost first.
struct Boundaries: Sendable {
    private var list: [TextRef] = []
    private var firstBytes: [UInt8] = []

    var count: Int { list.count }

    mutating func append(_ boundary: TextRef, in text: borrowing TextArena) {
        list.append(boundary)
        firstBytes.append(boundary.count > 0 ? text.bytes[Int(boundary.start)] : 0)
    }

    mutating func truncate(to count: Int) {
        guard count < list.count else { return }
        list.removeLast(list.count - count)
        firstBytes.removeLast(firstBytes.count - count)
    }

    /// Whether `line` (with its line end) is a delimiter of an open multipart. A closing one (`--boundary--`) ends it and those inside it.
    ///
    /// As Cyrus does without `rfc2046_strict`, a line that only starts with a boundary and goes on in the same word is none of it.
    mutating func match(_ line: borrowing RawSpan, in text: borrowing TextArena) -> Bool {
        guard !list.isEmpty, line.byteCount >= 2, line[0] == UInt8(ascii: "-"), line[1] == UInt8(ascii: "-") else { return false }
        let rest = line.byteCount - 2
        let first: UInt8 = rest > 0 ? line[2] : 0
        for i in 0..<list.count {
            let length = Int(list[i].count)
            guard length <= rest, length == 0 || firstBytes[i] == first else { continue }
            let boundary = text.bytes.span.bytes.slice(Int(list[i].start), length)
            guard line.slice(2, length).equals(boundary) else { continue }
            let behind = 2 + length
            if rest >= length + 2, line[behind] == UInt8(ascii: "-"), line[behind + 1] == UInt8(ascii: "-") {
                truncate(to: i)
            } else if rest > length + 1, line[behind] != 0, !line[behind].isASCIISpace {
                continue
            }
            return true
        }
        return false
    }
}
