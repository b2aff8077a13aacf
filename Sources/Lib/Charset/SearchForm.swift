import Bytes
import CICU

/// Text as SEARCH compares it: in title case (capitals), decomposed for compatibility, without diacritics, white space merged
/// (Cyrus `charset_flags`, from the options search_skipdiacrit and search_whitespace).
///
/// The form is Cyrus's for all of Unicode, but for two faults of its table: Greek letters with accents, which it drops altogether,
/// and the small ae, oe and eth that come out of modifier letters, which it takes apart.
///
/// A value folds one text that may come in pieces: `fold` each piece, whose characters must be whole.
public struct SearchForm: Sendable {
    /// imapd.conf search_whitespace.
    public enum Whitespace: Sendable { case merge, skip, keep }

    public let whitespace: Whitespace
    public let skipsDiacritics: Bool
    private var afterSpace = false

    /// The defaults are Cyrus's.
    public init(whitespace: Whitespace = .merge, skipsDiacritics: Bool = true) {
        self.whitespace = whitespace
        self.skipsDiacritics = skipsDiacritics
    }

    /// Appends the search form of UTF-8 text.
    public mutating func fold(_ text: borrowing RawSpan, into out: inout [UInt8]) {
        var at = 0
        let end = text.byteCount
        while at < end {
            let byte = text[at]
            if byte < 0x80 {
                at += 1
                if byte.isASCIISpace {
                    appendSpace(into: &out)
                } else {
                    afterSpace = false
                    out.append(byte.asciiUppercased)
                }
                continue
            }
            switch UTF8Sequence(text, at: at) {
            case .whole(let scalar, let length):
                appendFolded(scalar, into: &out)
                at += length
            case .wrong(let length), .unfinished(let length):
                afterSpace = false
                out.appendReplacement()
                at += length
            }
        }
    }

    /// The search form of one whole text.
    public static func of(_ text: borrowing RawSpan, whitespace: Whitespace = .merge, skipsDiacritics: Bool = true) -> [UInt8] {
        var form = SearchForm(whitespace: whitespace, skipsDiacritics: skipsDiacritics)
        var out: [UInt8] = []
        out.reserveCapacity(text.byteCount)
        form.fold(text, into: &out)
        return out
    }

    private mutating func appendSpace(into out: inout [UInt8]) {
        switch whitespace {
        case .skip: break
        case .keep: out.append(0x20)
        case .merge:
            if !afterSpace { out.append(0x20) }
            afterSpace = true
        }
    }

    private mutating func appendFolded(_ scalar: UInt32, into out: inout [UInt8]) {
        // Unassigned and most other letters of the East have no case and no decomposition: not worth the look-ups.
        if scalar >= 0x3400 && scalar < 0xa000 || scalar >= 0xac00 && scalar < 0xd7b0 {
            afterSpace = false
            out.append(scalar: scalar)
            return
        }
        appendDecomposed(UInt32(bitPattern: cicu_title(Int32(bitPattern: scalar))), depth: 0, into: &out)
    }

    /// Takes a scalar apart as far as it goes; what would become a space with something on it stays whole.
    private mutating func appendDecomposed(_ scalar: UInt32, depth: Int, into out: inout [UInt8]) {
        // Decompositions are a handful of steps deep; the bound is for tables gone wrong.
        guard depth < 8 else { return appendPlain(scalar, into: &out) }
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 32) { units in
            guard let base = units.baseAddress else { return }
            let count = Int(cicu_decompose(Int32(bitPattern: scalar), base, Int32(units.count)))
            guard count > 0, count == 1 || units[0] != 0x20 else { return appendPlain(scalar, into: &out) }
            var high: UInt32 = 0
            for i in 0..<count {
                let unit = UInt32(units[i])
                if unit & 0xfc00 == 0xd800 {
                    high = unit
                } else if unit & 0xfc00 == 0xdc00 {
                    appendDecomposed(0x10000 + (high & 0x3ff) << 10 + unit & 0x3ff, depth: depth + 1, into: &out)
                } else {
                    appendDecomposed(unit, depth: depth + 1, into: &out)
                }
            }
        }
    }

    private mutating func appendPlain(_ scalar: UInt32, into out: inout [UInt8]) {
        if Self.isSpace(scalar) { return appendSpace(into: &out) }
        afterSpace = false
        switch scalar {
        case 0x300...0x36f where skipsDiacritics: break
        case 0x2044: out.append(UInt8(ascii: "/"))
        case 0xdf: out.append("ss")
        default: out.append(scalar: scalar)
        }
    }

    private static func isSpace(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x09...0x0d, 0x20, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000: true
        default: false
        }
    }
}
