import Bytes

/// One line of a client (RFC 2033, RFC 5321 section 4.1), as it is understood before the state of the session is known.
public enum LMTPCommand: Sendable, Equatable {
    /// The name the client gives itself.
    case hello([UInt8])
    /// Any line that starts with `m`, which needs authentication whatever follows; nil when it is not MAIL.
    case mail(MailArguments?)
    case recipient(RecipientArguments)
    case data
    case reset
    case noOperation
    case verify
    case quit
    case startTLS
    /// A mechanism, and the initial response as it was sent.
    case authenticate(mechanism: [UInt8], initial: [UInt8]?)
    case unknown

    public init(_ line: [UInt8], strict: Bool) {
        let span = line.span.bytes
        func isWord(_ word: StaticString) -> Bool { span.equalsIgnoringCase(word) }
        func starts(_ word: StaticString) -> Bool { span.startsIgnoringCase(with: word) }
        switch line.first?.asciiLowercased {
        case UInt8(ascii: "a") where starts("auth "):
            let words = line[5...].split(separator: 0x20, maxSplits: 1, omittingEmptySubsequences: false)
            self = .authenticate(mechanism: Array(words.first ?? []), initial: words.count > 1 ? Array(words[1]) : nil)
        case UInt8(ascii: "d") where isWord("data"): self = .data
        case UInt8(ascii: "l") where starts("lhlo "): self = .hello(Array(line[5...]))
        case UInt8(ascii: "m"): self = .mail(starts("mail ") ? MailArguments(span, strict: strict) : nil)
        case UInt8(ascii: "n") where isWord("noop"): self = .noOperation
        case UInt8(ascii: "q") where isWord("quit"): self = .quit
        case UInt8(ascii: "r") where starts("rcpt "): self = .recipient(RecipientArguments(span, strict: strict))
        case UInt8(ascii: "r") where isWord("rset"): self = .reset
        case UInt8(ascii: "s") where isWord("starttls"): self = .startTLS
        case UInt8(ascii: "v") where starts("vrfy "): self = .verify
        default: self = .unknown
        }
    }
}

/// What follows `MAIL `.
public struct MailArguments: Sendable, Equatable {
    public enum Body: Sendable { case sevenBit, eightBitMIME }

    public enum Problem: Sendable, Equatable {
        case syntax
        case unknownBody
        case sizeWithoutValue
        case sizeSyntax
        case unknownParameter
    }

    /// nil when it is not `FROM:` with a path.
    public private(set) var sender: EnvelopeAddress?
    public private(set) var body = Body.sevenBit
    /// Octets, as announced; clamped to what an Int holds.
    public private(set) var size: Int?
    /// The user of AUTH= (RFC 4954 section 5), its xtext undone; nil without one and for `<>`.
    public private(set) var authenticatedAs: String?
    /// The first thing wrong. The sender stands all the same, as Cyrus keeps it.
    public private(set) var problem: Problem?

    init(_ line: RawSpan, strict: Bool) {
        guard line.dropping(5).startsIgnoringCase(with: "from:"),
            let (address, end) = EnvelopeAddress.scan(line, from: 10, strict: strict)
        else {
            problem = .syntax
            return
        }
        sender = address
        var at = end
        while at < line.byteCount, problem == nil {
            // A path or a parameter ends at a blank only.
            at += 1
            let next = line.firstOffset(of: 0x20, from: at) ?? line.byteCount
            take(line.slice(at, next - at))
            at = next
        }
    }

    private mutating func take(_ word: RawSpan) {
        if word.startsIgnoringCase(with: "auth=") {
            let value = word.dropping(5)
            authenticatedAs = value.equals([UInt8]("<>")) || value.byteCount == 0 ? nil : Self.undoXtext(value)
        } else if word.startsIgnoringCase(with: "body=") {
            let value = word.dropping(5)
            if value.equalsIgnoringCase("7bit") {
                body = .sevenBit
            } else if value.equalsIgnoringCase("8bitmime") {
                body = .eightBitMIME
            } else {
                problem = .unknownBody
            }
        } else if word.startsIgnoringCase(with: "size=") {
            takeSize(word.dropping(5))
        } else {
            problem = .unknownParameter
        }
    }

    private mutating func takeSize(_ value: RawSpan) {
        var digits = 0
        while digits < value.byteCount, value[digits].isASCIIDigit { digits += 1 }
        guard digits > 0 else {
            problem = .sizeWithoutValue
            return
        }
        size = value.slice(0, digits).decimal.map { Int(clamping: $0) } ?? .max
        if digits < value.byteCount { problem = .sizeSyntax }
    }

    /// `+XX` stands for the byte of that number (RFC 3461 section 4).
    private static func undoXtext(_ text: RawSpan) -> String {
        var out: [UInt8] = []
        var at = 0
        while at < text.byteCount {
            if text[at] == UInt8(ascii: "+"), text.holds(2, at: at + 1), let value = text.slice(at + 1, 2).hexadecimal {
                out.append(UInt8(truncatingIfNeeded: value))
                at += 3
            } else {
                out.append(text[at])
                at += 1
            }
        }
        return out.text
    }
}

/// What follows `RCPT `.
public struct RecipientArguments: Sendable, Equatable {
    public enum Problem: Sendable, Equatable {
        case syntax
        case unknownParameter
    }

    /// nil when it is not `TO:` with a path.
    public private(set) var address: EnvelopeAddress?
    public private(set) var ignoresQuota = false
    public private(set) var problem: Problem?

    init(_ line: RawSpan, strict: Bool) {
        guard line.dropping(5).startsIgnoringCase(with: "to:"), let (address, end) = EnvelopeAddress.scan(line, from: 8, strict: strict)
        else {
            problem = .syntax
            return
        }
        self.address = address
        guard end < line.byteCount else { return }
        if line.dropping(end).equalsIgnoringCase(" ignorequota") { ignoresQuota = true } else { problem = .unknownParameter }
    }
}
