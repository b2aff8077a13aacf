import Bytes

/// The lexical pieces of an address list. Each function moves on to behind its piece and returns the byte that ended it, 0 at the end.
enum AddressScanner {
    private static func skipSpace(_ value: borrowing RawSpan, _ at: inout Int) {
        let end = value.byteCount
        while at < end {
            let byte = value[at]
            if byte == UInt8(ascii: "(") {
                at += 1
                var depth = 1
                while depth > 0, at < end {
                    let inner = value[at]
                    at += 1
                    if inner == UInt8(ascii: "\\") {
                        if at < end { at += 1 }
                    } else if inner == UInt8(ascii: "(") {
                        depth += 1
                    } else if inner == UInt8(ascii: ")") {
                        depth -= 1
                    }
                }
            } else if byte.isASCIISpace {
                at += 1
            } else {
                return
            }
        }
    }

    /// A phrase or local part up to one of `stops`: quotes taken off, white space and comments made one space.
    static func phrase(_ value: borrowing RawSpan, _ at: inout Int, stops: StaticString, into out: inout [UInt8]) -> UInt8 {
        skipSpace(value, &at)
        let end = value.byteCount
        while true {
            guard at < end else {
                if out.last == 0x20 { out.removeLast() }
                return 0
            }
            let byte = value[at]
            at += 1
            if byte == UInt8(ascii: "\"") {
                guard quoted(value, &at, into: &out) else {
                    // Without its closing quote the rest is nothing.
                    out.removeAll()
                    at = end
                    return 0
                }
            } else if byte.isASCIISpace || byte == UInt8(ascii: "(") {
                at -= 1
                skipSpace(value, &at)
                out.append(0x20)
            } else if byte == 0 || isStop(byte, stops) {
                if out.last == 0x20 { out.removeLast() }
                if byte == 0 { at = end }
                return byte
            } else {
                out.append(byte)
            }
        }
    }

    private static func isStop(_ byte: UInt8, _ stops: StaticString) -> Bool {
        for i in 0..<stops.utf8CodeUnitCount where stops.utf8Start[i] == byte { return true }
        return false
    }

    /// From behind the opening quote to behind the closing one. Folds are joined, other control characters than TAB dropped.
    private static func quoted(_ value: borrowing RawSpan, _ at: inout Int, into out: inout [UInt8]) -> Bool {
        let end = value.byteCount
        while at < end {
            var byte = value[at]
            at += 1
            if byte == UInt8(ascii: "\\"), at + 1 < end, value[at] == 0x0d, value[at + 1] == 0x0a {
                byte = 0x0d
                at += 1
            }
            if byte == 0x0d, at < end, value[at] == 0x0a {
                at += 1
                guard at < end, value[at] == 0x20 || value[at] == 0x09 else { return false }
                continue
            }
            if byte == 0x0d || byte == 0x0a {
                byte = 0x20
            } else if byte.isASCIIControl, byte != 0x09 {
                continue
            }
            if byte == UInt8(ascii: "\"") { return true }
            if byte == UInt8(ascii: "\\") {
                guard at < end else { return false }
                byte = value[at]
                at += 1
            }
            out.append(byte)
        }
        return false
    }

    /// A domain; the comment right behind it if asked for.
    static func domain(_ value: borrowing RawSpan, _ at: inout Int, readsComment: Bool) -> (end: UInt8, domain: [UInt8], comment: [UInt8]?)
    {
        skipSpace(value, &at)
        var domain: [UInt8] = []
        var comment: [UInt8]?
        while at < value.byteCount {
            let byte = value[at]
            at += 1
            if byte.isASCIIAlphanumeric || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "]")
                || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "@")
            {
                domain.append(byte)
                comment = nil
            } else if byte == UInt8(ascii: ".") {
                if !domain.isEmpty, domain.last != byte { domain.append(byte) }
                comment = nil
            } else if byte == UInt8(ascii: "(") {
                if readsComment {
                    comment = readComment(value, &at)
                } else {
                    at -= 1
                    skipSpace(value, &at)
                }
            } else if !byte.isASCIISpace {
                if domain.last == UInt8(ascii: ".") { domain.removeLast() }
                return (byte, domain, comment)
            }
        }
        if domain.last == UInt8(ascii: ".") { domain.removeLast() }
        return (0, domain, comment)
    }

    private static func readComment(_ value: borrowing RawSpan, _ at: inout Int) -> [UInt8] {
        var out: [UInt8] = []
        var depth = 1
        while depth > 0, at < value.byteCount {
            var byte = value[at]
            at += 1
            if byte == UInt8(ascii: "(") {
                depth += 1
            } else if byte == UInt8(ascii: ")") {
                depth -= 1
            } else if byte == UInt8(ascii: "\\"), at < value.byteCount {
                byte = value[at]
                at += 1
            }
            if depth > 0 { out.append(byte) }
        }
        return out
    }

    /// A source route, `@a,@b`.
    static func route(_ value: borrowing RawSpan, _ at: inout Int) -> (end: UInt8, route: [UInt8]) {
        skipSpace(value, &at)
        var route: [UInt8] = []
        func trim() {
            while let last = route.last, last == UInt8(ascii: ".") || last == UInt8(ascii: ",") || last == UInt8(ascii: "@") {
                route.removeLast()
            }
        }
        while at < value.byteCount {
            let byte = value[at]
            at += 1
            if byte.isASCIIAlphanumeric || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "]")
                || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "@")
            {
                route.append(byte)
            } else if byte == UInt8(ascii: ".") {
                if !route.isEmpty, route.last != byte { route.append(byte) }
            } else if byte.isASCIISpace || byte == UInt8(ascii: "(") {
                at -= 1
                skipSpace(value, &at)
            } else {
                trim()
                return (byte, route)
            }
        }
        trim()
        return (0, route)
    }

    /// To behind `mark`, when `end` was not it already. False when the text ended.
    static func skip(past mark: UInt8, _ value: borrowing RawSpan, _ at: inout Int, from end: UInt8) -> Bool {
        if end == mark { return true }
        if end == 0 { return false }
        guard let found = value.firstOffset(of: mark, from: at) else {
            at = value.byteCount
            return false
        }
        at = found + 1
        return true
    }
}
