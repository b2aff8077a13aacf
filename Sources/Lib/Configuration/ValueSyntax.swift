import Bytes

/// How values are written in imapd.conf and cyrus.conf: pure functions over text, nil for what is not one.
enum ValueSyntax {
    /// The first letters decide: 0, n, of, f are no; 1, y, on, t are yes.
    static func parseSwitch(_ text: String) -> Bool? {
        let bytes = text.utf8
        guard let first = bytes.first else { return nil }
        switch first {
        case UInt8(ascii: "0"), UInt8(ascii: "n"), UInt8(ascii: "f"): return false
        case UInt8(ascii: "1"), UInt8(ascii: "y"), UInt8(ascii: "t"): return true
        case UInt8(ascii: "o"):
            switch bytes.dropFirst().first {
            case UInt8(ascii: "f"): return false
            case UInt8(ascii: "n"): return true
            default: return nil
            }
        default: return nil
        }
    }

    /// A C integer: decimal, 0x hexadecimal, or octal with a leading 0.
    static func parseInteger(_ text: String) -> Int? {
        var rest = text[...]
        var sign = ""
        if let first = rest.first, first == "-" || first == "+" {
            sign = first == "-" ? "-" : ""
            rest.removeFirst()
        }
        guard let first = rest.utf8.first, first.isASCIIDigit else { return nil }
        if rest.hasPrefix("0x") || rest.hasPrefix("0X") { return digits(rest.dropFirst(2), sign, 16) }
        return digits(rest, sign, first == UInt8(ascii: "0") ? 8 : 10)
    }

    private static func digits(_ text: Substring, _ sign: String, _ radix: Int) -> Int? {
        // Int(_:radix:) takes a sign of its own, which may not stand here.
        guard let first = text.utf8.first, first.isASCIIAlphanumeric else { return nil }
        return Int(sign + text, radix: radix)
    }

    /// `[-]` then NUMBER UNIT groups, summed to seconds; the last unit may be missing and is `unit` then.
    static func parseDuration(_ text: String, unit: OptionRecord.Duration) -> Int? {
        var bytes = Array(text.utf8)[...]
        let negative = bytes.first == UInt8(ascii: "-")
        if negative { bytes.removeFirst() }
        guard !bytes.isEmpty else { return nil }
        var total = 0
        while !bytes.isEmpty {
            var number = 0
            var count = 0
            while let digit = bytes.first, digit.isASCIIDigit {
                let (times, over) = number.multipliedReportingOverflow(by: 10)
                let (sum, carry) = times.addingReportingOverflow(Int(digit - 0x30))
                guard !over, !carry else { return nil }
                number = sum
                count += 1
                bytes.removeFirst()
            }
            guard count > 0 else { return nil }
            var scale = unit.rawValue
            if let letter = bytes.popFirst() {
                switch letter {
                case UInt8(ascii: "d"): scale = 86400
                case UInt8(ascii: "h"): scale = 3600
                case UInt8(ascii: "m"): scale = 60
                case UInt8(ascii: "s"): scale = 1
                default: return nil
                }
            }
            let (seconds, over) = number.multipliedReportingOverflow(by: scale)
            let (sum, carry) = total.addingReportingOverflow(seconds)
            guard !over, !carry else { return nil }
            total = sum
        }
        return negative ? -total : total
    }

    /// One of `words`; an enumeration's switch words are `on` and `off`.
    static func parseWord(_ text: String, _ words: [String], isEnumeration: Bool) -> String? {
        if words.contains(text) { return text }
        guard isEnumeration else { return nil }
        switch text {
        case "1", "yes", "t", "true": return words.contains("on") ? "on" : nil
        case "0", "no", "f", "false": return words.contains("off") ? "off" : nil
        default: return nil
        }
    }

    enum SetResult: Equatable {
        /// The first names of the words, in the record's order.
        case words([String])
        case invalid(String)
    }

    /// Words separated by white space; `words` may hold `first=another=third` for one word's several names.
    static func parseSet(_ text: String, _ words: [String]) -> SetResult {
        var chosen = Array(repeating: false, count: words.count)
        for part in text.split(whereSeparator: { $0.isWhitespace }) {
            guard let index = words.firstIndex(where: { $0.split(separator: "=").contains(part) }) else { return .invalid(String(part)) }
            chosen[index] = true
        }
        return .words(zip(words, chosen).compactMap { $1 ? firstName($0) : nil })
    }

    static func firstName(_ word: String) -> String {
        word.firstIndex(of: "=").map { String(word[..<$0]) } ?? word
    }

    /// A name made of letters, digits, '-' and '_' may be an option.
    static func isNameByte(_ byte: UInt8) -> Bool {
        byte.isASCIIAlphanumeric || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}
