/// A length of time as cyr_expire's flags and the expire annotations give it: a decimal number and one of s, m, h, d (days without one).
struct Age: Equatable {
    let seconds: Int64

    init(seconds: Int64) { self.seconds = seconds }

    /// nil when the text is not one.
    init?(_ text: String) {
        var digits = text[...]
        var unit = 86400.0
        if let last = digits.last, !last.isNumber {
            switch last {
            case "s": unit = 1
            case "m": unit = 60
            case "h": unit = 3600
            case "d": unit = 86400
            default: return nil
            }
            digits = digits.dropLast()
        }
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(digits) else {
            return nil
        }
        let seconds = number * unit
        // A length beyond any clock is as good as for ever.
        self.seconds = seconds < 9e15 ? Int64(seconds) : 9_000_000_000_000_000
    }

    /// `5.00`
    var days: String {
        let hundredths = (seconds * 100 + 43200) / 86400
        let cents = hundredths % 100
        return "\(hundredths / 100).\(cents < 10 ? "0" : "")\(cents)"
    }
}
