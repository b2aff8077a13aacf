/// Takes an entry's attributes by name; what nobody asked for is unknown.
struct EntryReader {
    let name: String
    let place: Place
    private var arguments: [(key: String, value: String)]
    private var asked: Set<String> = []
    var warnings: [ConfigurationWarning] = []

    init(name: String, place: Place, arguments: [(key: String, value: String)]) {
        self.name = name
        self.place = place
        self.arguments = arguments
    }

    /// The first value of that attribute, as Cyrus takes it.
    mutating func text(_ key: String) -> String? {
        asked.insert(key)
        return arguments.first { $0.key == key }?.value
    }

    mutating func command() -> CommandWords? {
        text("cmd").map { CommandWords($0) }.flatMap { $0.words.isEmpty ? nil : $0 }
    }

    /// Leading digits count, as C reads them; anything else is the default.
    mutating func number(_ key: String, _ standard: Int) -> Int {
        guard let text = text(key) else { return standard }
        let sign = text.hasPrefix("-") ? -1 : 1
        let digits = (sign < 0 ? text.dropFirst() : text[...]).prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else {
            warnings.append(.unreadableAttribute(name: key, value: text, entry: name, place))
            return standard
        }
        if digits.count + (sign < 0 ? 1 : 0) != text.count {
            warnings.append(.malformed(text: "\(key)=\"\(text)\" of \(name) is read as \(sign < 0 ? "-" : "")\(digits)", place))
        }
        return sign * min(Int(digits) ?? Int(Int32.max), Int(Int32.max))
    }

    mutating func flag(_ key: String) -> Bool {
        guard let text = text(key) else { return false }
        if let value = ValueSyntax.parseSwitch(text) { return value }
        warnings.append(.unreadableAttribute(name: key, value: text, entry: name, place))
        return false
    }

    /// Warns of each attribute that nothing has asked for, and of what was given twice.
    mutating func reportUnknown() {
        var seen: Set<String> = []
        for (key, _) in arguments {
            if !asked.contains(key) {
                let nearest = nearestName(to: key.lowercased(), among: asked.sorted())
                warnings.append(.unknownAttribute(name: key, nearest: nearest, entry: name, place))
            } else if !seen.insert(key).inserted {
                warnings.append(.malformed(text: "\(key)= of \(name) was given twice, the first counts", place))
            }
        }
    }
}
