import Bytes

/// The structured values of MIME fields, read as leniently as Cyrus reads them.
///
/// A value is the bytes behind the field's colon with its line ends: it ends at a line end that no white space follows.
enum FieldValue {
    /// Moves over white space and comments. False at the end of the field.
    static func skipSpace(_ value: borrowing RawSpan, _ at: inout Int) -> Bool {
        let end = value.byteCount
        while at < end {
            let byte = value[at]
            if byte == 0x0a {
                at += 1
                guard at < end, value[at] == 0x20 || value[at] == 0x09 else { return false }
            } else if byte == UInt8(ascii: "(") {
                at += 1
                guard skipComment(value, &at) else { return false }
            } else if byte.isASCIISpace {
                at += 1
            } else {
                return true
            }
        }
        return false
    }

    /// From behind the opening parenthesis to behind the one that closes it.
    private static func skipComment(_ value: borrowing RawSpan, _ at: inout Int) -> Bool {
        let end = value.byteCount
        var depth = 1
        while depth > 0 {
            guard at < end else { return false }
            switch value[at] {
            case 0x0a:
                at += 1
                guard at < end, value[at] == 0x20 || value[at] == 0x09 else { return false }
            case UInt8(ascii: "\\"):
                at += 1
                guard at < end else { return false }
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            default: break
            }
            at += 1
        }
        return true
    }

    /// RFC 2045's tspecials; Cyrus refuses them, control characters and 8-bit bytes in tokens.
    static func isTokenBreaker(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte >= 0x80 || isSpecial(byte)
    }

    static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "@"), UInt8(ascii: ","),
            UInt8(ascii: ";"), UInt8(ascii: ":"), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "/"), UInt8(ascii: "["),
            UInt8(ascii: "]"), UInt8(ascii: "?"), UInt8(ascii: "="):
            true
        default: false
        }
    }

    /// Moves over a token that white space, a comment or `stop` ends. False when another byte that no token has stands in it.
    static func skipToken(_ value: borrowing RawSpan, _ at: inout Int, stop: UInt8) -> Bool {
        while at < value.byteCount {
            let byte = value[at]
            if byte.isASCIISpace || byte == stop || byte == UInt8(ascii: "(") { return true }
            if isTokenBreaker(byte) { return false }
            at += 1
        }
        return true
    }

    /// Unfolds a free-form value: leading blanks and every line end taken out.
    static func unfold(_ value: borrowing RawSpan, into text: inout TextArena) -> TextRef {
        var start = 0
        while start < value.byteCount, value[start] == 0x20 || value[start] == 0x09 { start += 1 }
        let mark = text.mark
        var rest = start
        while let line = value.firstOffset(of: 0x0a, from: rest) {
            let end = line > start && line > rest && value[line - 1] == 0x0d ? line - 1 : line
            text.append(value.slice(rest, end - rest))
            rest = line + 1
        }
        text.append(value.dropping(rest))
        return text.finish(from: mark)
    }

    /// Without the line end that closes the field.
    @_lifetime(copy value)
    static func trimmed(_ value: RawSpan) -> RawSpan {
        var end = value.byteCount
        if end > 0, value[end - 1] == 0x0a { end -= 1 }
        if end < value.byteCount, end > 0, value[end - 1] == 0x0d { end -= 1 }
        return value.slice(0, end)
    }
}
