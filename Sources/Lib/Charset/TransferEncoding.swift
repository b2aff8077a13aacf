import Bytes

/// A content transfer encoding (RFC 2045 section 6), with the number cyrus.cache's section item has for it.
public enum TransferEncoding: UInt8, Sendable {
    /// 7bit, 8bit, binary, or none named.
    case identity = 0
    case quotedPrintable = 1
    case base64 = 2
    case base64URL = 3
    /// Named, but none that is known: the content cannot be decoded (`NO [UNKNOWN-CTE]` of BINARY).
    case unknown = 255

    /// By its name in a header, in any case; an empty name is the identity.
    public init(name: borrowing RawSpan) {
        if name.byteCount == 0 || name.equalsIgnoringCase("7bit") || name.equalsIgnoringCase("8bit") || name.equalsIgnoringCase("binary") {
            self = .identity
        } else if name.equalsIgnoringCase("base64") {
            self = .base64
        } else if name.equalsIgnoringCase("quoted-printable") {
            self = .quotedPrintable
        } else {
            self = .unknown
        }
    }
}

/// Decodes a transfer encoding from pieces of any size, as leniently as Cyrus does.
///
/// base64: what is not in the alphabet is skipped, `=` ends a group and decoding goes on behind it, a single left-over digit is dropped.
/// Quoted-printable: white space before a line end is dropped, line ends become CRLF, a wrong `=` stands for itself,
/// and a line of more than 998 bytes is taken as two.
public struct TransferDecoder: Sendable {
    public let encoding: TransferEncoding
    private var group: UInt32 = 0
    private var digits = 0
    private var line: [UInt8] = []
    private let isHeader: Bool

    /// `isHeader` is RFC 2047's Q encoding, where `_` is a space.
    public init(_ encoding: TransferEncoding, isHeader: Bool = false) {
        self.encoding = encoding
        self.isHeader = isHeader
    }

    /// Decodes one piece, appending to `out`.
    public mutating func decode(_ bytes: borrowing RawSpan, into out: inout [UInt8]) {
        switch encoding {
        case .identity, .unknown: out.append(bytes)
        case .base64: decodeBase64(bytes, table: base64Values, into: &out)
        case .base64URL: decodeBase64(bytes, table: base64URLValues, into: &out)
        case .quotedPrintable: decodeQuotedPrintable(bytes, into: &out)
        }
    }

    /// Gives out what was held back for a line end that did not come.
    public mutating func finish(into out: inout [UInt8]) {
        if encoding == .quotedPrintable { flushLine(hasEnd: false, into: &out) }
        (group, digits) = (0, 0)
    }

    /// All of `bytes`, decoded.
    public static func decoded(_ bytes: borrowing RawSpan, _ encoding: TransferEncoding) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.byteCount)
        var decoder = TransferDecoder(encoding)
        decoder.decode(bytes, into: &out)
        decoder.finish(into: &out)
        return out
    }

    private mutating func decodeBase64(_ bytes: borrowing RawSpan, table: [UInt8], into out: inout [UInt8]) {
        let start = out.count
        let most = bytes.byteCount / 4 * 3 + 6
        // Decoded in place into the tail of the output: at most three bytes for four digits, two groups of slack.
        out.reserveCapacity(start + most)
        var (group, digits) = (self.group, self.digits)
        bytes.withUnsafeBytes { source in
            table.withUnsafeBufferPointer { table in
                out.append(addingAtMost: most) { target in
                    // The table has 256 entries and `most` bounds the output: every index below is inside.
                    var written = 0
                    var at = 0
                    let end = source.count
                    while at < end {
                        if digits == 0 {
                            while at + 4 <= end {
                                let a = table[Int(source[at])]
                                let b = table[Int(source[at + 1])]
                                let c = table[Int(source[at + 2])]
                                let d = table[Int(source[at + 3])]
                                if (a | b | c | d) & 0xc0 != 0 { break }
                                target[written] = a << 2 | b >> 4
                                target[written + 1] = b << 4 | c >> 2
                                target[written + 2] = c << 6 | d
                                written += 3
                                at += 4
                            }
                            if at >= end { break }
                        }
                        let value = table[Int(source[at])]
                        at += 1
                        if value == padding {
                            digits = 0
                            group = 0
                            continue
                        }
                        if value & 0xc0 != 0 { continue }
                        group = group << 6 | UInt32(value)
                        digits += 1
                        switch digits {
                        case 2:
                            target[written] = UInt8(truncatingIfNeeded: group >> 4)
                            written += 1
                        case 3:
                            target[written] = UInt8(truncatingIfNeeded: group >> 2)
                            written += 1
                        case 4:
                            target[written] = UInt8(truncatingIfNeeded: group)
                            written += 1
                            digits = 0
                            group = 0
                        default: break
                        }
                    }
                    return written
                }
            }
        }
        (self.group, self.digits) = (group, digits)
    }

    private mutating func decodeQuotedPrintable(_ bytes: borrowing RawSpan, into out: inout [UInt8]) {
        var at = 0
        let end = bytes.byteCount
        while at < end {
            let newline = bytes.firstOffset(of: 0x0a, from: at)
            var stop = newline ?? end
            // Most lines are plain, whole and short: they are copied in one piece.
            if let newline, line.isEmpty, newline - at < 900, newline > at, bytes[newline - 1] == 0x0d {
                let text = bytes.slice(at, newline - 1 - at)
                if text.byteCount == 0 || isPlain(text) {
                    out.append(bytes.slice(at, newline + 1 - at))
                    at = newline + 1
                    continue
                }
            }
            while at < stop {
                let byte = bytes[at]
                at += 1
                if byte == 0x0d { continue }
                line.append(byte)
                if line.count > 998 { flushLine(hasEnd: false, into: &out) }
            }
            if newline != nil {
                flushLine(hasEnd: true, into: &out)
                stop += 1
            }
            at = stop
        }
    }

    /// Whether a line decodes to itself.
    private func isPlain(_ text: borrowing RawSpan) -> Bool {
        let last = text[text.byteCount - 1]
        return last != 0x20 && last != 0x09 && !isHeader && text.firstOffset(of: UInt8(ascii: "=")) == nil
            && text.firstOffset(of: 0x0d) == nil
    }

    private mutating func flushLine(hasEnd: Bool, into out: inout [UInt8]) {
        var end = line.count
        var hasEnd = hasEnd
        while end > 0 && (line[end - 1] == 0x20 || line[end - 1] == 0x09) { end -= 1 }
        var at = 0
        while at < end {
            let byte = line[at]
            at += 1
            if byte == UInt8(ascii: "=") {
                if at >= end {
                    hasEnd = false
                } else if at + 1 < end, let high = line[at].hexValue, let low = line[at + 1].hexValue {
                    out.append(high << 4 | low)
                    at += 2
                } else {
                    out.append(byte)
                }
            } else if byte == UInt8(ascii: "_") && isHeader {
                out.append(0x20)
            } else {
                out.append(byte)
            }
        }
        if hasEnd {
            out.append(0x0d)
            out.append(0x0a)
        }
        line.removeAll(keepingCapacity: true)
    }
}

private let padding: UInt8 = 0xfe

private func makeBase64Values(_ c62: UInt8, _ c63: UInt8) -> [UInt8] {
    var table = [UInt8](repeating: 0xff, count: 256)
    for i in 0..<26 {
        table[0x41 + i] = UInt8(i)
        table[0x61 + i] = UInt8(26 + i)
    }
    for i in 0..<10 { table[0x30 + i] = UInt8(52 + i) }
    table[Int(c62)] = 62
    table[Int(c63)] = 63
    table[0x3d] = padding
    return table
}

private let base64Values = makeBase64Values(UInt8(ascii: "+"), UInt8(ascii: "/"))
private let base64URLValues = makeBase64Values(UInt8(ascii: "-"), UInt8(ascii: "_"))

extension [UInt8] {
    /// Appends what `body` writes into a room of `most` bytes; it returns how many it wrote.
    mutating func append(addingAtMost most: Int, _ body: (UnsafeMutableBufferPointer<UInt8>) -> Int) {
        let tail = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            count = body(buffer)
        }
        if isEmpty { self = tail } else { append(contentsOf: tail) }
    }
}
