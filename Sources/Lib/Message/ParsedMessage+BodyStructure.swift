import Bytes

extension ParsedMessage {
    /// Appends BODYSTRUCTURE (item 1) or, without extension data, BODY (item 2).
    func appendBody(withExtensions: Bool, to out: inout [UInt8]) {
        // Multiparts and messages whose inside is being written.
        var open: [Int] = []
        var part = 0
        descend: while true {
            switch parts[part].kind {
            case .multipart where parts[part].childCount > 0:
                out.append(UInt8(ascii: "("))
                open.append(part)
                part = parts[part].firstChild
                continue descend
            case .multipart:
                appendEmptyText(withExtensions: withExtensions, to: &out)
            case .message:
                appendLeafStart(part, to: &out)
                out.append(0x20)
                let child = parts[part].firstChild
                appendEnvelope(parts[child].envelope, mainAddresses(parts[child].envelope), to: &out)
                out.append(0x20)
                open.append(part)
                part = child
                continue descend
            case .leaf:
                appendLeafStart(part, to: &out)
                if text.equals(parts[part].type, "TEXT") {
                    out.append(0x20)
                    out.append(decimal: parts[part].contentLines)
                }
                appendLeafEnd(part, withExtensions: withExtensions, to: &out)
            }
            while let container = open.last {
                if parts[container].kind == .multipart {
                    if parts[part].nextSibling >= 0 {
                        part = parts[part].nextSibling
                        continue descend
                    }
                    appendMultipartEnd(container, withExtensions: withExtensions, to: &out)
                } else {
                    out.append(0x20)
                    out.append(decimal: parts[container].contentLines)
                    appendLeafEnd(container, withExtensions: withExtensions, to: &out)
                }
                open.removeLast()
                part = container
            }
            return
        }
    }

    /// A multipart without parts is not IMAP's: it is given as an empty text.
    private func appendEmptyText(withExtensions: Bool, to out: inout [UInt8]) {
        out.append("(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 0 0")
        if withExtensions { out.append(" NIL NIL NIL NIL") }
        out.append(UInt8(ascii: ")"))
    }

    private func appendLeafStart(_ part: Int, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "("))
        out.append(nstring: text, parts[part].type)
        out.append(0x20)
        out.append(nstring: text, parts[part].subtype)
        out.append(0x20)
        appendParameters(parts[part].parameters, to: &out)
        out.append(0x20)
        out.append(nstring: text, parts[part].id)
        out.append(0x20)
        out.append(nstring: text, parts[part].description)
        out.append(0x20)
        if parts[part].encoding.isNone { out.append("\"7BIT\"") } else { out.append(nstring: text, parts[part].encoding) }
        out.append(0x20)
        out.append(decimal: parts[part].contentSize)
    }

    private func appendLeafEnd(_ part: Int, withExtensions: Bool, to out: inout [UInt8]) {
        if withExtensions {
            out.append(0x20)
            out.append(nstring: text, parts[part].md5)
            appendExtensions(part, to: &out)
        }
        out.append(UInt8(ascii: ")"))
    }

    private func appendMultipartEnd(_ part: Int, withExtensions: Bool, to out: inout [UInt8]) {
        out.append(0x20)
        out.append(nstring: text, parts[part].subtype)
        if withExtensions {
            out.append(0x20)
            appendParameters(parts[part].parameters, to: &out)
            appendExtensions(part, to: &out)
        }
        out.append(UInt8(ascii: ")"))
    }

    private func appendExtensions(_ part: Int, to out: inout [UInt8]) {
        out.append(0x20)
        if parts[part].disposition.isNone {
            out.append("NIL")
        } else {
            out.append(UInt8(ascii: "("))
            out.append(nstring: text, parts[part].disposition)
            out.append(0x20)
            appendParameters(parts[part].dispositionParameters, to: &out)
            out.append(UInt8(ascii: ")"))
        }
        out.append(0x20)
        if parts[part].languages.isEmpty {
            out.append("NIL")
        } else {
            out.append(UInt8(ascii: "("))
            for i in parts[part].languages {
                if i > parts[part].languages.lowerBound { out.append(0x20) }
                out.append(nstring: text, parameters[i].value)
            }
            out.append(UInt8(ascii: ")"))
        }
        out.append(0x20)
        out.append(nstring: text, parts[part].location)
    }

    private func appendParameters(_ range: Range<Int>, to out: inout [UInt8]) {
        if range.isEmpty {
            out.append("NIL")
            return
        }
        out.append(UInt8(ascii: "("))
        for i in range {
            if i > range.lowerBound { out.append(0x20) }
            out.append(nstring: text, parameters[i].name)
            out.append(0x20)
            out.append(nstring: text, parameters[i].value)
        }
        out.append(UInt8(ascii: ")"))
    }
}
