import Bytes

/// A path of MAIL FROM or RCPT TO: `<@route:local@domain>` (RFC 5321 section 4.1.2, as strictly as lmtp_strict_rfc2821 says).
public struct EnvelopeAddress: Sendable, Equatable {
    /// With its angle brackets, as it was sent; Return-Path repeats it.
    public let path: [UInt8]
    /// Without brackets and source route.
    public let mailbox: [UInt8]

    /// Finds a path at `start`; nil when there is none. `end` is where it ends: at the end of the line or before a blank.
    static func scan(_ line: RawSpan, from start: Int, strict: Bool) -> (address: EnvelopeAddress, end: Int)? {
        var at = start
        func byte(_ offset: Int) -> UInt8 { offset < line.byteCount ? line[offset] : 0 }
        guard byte(at) == UInt8(ascii: "<") else { return nil }
        at += 1
        while byte(at) == UInt8(ascii: "@") {
            guard let end = domainEnd(line, at + 1) else { return nil }
            at = end
            if byte(at) == UInt8(ascii: ","), byte(at + 1) == UInt8(ascii: "@") {
                at += 1
            } else if byte(at) == UInt8(ascii: ":"), byte(at + 1) != UInt8(ascii: "@") {
                at += 1
            } else {
                return nil
            }
        }
        let local = at
        if byte(at) == UInt8(ascii: "\"") {
            guard let end = quotedEnd(line, at) else { return nil }
            at = end
        } else {
            while byte(at) != UInt8(ascii: "@"), byte(at) != UInt8(ascii: ">") {
                guard at < line.byteCount else { return nil }
                if byte(at) == UInt8(ascii: "\\") {
                    at += 1
                    guard at < line.byteCount else { return nil }
                } else if !isAtom(byte(at), strict: strict) {
                    return nil
                }
                at += 1
            }
        }
        if byte(at) == UInt8(ascii: "@") {
            guard let end = domainEnd(line, at + 1) else { return nil }
            at = end
        }
        guard byte(at) == UInt8(ascii: ">") else { return nil }
        let end = at + 1
        guard end == line.byteCount || line[end] == 0x20 else { return nil }
        return (EnvelopeAddress(path: line.slice(start, end - start).array, mailbox: line.slice(local, at - local).array), end)
    }

    private static func isAtom(_ byte: UInt8, strict: Bool) -> Bool {
        guard byte > 0x20 else { return false }
        guard strict else { return !"<>()[],;:\"".utf8.contains(byte) }
        return byte < 0x80 && !"<>()[],;:\"".utf8.contains(byte)
    }

    /// Where a quoted local part ends: after its second quote.
    private static func quotedEnd(_ line: RawSpan, _ start: Int) -> Int? {
        var at = start + 1
        while at < line.byteCount {
            switch line[at] {
            case UInt8(ascii: "\""): return at + 1
            case UInt8(ascii: "\\"): at += 2
            default: at += 1
            }
        }
        return nil
    }

    /// Where a domain (which may be empty) or an address literal ends.
    private static func domainEnd(_ line: RawSpan, _ start: Int) -> Int? {
        var at = start
        if at < line.byteCount, line[at] == UInt8(ascii: "[") {
            at += 1
            while at < line.byteCount, line[at].isASCIIDigit || line[at] == UInt8(ascii: ".") { at += 1 }
            guard at < line.byteCount, line[at] == UInt8(ascii: "]") else { return nil }
            return at + 1
        }
        while at < line.byteCount, line[at].isASCIIAlphanumeric || line[at] == UInt8(ascii: ".") || line[at] == UInt8(ascii: "-") {
            at += 1
        }
        return at
    }
}
