import Bytes
import Charset

extension ParsedMessage {
    /// Appends the section item (item 3): where each part stands, in the order that `SectionMap` walks.
    func appendSection(to out: inout [UInt8]) {
        // Parts whose inner parts are being written; their own next sibling comes after that.
        var open: [Int] = []
        var part = appendMessageTable(0, to: &out)
        while true {
            if let inner = appendTable(part, to: &out) {
                open.append(part)
                part = inner
                continue
            }
            // The chain that starts at part 0 is the top-level body's: one part, or the parts of a multipart.
            while part == 0 || parts[part].nextSibling < 0 {
                guard part != 0, let container = open.popLast() else { return }
                part = container
            }
            part = parts[part].nextSibling
        }
    }

    /// The table of a part that stands in another's table; the first of the parts whose tables follow, if any.
    private func appendTable(_ part: Int, to out: inout [UInt8]) -> Int? {
        switch parts[part].kind {
        case .message:
            return appendMessageTable(parts[part].firstChild, to: &out)
        case .multipart where parts[part].childCount > 0:
            out.append(bigEndian: UInt32(truncatingIfNeeded: parts[part].childCount + 1))
            for word in [0, UInt32.max, 0, UInt32.max] { out.append(bigEndian: word) }
            appendNoCharset(guid: .none, size: 0, lines: 0, to: &out)
            appendChildren(of: part, isInMessage: false, to: &out)
            return parts[part].firstChild
        case .leaf, .multipart:
            out.append(bigEndian: UInt32(0))
            return nil
        }
    }

    /// The table of a message whose header is `body`'s; the first part whose table follows.
    private func appendMessageTable(_ body: Int, to out: inout [UInt8]) -> Int {
        let isMultipart = parts[body].kind == .multipart && parts[body].childCount > 0
        out.append(bigEndian: UInt32(truncatingIfNeeded: isMultipart ? parts[body].childCount + 1 : 2))
        appendPlace(body, size: parts[body].contentSize, to: &out)
        appendNoCharset(guid: parts[body].contentGUID, size: parts[body].decodedSize, lines: parts[body].contentLines, to: &out)
        if isMultipart {
            appendChildren(of: body, isInMessage: true, to: &out)
            return parts[body].firstChild
        }
        if parts[body].kind == .multipart {
            appendPlace(body, size: 0, to: &out)
            appendNoCharset(guid: .none, size: 0, lines: 0, to: &out)
        } else {
            appendEntry(body, isInMessage: true, to: &out)
        }
        return body
    }

    private func appendChildren(of part: Int, isInMessage: Bool, to out: inout [UInt8]) {
        var child = parts[part].firstChild
        while child >= 0 {
            appendEntry(child, isInMessage: isInMessage, to: &out)
            child = parts[child].nextSibling
        }
    }

    /// `isInMessage`: in the table of a message, not of a multipart inside another.
    private func appendEntry(_ part: Int, isInMessage: Bool, to out: inout [UInt8]) {
        if parts[part].kind == .multipart, parts[part].childCount == 0 {
            // As in BODYSTRUCTURE: a multipart without parts is an empty text.
            appendPlace(part, size: 0, to: &out)
            if isInMessage {
                appendCharset(part, to: &out)
            } else {
                appendNoCharset(guid: parts[part].contentGUID, size: parts[part].decodedSize, lines: parts[part].contentLines, to: &out)
            }
        } else {
            appendPlace(part, size: parts[part].contentSize, to: &out)
            appendCharset(part, to: &out)
        }
    }

    private func appendPlace(_ part: Int, size: Int, to out: inout [UInt8]) {
        out.append(bigEndian: UInt32(truncatingIfNeeded: parts[part].headerOffset))
        out.append(bigEndian: UInt32(truncatingIfNeeded: parts[part].headerSize))
        out.append(bigEndian: UInt32(truncatingIfNeeded: parts[part].contentOffset))
        out.append(bigEndian: UInt32(truncatingIfNeeded: size))
    }

    private func appendNoCharset(guid: GUID, size: Int, lines: Int, to out: inout [UInt8]) {
        out.append(bigEndian: UInt32(0xffff))
        out.append(guid)
        out.append(bigEndian: UInt32(truncatingIfNeeded: size))
        out.append(bigEndian: UInt32(truncatingIfNeeded: lines))
    }

    private func appendCharset(_ part: Int, to out: inout [UInt8]) {
        let head = out.count
        out.append(bigEndian: UInt32(0))
        if let label = charsetLabel(part) {
            out.append(text.span(label))
            if label.isNone { out.append("us-ascii") }
            // At least one NUL, to a multiple of four.
            repeat { out.append(0) } while (out.count - head) % 4 != 0
        }
        var length = out.count - head - 4
        if length > 0xffff {
            out.removeLast(length)
            length = 0
        }
        out.store(bigEndian: UInt32(length) << 16 | UInt32(transferEncoding(of: part).rawValue), at: head)
        out.append(parts[part].contentGUID)
        out.append(bigEndian: UInt32(truncatingIfNeeded: parts[part].decodedSize))
        out.append(bigEndian: UInt32(truncatingIfNeeded: parts[part].contentLines))
    }

    /// The label of a text part's character set as the message has it, an empty one for us-ascii; nil for parts that are no text.
    ///
    /// The parts of type message other than message/rfc822 count as us-ascii.
    private func charsetLabel(_ part: Int) -> TextRef? {
        if text.equals(parts[part].type, "TEXT") {
            // Of several the last one that is known counts.
            for i in parts[part].parameters.reversed() where text.equals(parameters[i].name, "CHARSET") {
                let value = parameters[i].value
                if value.count > 0, Charset.isKnown(text.span(value)) { return value }
            }
            return TextRef.none
        }
        return text.equals(parts[part].type, "MESSAGE") && parts[part].kind != .message ? TextRef.none : nil
    }
}
