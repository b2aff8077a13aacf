import Bytes
import Charset

/// Takes a message apart in one pass, with a stack of its own: depth costs memory in proportion, never the program's stack.
///
/// What is measured, and in which way wrong messages are read, is Cyrus's (`message_parse_body`): cache records must be equal.
struct MessageParser: ~Copyable {
    private let limits: ParserLimits
    var message = ParsedMessage()
    private var boundaries = Boundaries()
    private var offset = 0
    private var frames: [Frame] = []
    private var messageDepth = 0
    private var hasher = SHA1()
    private var decoded: [UInt8] = []
    /// Bytes of enclosed messages that may still be hashed: keeps deep nesting linear.
    private var enclosedBudget: Int

    /// An open multipart or message/rfc822 part.
    private struct Frame {
        var part: Int
        var isMultipart: Bool
        var isDigest = false
        /// Open boundaries with this multipart's own.
        var depth = 0
        var preamble = Content()
        var lastChild = -1
    }

    /// The measures of a stretch of content.
    private struct Content {
        var size = 0
        var lines = 0
        var boundarySize = 0
        var boundaryLines = 0
    }

    /// What comes next.
    private enum Step {
        case begin(part: Int, defaultsToMessage: Bool)
        case finished(part: Int)
    }

    init(_ bytes: borrowing RawSpan, limits: ParserLimits) {
        self.limits = limits
        enclosedBudget = bytes.byteCount.multipliedReportingOverflow(by: 64).partialValue
        if enclosedBudget < 0 { enclosedBudget = .max }
    }

    mutating func run(_ bytes: borrowing RawSpan) {
        message.size = bytes.byteCount
        message.text.reserve(1024)
        message.cachedHeaders.reserveCapacity(1024)
        message.parts.append(MessagePart())
        message.envelopes.append(EnvelopeFields())
        message.parts[0].envelope = 0
        var step = Step.begin(part: 0, defaultsToMessage: false)
        while true {
            switch step {
            case .begin(let part, let defaultsToMessage):
                step = begin(bytes, part, defaultsToMessage: defaultsToMessage)
            case .finished(let part):
                guard let frame = frames.last else {
                    hasher.update(bytes)
                    message.guid = hasher.finish()
                    return
                }
                step = frame.isMultipart ? childFinished(bytes, part) : messageFinished(bytes, part)
            }
        }
    }

    /// The header of a part, and its content as far as no parts are inside.
    private mutating func begin(_ bytes: borrowing RawSpan, _ part: Int, defaultsToMessage: Bool) -> Step {
        let sawBoundary = readHeader(bytes, part, defaultsToMessage: defaultsToMessage)
        if message.text.equals(message.parts[part].type, "MULTIPART") {
            message.parts[part].kind = .multipart
            return sawBoundary ? .finished(part: part) : beginMultipart(bytes, part)
        }
        if message.text.equals(message.parts[part].type, "MESSAGE"), message.text.equals(message.parts[part].subtype, "RFC822") {
            message.parts[part].kind = .message
            let child = addPart(to: part, after: -1)
            message.parts[child].envelope = message.envelopes.count
            message.envelopes.append(EnvelopeFields())
            if sawBoundary || messageDepth >= limits.messageDepth {
                setDefaultType(child, isMessage: false)
                if !sawBoundary { readLeaf(bytes, part) }
                return .finished(part: part)
            }
            messageDepth += 1
            frames.append(Frame(part: part, isMultipart: false))
            return .begin(part: child, defaultsToMessage: false)
        }
        if !sawBoundary { readLeaf(bytes, part) }
        return .finished(part: part)
    }

    private mutating func addPart(to parent: Int, after sibling: Int) -> Int {
        let part = message.parts.count
        message.parts.append(MessagePart())
        if sibling >= 0 { message.parts[sibling].nextSibling = part } else { message.parts[parent].firstChild = part }
        message.parts[parent].childCount += 1
        return part
    }

    // MARK: Multiparts

    private mutating func beginMultipart(_ bytes: borrowing RawSpan, _ part: Int) -> Step {
        var boundary = TextRef.none
        for i in message.parts[part].parameters {
            if message.text.equals(message.parameters[i].name, "BOUNDARY") {
                boundary = message.parameters[i].value
                break
            }
            if message.text.equals(message.parameters[i].name, "BOUNDARY*") {
                boundary = message.parameters[i].value
                if let decoded = ExtendedValue.decodedIfLabelled(message.text.span(boundary)) {
                    boundary = message.text.add(decoded.span.bytes)
                }
                break
            }
        }
        if boundary.isNone {
            // Invalid: a multipart without parts.
            readLeaf(bytes, part)
            return .finished(part: part)
        }
        boundaries.append(boundary, in: message.text)
        var frame = Frame(part: part, isMultipart: true, isDigest: message.text.equals(message.parts[part].subtype, "DIGEST"))
        frame.depth = boundaries.count
        frame.preamble = readContent(bytes)
        frames.append(frame)
        return nextPart(bytes)
    }

    /// Begins the next part of the innermost multipart while its boundary stands; else closes it.
    private mutating func nextPart(_ bytes: borrowing RawSpan) -> Step {
        let index = frames.count - 1
        let frame = frames[index]
        guard boundaries.count == frame.depth, limits.boundaryLimit == 0 || boundaries.count < limits.boundaryLimit else {
            return closeMultipart(bytes)
        }
        let child = addPart(to: frame.part, after: frame.lastChild)
        frames[index].lastChild = child
        return .begin(part: child, defaultsToMessage: frame.isDigest)
    }

    private mutating func childFinished(_ bytes: borrowing RawSpan, _ child: Int) -> Step {
        if offset == bytes.byteCount, message.parts[child].boundarySize == 0 {
            // The message ended: so do all its multiparts.
            boundaries.truncate(to: 0)
        }
        return nextPart(bytes)
    }

    private mutating func closeMultipart(_ bytes: borrowing RawSpan) -> Step {
        var frame = frames.removeLast()
        let part = frame.part
        var epilogue = Content()
        var outer = Content()
        if boundaries.count == frame.depth - 1 {
            epilogue = readContent(bytes)
        } else if frame.lastChild >= 0 {
            // The boundary of an enclosing multipart ended the last part: it belongs one level up.
            outer.boundarySize = message.parts[frame.lastChild].boundarySize
            outer.boundaryLines = message.parts[frame.lastChild].boundaryLines
            message.parts[frame.lastChild].boundarySize = 0
            message.parts[frame.lastChild].boundaryLines = 0
        } else {
            outer.boundarySize = frame.preamble.boundarySize
            outer.boundaryLines = frame.preamble.boundaryLines
            frame.preamble.boundarySize = 0
            frame.preamble.boundaryLines = 0
        }
        var size = frame.preamble.size + frame.preamble.boundarySize + epilogue.size
        var lines = frame.preamble.lines + frame.preamble.boundaryLines + epilogue.lines
        var child = message.parts[part].firstChild
        while child >= 0 {
            let inner = message.parts[child]
            size += inner.headerSize + inner.contentSize + inner.boundarySize
            lines += inner.headerLines + inner.contentLines + inner.boundaryLines
            child = inner.nextSibling
        }
        message.parts[part].contentSize = size
        message.parts[part].contentLines = lines
        message.parts[part].boundarySize = message.parts[part].boundarySize + outer.boundarySize + epilogue.boundarySize
        message.parts[part].boundaryLines = message.parts[part].boundaryLines + outer.boundaryLines + epilogue.boundaryLines
        return .finished(part: part)
    }

    private mutating func messageFinished(_ bytes: borrowing RawSpan, _ child: Int) -> Step {
        let part = frames.removeLast().part
        messageDepth -= 1
        let inner = message.parts[child]
        message.parts[part].contentSize = inner.headerSize + inner.contentSize
        message.parts[part].contentLines = inner.headerLines + inner.contentLines
        message.parts[part].boundarySize = inner.boundarySize
        message.parts[part].boundaryLines = inner.boundaryLines
        let size = message.parts[part].contentSize
        if size <= enclosedBudget, bytes.holds(size, at: message.parts[part].contentOffset) {
            enclosedBudget -= size
            hasher.update(bytes.slice(message.parts[part].contentOffset, size))
            message.parts[part].contentGUID = hasher.finish()
            message.parts[part].decodedSize = size
        }
        return .finished(part: part)
    }

    // MARK: Content

    /// Moves over content up to a boundary or the end of the message.
    private mutating func readContent(_ bytes: borrowing RawSpan) -> Content {
        var content = Content()
        let end = bytes.byteCount
        while offset < end {
            let line = offset
            let lineEnd = bytes.firstOffset(of: 0x0a, from: line).map { $0 + 1 } ?? end
            offset = lineEnd
            if bytes[line] == UInt8(ascii: "-"), boundaries.match(bytes.slice(line, lineEnd - line), in: message.text) {
                content.boundarySize = lineEnd - line
                content.boundaryLines += 1
                if content.lines > 0 {
                    content.lines -= 1
                    content.boundaryLines += 1
                }
                if content.size > 0 {
                    // The line end in front of a delimiter is part of the delimiter.
                    let cut = min(2, content.size)
                    content.size -= cut
                    content.boundarySize += cut
                }
                break
            }
            content.size += lineEnd - line
            if bytes[lineEnd - 1] == 0x0a { content.lines += 1 }
        }
        return content
    }

    private mutating func readLeaf(_ bytes: borrowing RawSpan, _ part: Int) {
        let start = offset
        let content = readContent(bytes)
        message.parts[part].contentSize = content.size
        message.parts[part].contentLines = content.lines
        message.parts[part].boundarySize = content.boundarySize
        message.parts[part].boundaryLines = content.boundaryLines
        hashContent(bytes.slice(start, content.size), part)
    }

    /// SHA-1 over the decoded content, a piece at a time.
    private mutating func hashContent(_ content: borrowing RawSpan, _ part: Int) {
        let encoding = message.transferEncoding(of: part)
        switch encoding {
        case .unknown: return
        case .identity:
            hasher.update(content)
            message.parts[part].decodedSize = content.byteCount
        case .quotedPrintable, .base64, .base64URL:
            var decoder = TransferDecoder(encoding)
            // Taken out for the loop and put back: one buffer serves all parts.
            var piece: [UInt8] = []
            swap(&piece, &decoded)
            var size = 0
            var at = 0
            while at < content.byteCount {
                let count = min(48 * 1024, content.byteCount - at)
                piece.removeAll(keepingCapacity: true)
                decoder.decode(content.slice(at, count), into: &piece)
                at += count
                if at == content.byteCount { decoder.finish(into: &piece) }
                hasher.update(piece.span.bytes)
                size += piece.count
            }
            swap(&piece, &decoded)
            message.parts[part].decodedSize = size
        }
        message.parts[part].contentGUID = hasher.finish()
    }

    // MARK: Header

    /// Reads a header to behind its blank line. True when a boundary ended it instead: then the part has no content.
    private mutating func readHeader(_ bytes: borrowing RawSpan, _ part: Int, defaultsToMessage: Bool) -> Bool {
        let start = offset
        message.parts[part].headerOffset = start
        let end = bytes.byteCount
        var lines = 0
        var field = -1
        var fieldLine = 0
        var sawBoundary = false
        var headerEnd = end
        while offset < end {
            let line = offset
            let lineEnd = bytes.firstOffset(of: 0x0a, from: line).map { $0 + 1 } ?? end
            offset = lineEnd
            let first = bytes[line]
            let isBlank = first == 0x0d && lineEnd - line == 2
            if first == UInt8(ascii: "-"), boundaries.match(bytes.slice(line, lineEnd - line), in: message.text) {
                sawBoundary = true
                message.parts[part].boundarySize = lineEnd - line
                message.parts[part].boundaryLines = 1
                headerEnd = line
                if line > start {
                    let cut = min(2, line - start)
                    headerEnd -= cut
                    message.parts[part].boundarySize += cut
                    message.parts[part].boundaryLines += 1
                    lines -= 1
                }
                break
            }
            if first != 0x20, first != 0x09 {
                if field >= 0 { readField(bytes.slice(field, line - field), part, line: fieldLine) }
                field = isBlank ? -1 : line
                fieldLine = lines
            }
            headerEnd = lineEnd
            if bytes[lineEnd - 1] == 0x0a { lines += 1 }
            if isBlank { break }
        }
        if field >= 0, field < headerEnd { readField(bytes.slice(field, headerEnd - field), part, line: fieldLine) }
        message.parts[part].headerSize = headerEnd - start
        message.parts[part].headerLines = lines
        message.parts[part].contentOffset = offset
        if message.parts[part].type.isNone { setDefaultType(part, isMessage: defaultsToMessage) }
        return sawBoundary
    }

    private mutating func setDefaultType(_ part: Int, isMessage: Bool) {
        if isMessage {
            message.parts[part].type = message.text.add("MESSAGE")
            message.parts[part].subtype = message.text.add("RFC822")
            message.parts[part].parameters = 0..<0
            return
        }
        message.parts[part].type = message.text.add("TEXT")
        message.parts[part].subtype = message.text.add("PLAIN")
        let first = message.parameters.count
        message.parameters.append(Parameter(name: message.text.add("CHARSET"), value: message.text.add("us-ascii")))
        message.parts[part].parameters = first..<(first + 1)
    }

    private mutating func readField(_ field: borrowing RawSpan, _ part: Int, line: Int) {
        if limits.headerLines > 0, line > limits.headerLines { return }
        var colon = 0
        while colon < field.byteCount, field[colon] != UInt8(ascii: ":") {
            if field[colon] == 0x0d || field[colon] == 0x0a { return }
            colon += 1
        }
        guard colon < field.byteCount else { return }
        let name = field.slice(0, colon)
        if part == 0, CachedHeaders.firstVersion(name) != nil {
            message.cachedHeaders.append(FieldValue.trimmed(field))
            message.cachedHeaders.append(0x0d)
            message.cachedHeaders.append(0x0a)
        }
        guard let known = HeaderName(name) else { return }
        let value = field.dropping(colon + 1)
        if known.isOfEnvelope {
            let envelope = message.parts[part].envelope
            if envelope >= 0 { message.readEnvelopeField(known, value, into: envelope) }
            return
        }
        switch known {
        case .contentType: message.readType(value, into: part)
        case .contentTransferEncoding: message.readEncoding(value, into: part)
        case .contentDisposition: message.readDisposition(value, into: part)
        case .contentLanguage: message.readLanguages(value, into: part)
        case .contentID: message.parts[part].id = FieldValue.unfold(FieldValue.trimmed(value), into: &message.text)
        case .contentDescription: message.parts[part].description = FieldValue.unfold(FieldValue.trimmed(value), into: &message.text)
        case .contentMD5: message.parts[part].md5 = FieldValue.unfold(FieldValue.trimmed(value), into: &message.text)
        case .contentLocation: message.parts[part].location = FieldValue.unfold(FieldValue.trimmed(value), into: &message.text)
        default: break
        }
    }
}

/// Messages of RFC 5322 and MIME.
public enum Message {
    /// Takes a message apart. Never fails: whatever arrives has some structure, at worst one part of plain text.
    ///
    /// One pass over the bytes, memory in proportion to headers and parts, and no recursion.
    public static func parse(_ bytes: borrowing RawSpan, limits: ParserLimits = ParserLimits()) -> ParsedMessage {
        var parser = MessageParser(bytes, limits: limits)
        parser.run(bytes)
        return parser.message
    }

    public static func parse(_ bytes: [UInt8], limits: ParserLimits = ParserLimits()) -> ParsedMessage {
        parse(bytes.span.bytes, limits: limits)
    }
}
