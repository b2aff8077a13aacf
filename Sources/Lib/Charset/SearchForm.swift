import Bytes
import CICU

/// Text as SEARCH compares it: decomposed for compatibility, lower-case, without diacritics, white space merged
/// (Cyrus `charset_flags`, from the options search_skipdiacrit and search_whitespace).
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
                    appendSpace(byte, into: &out)
                } else {
                    afterSpace = false
                    out.append(byte.asciiLowercased)
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

    private mutating func appendSpace(_ byte: UInt8, into out: inout [UInt8]) {
        switch whitespace {
        case .skip: break
        case .keep: out.append(byte)
        case .merge:
            if !afterSpace { out.append(0x20) }
            afterSpace = true
        }
    }

    private mutating func appendFolded(_ scalar: UInt32, into out: inout [UInt8]) {
        let lower = UInt32(bitPattern: cicu_lower(Int32(bitPattern: scalar)))
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 32) { units in
            guard let base = units.baseAddress else { return }
            // The longest decomposition in Unicode has 18 units.
            let count = cicu_decompose(Int32(bitPattern: lower), base, Int32(units.count))
            guard count > 0 else {
                appendPlain(lower, into: &out)
                return
            }
            var high: UInt32 = 0
            for i in 0..<Int(count) {
                let unit = UInt32(units[i])
                if unit & 0xfc00 == 0xd800 {
                    high = unit
                } else if unit & 0xfc00 == 0xdc00 {
                    appendPlain(0x10000 + (high & 0x3ff) << 10 + unit & 0x3ff, into: &out)
                } else {
                    // A decomposition may bring capitals back (U+2122 is TM).
                    appendPlain(UInt32(bitPattern: cicu_lower(Int32(bitPattern: unit))), into: &out)
                }
            }
        }
    }

    private mutating func appendPlain(_ scalar: UInt32, into out: inout [UInt8]) {
        if scalar < 0x80 && UInt8(scalar).isASCIISpace || scalar >= 0x80 && cicu_is_space(Int32(bitPattern: scalar)) != 0 {
            appendSpace(0x20, into: &out)
            return
        }
        afterSpace = false
        if skipsDiacritics && scalar >= 0x300 && scalar <= 0x36f { return }
        out.append(scalar: scalar)
    }
}
