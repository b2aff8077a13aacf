import Bytes

/// The subject without its `Re:`, `Fwd:`, `[list]` and `(fwd)` (RFC 5256 section 2.1), by which SORT and THREAD compare.
public struct BaseSubject: Sendable, Equatable {
    /// Upper-case ASCII, white space merged.
    public let text: [UInt8]
    /// Whether something was taken off that says it answers or forwards.
    public let isReply: Bool

    /// From a decoded (UTF-8) subject.
    public init(_ subject: borrowing RawSpan) {
        var text: [UInt8] = []
        text.reserveCapacity(subject.byteCount)
        for i in 0..<subject.byteCount {
            let byte = subject[i]
            if byte.isASCIISpace {
                if !text.isEmpty, text.last != 0x20 { text.append(0x20) }
            } else {
                text.append(byte.asciiUppercased)
            }
        }
        var isReply = false
        var range = 0..<text.count
        while true {
            Self.dropTrailers(text, &range, &isReply)
            var before: Range<Int>
            repeat {
                before = range
                Self.dropLeader(text, &range, &isReply)
                Self.dropBlob(text, &range)
            } while range != before
            // [Fwd: subject]
            if range.count >= 6, text[range].starts(with: Array("[FWD:".utf8)), text[range.upperBound - 1] == UInt8(ascii: "]") {
                range = (range.lowerBound + 5)..<(range.upperBound - 1)
                Self.dropBlanks(text, &range)
                isReply = true
                continue
            }
            break
        }
        self.text = [UInt8](text[range])
        self.isReply = isReply
    }

    private static func dropBlanks(_ text: [UInt8], _ range: inout Range<Int>) {
        while range.count > 0, text[range.lowerBound] == 0x20 { range = (range.lowerBound + 1)..<range.upperBound }
    }

    /// `(fwd)` and blanks at the end.
    private static func dropTrailers(_ text: [UInt8], _ range: inout Range<Int>, _ isReply: inout Bool) {
        while range.count > 0 {
            if text[range.upperBound - 1] == 0x20 {
                range = range.lowerBound..<(range.upperBound - 1)
            } else if range.count >= 5, text[(range.upperBound - 5)..<range.upperBound].elementsEqual(Array("(FWD)".utf8)) {
                range = range.lowerBound..<(range.upperBound - 5)
                isReply = true
            } else {
                return
            }
        }
    }

    /// `*subj-blob ("RE" / "FW" / "FWD") *WSP [subj-blob] ":"`, and blanks.
    private static func dropLeader(_ text: [UInt8], _ range: inout Range<Int>, _ isReply: inout Bool) {
        dropBlanks(text, &range)
        var at = range.lowerBound
        while let end = blobEnd(text, at, range.upperBound) { at = end }
        let rest = text[at..<range.upperBound]
        if rest.starts(with: Array("RE".utf8)) {
            at += 2
        } else if rest.starts(with: Array("FWD".utf8)) {
            at += 3
        } else if rest.starts(with: Array("FW".utf8)) {
            at += 2
        } else {
            return
        }
        while at < range.upperBound, text[at] == 0x20 { at += 1 }
        if let end = blobEnd(text, at, range.upperBound) { at = end }
        guard at < range.upperBound, text[at] == UInt8(ascii: ":") else { return }
        range = (at + 1)..<range.upperBound
        dropBlanks(text, &range)
        isReply = true
    }

    /// A `[…]` at the start, unless nothing would be left.
    private static func dropBlob(_ text: [UInt8], _ range: inout Range<Int>) {
        guard let end = blobEnd(text, range.lowerBound, range.upperBound), end < range.upperBound else { return }
        range = end..<range.upperBound
    }

    /// Behind `[…]` without brackets inside, and the blanks that follow.
    private static func blobEnd(_ text: [UInt8], _ start: Int, _ limit: Int) -> Int? {
        guard start < limit, text[start] == UInt8(ascii: "[") else { return nil }
        var at = start + 1
        while at < limit, text[at] != UInt8(ascii: "]") {
            if text[at] == UInt8(ascii: "[") { return nil }
            at += 1
        }
        guard at < limit else { return nil }
        at += 1
        while at < limit, text[at] == 0x20 { at += 1 }
        return at
    }
}
