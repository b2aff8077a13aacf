import Bytes

/// Finding records in flat's text: lines `key TAB value LF`, sorted by the mailbox order of their escaped keys.
enum FlatLines {
    /// A line's parts, as offsets into the text. `end` is after the LF (or the text's end, when the last LF is missing).
    struct Line {
        var start: Int
        var keyEnd: Int
        var valueStart: Int
        var valueEnd: Int
        var end: Int
    }

    struct Damage: Error {
        /// A line without a TAB.
        let offset: Int
    }

    static func line(_ text: borrowing RawSpan, at start: Int) throws(Damage) -> Line {
        let lineEnd = text.firstOffset(of: 0x0a, from: start) ?? text.byteCount
        guard let tab = text.firstOffset(of: 0x09, from: start), tab < lineEnd else { throw Damage(offset: start) }
        return Line(start: start, keyEnd: tab, valueStart: tab + 1, valueEnd: lineEnd, end: min(lineEnd + 1, text.byteCount))
    }

    /// The first line whose key is not before `key`, and whether it is equal. At the end of the text `line` is nil.
    static func find(
        _ key: borrowing RawSpan, in text: borrowing RawSpan
    ) throws(Damage) -> (offset: Int, line: Line?, isMatch: Bool) {
        // Offsets of line starts; the answer lies in low...high.
        var low = 0
        var high = text.byteCount
        while low < high {
            let middle = low + (high - low) / 2
            let start = lineStart(text, before: middle, notBefore: low)
            let line = try line(text, at: start)
            let order = Comparator.mailbox.compare(text.slice(start, line.keyEnd - start), key)
            if order == 0 { return (start, line, true) }
            if order < 0 {
                low = line.end
            } else {
                high = start
            }
        }
        guard low < text.byteCount else { return (low, nil, false) }
        return (low, try line(text, at: low), false)
    }

    private static func lineStart(_ text: borrowing RawSpan, before offset: Int, notBefore low: Int) -> Int {
        var start = offset
        while start > low, text[start - 1] != 0x0a { start -= 1 }
        return start
    }
}
