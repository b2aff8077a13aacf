/// A value of JSON, and its text as Cyrus writes it (jansson's default: a space after `,` and `:`).
indirect enum JSON {
    case string(String)
    /// Numbers and the words true, false and null, as they stand.
    case word(String)
    case array([JSON])
    case object([(String, JSON)])

    subscript(_ key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        // The last of equal keys counts.
        return members.last { $0.0 == key }?.1
    }

    /// The text of a string or number; nil for anything else.
    var value: String? {
        switch self {
        case .string(let text), .word(let text): text
        default: nil
        }
    }

    var text: String {
        switch self {
        case .string(let text): Self.quoted(text)
        case .word(let text): text
        case .array(let items): "[" + items.map(\.text).joined(separator: ", ") + "]"
        case .object(let members): "{" + members.map { "\(Self.quoted($0.0)): \($0.1.text)" }.joined(separator: ", ") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\u{8}": out += "\\b"
            case "\u{c}": out += "\\f"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{0}"..."\u{1f}":
                let digits = String(scalar.value, radix: 16, uppercase: true)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
