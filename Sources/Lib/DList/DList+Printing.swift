import Bytes

/// Writing dlist values into an output buffer. The functions that take parts are for hot records: no tree is made.
extension [UInt8] {
    /// A whole value.
    public mutating func append(_ value: DList) {
        switch value {
        case .null: append("NIL" as StaticString)
        case .string(let bytes): append(dlist: bytes.span.bytes)
        case .flag(let bytes): append(contentsOf: bytes)
        case .list(let items):
            append(UInt8(ascii: "("))
            for (i, item) in items.enumerated() {
                if i > 0 { append(0x20) }
                append(item)
            }
            append(UInt8(ascii: ")"))
        case .keyed(let entries):
            append("%(" as StaticString)
            for (i, entry) in entries.enumerated() {
                if i > 0 { append(0x20) }
                append(dlist: entry.key.span.bytes)
                append(0x20)
                append(entry.value)
            }
            append(UInt8(ascii: ")"))
        case .file(let file):
            appendFileHeader(file)
            append(contentsOf: file.content)
        }
    }

    /// `%{partition guid size}` CRLF; the content is to follow.
    public mutating func appendFileHeader(_ file: DList.File) {
        append("%{" as StaticString)
        append(contentsOf: file.partition)
        append(0x20)
        append(hex: file.guid)
        append(0x20)
        append(decimal: file.size)
        append("}\r\n" as StaticString)
    }

    /// A string: bare when it is an IMAP atom, else quoted when it is short and plain, else a literal.
    public mutating func append(dlist string: borrowing RawSpan) {
        switch string.dlistForm {
        case .atom: append(string)
        case .quoted:
            append(UInt8(ascii: "\""))
            append(string)
            append(UInt8(ascii: "\""))
        case .literal:
            append(UInt8(ascii: "{"))
            append(decimal: string.byteCount)
            append("+}\r\n" as StaticString)
            append(string)
        }
    }
}

private enum StringForm { case atom, quoted, literal }

extension RawSpan {
    /// The shortest form that carries the bytes. 0x1F (the separator of mailbox names in databases) counts as an atom's character.
    fileprivate var dlistForm: StringForm {
        if byteCount == 0 { return .quoted }
        guard byteCount < 1024 else { return .literal }
        var atom = true
        for i in 0..<byteCount {
            let byte = self[i]
            if byte >= 0x80 { return .literal }
            switch byte {
            case 0x00, 0x0a, 0x0d, UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "%"): return .literal
            case 0x01..<0x1f, 0x7f, 0x20, UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "{"), UInt8(ascii: "*"): atom = false
            default: break
            }
        }
        if atom, byteCount == 3, equalsIgnoringCase("NIL") { return .quoted }
        return atom ? .atom : .quoted
    }
}
