import Bytes

/// What a message must be to be stored (Cyrus `message_copy_strict`): the rules of APPEND and of LMTP.
public enum MessageIntake {
    public enum Refusal: Error, Sendable, Equatable, CaseIterable {
        case containsNUL
        case bareNewlines
        case eightBitHeader
        case invalidHeader

        /// The words that follow `NO ` or an LMTP code.
        public var text: StaticString {
            switch self {
            case .containsNUL: "Message contains NUL characters"
            case .bareNewlines: "Message contains bare newlines"
            case .eightBitHeader: "Message contains non-ASCII characters in headers"
            case .invalidHeader: "Message contains invalid header"
            }
        }
    }

    /// What to do about bytes beyond ASCII in the header: imapd.conf reject8bit and munge8bit.
    public enum EightBit: Sendable {
        /// reject8bit
        case reject
        /// munge8bit, the default: `munge` then makes them `X`.
        case munge
        case keep
    }

    /// Octets of header above which a message is refused: what is made of a header is held in memory, and goes into cyrus.cache.
    public static let headerLimit = 4 << 20

    /// Whether the message may be stored; `isBinary` is an APPEND of a literal8, whose content may have NULs and bare newlines.
    public static func check(_ message: borrowing RawSpan, eightBit: EightBit = .munge, isBinary: Bool = false) throws(Refusal) {
        if let refusal = firstForbiddenByte(message, eightBit: eightBit, isBinary: isBinary) { throw refusal }
        guard hasValidHeader(message), headerSize(message) <= headerLimit else { throw .invalidHeader }
    }

    /// The first of NUL, bare newline and (when rejected) 8-bit header byte.
    private static func firstForbiddenByte(_ message: borrowing RawSpan, eightBit: EightBit, isBinary: Bool) -> Refusal? {
        let headerEnd = headerSize(message)
        let nul = isBinary ? nil : message.firstOffset(of: 0)
        var newline: Int?
        var from = 0
        let end = isBinary ? headerEnd : message.byteCount
        while let at = message.firstOffset(of: 0x0a, from: from), at < end {
            if at == 0 || message[at - 1] != 0x0d {
                newline = at
                break
            }
            from = at + 1
        }
        if eightBit == .reject {
            let limit = min(nul ?? .max, newline ?? .max, headerEnd)
            for i in 0..<limit where message[i] >= 0x80 { return .eightBitHeader }
        }
        if let nul, nul < newline ?? .max { return .containsNUL }
        return newline == nil ? nil : .bareNewlines
    }

    /// Bytes up to and with the first blank line; all when there is none.
    public static func headerSize(_ message: borrowing RawSpan) -> Int {
        var line = 0
        while let end = message.firstOffset(of: 0x0a, from: line) {
            var isBlank = true
            for i in line..<end where message[i] != 0x0d {
                isBlank = false
                break
            }
            if isBlank { return end + 1 }
            line = end + 1
        }
        return message.byteCount
    }

    /// Every line of the header starts with white space, with `From `, or with a name without white space and a colon; the last one is ended.
    public static func hasValidHeader(_ message: borrowing RawSpan) -> Bool {
        var line = 0
        let end = message.byteCount
        while line < end {
            let first = message[line]
            if first == 0x0d { return true }
            let lineEnd = message.firstOffset(of: 0x0a, from: line)
            if first != 0x20, first != 0x09, !isMailboxFromLine(message, line) {
                if first == UInt8(ascii: ":") { return false }
                var at = line
                while true {
                    guard at < end, message[at] > 0x20 else { return false }
                    if message[at] == UInt8(ascii: ":") { break }
                    at += 1
                }
            }
            guard let lineEnd else { return false }
            line = lineEnd + 1
        }
        return true
    }

    private static func isMailboxFromLine(_ message: borrowing RawSpan, _ line: Int) -> Bool {
        message.holds(5, at: line) && message[line] == UInt8(ascii: "F") && message[line + 1] == UInt8(ascii: "r")
            && message[line + 2] == UInt8(ascii: "o") && message[line + 3] == UInt8(ascii: "m") && message[line + 4] == 0x20
    }

    /// Makes every byte of the header beyond ASCII an `X` (munge8bit). Returns whether there was one.
    @discardableResult
    public static func munge(_ message: inout [UInt8]) -> Bool {
        let end = headerSize(message.span.bytes)
        var didChange = false
        for i in 0..<end where message[i] >= 0x80 {
            message[i] = UInt8(ascii: "X")
            didChange = true
        }
        return didChange
    }

    /// Appends `text` with every bare LF made CRLF, as lmtpd does. `lastWasCR` carries over from piece to piece.
    public static func appendWithCRLF(_ text: borrowing RawSpan, lastWasCR: inout Bool, to out: inout [UInt8]) {
        var from = 0
        while let at = text.firstOffset(of: 0x0a, from: from) {
            let hasCR = at > 0 ? text[at - 1] == 0x0d : lastWasCR
            out.append(text.slice(from, at - from))
            if !hasCR { out.append(0x0d) }
            out.append(0x0a)
            from = at + 1
        }
        out.append(text.dropping(from))
        if text.byteCount > 0 { lastWasCR = text[text.byteCount - 1] == 0x0d }
    }
}
