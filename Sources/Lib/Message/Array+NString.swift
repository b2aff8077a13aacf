import Bytes

extension [UInt8] {
    /// Appends an IMAP nstring as Cyrus writes it: quoted, or a literal when it is long or has bytes that quoting does not carry.
    public mutating func append(nstring value: borrowing RawSpan) {
        var isLiteral = value.byteCount >= 1024
        if !isLiteral {
            for i in 0..<value.byteCount {
                let byte = value[i]
                if byte >= 0x80 || byte == 0 || byte == 0x0a || byte == 0x0d || byte == 0x22 || byte == 0x25 || byte == 0x5c {
                    isLiteral = true
                    break
                }
            }
        }
        if isLiteral {
            append(UInt8(ascii: "{"))
            append(decimal: value.byteCount)
            append("}\r\n")
            append(value)
        } else {
            append(UInt8(ascii: "\""))
            append(value)
            append(UInt8(ascii: "\""))
        }
    }

    /// Appends an nstring, or `NIL`.
    public mutating func append(nstring value: [UInt8]?) {
        if let value { append(nstring: value.span.bytes) } else { append("NIL") }
    }

    mutating func append(nstring text: borrowing TextArena, _ ref: TextRef) {
        if ref.isNone { append("NIL") } else { append(nstring: text.span(ref)) }
    }
}
