/// The commands of batch mode: `NAME [key [value]]`, a line each, words as IMAP's astrings.
struct BatchReader {
    struct Command {
        var name: String
        var key: [UInt8]?
        var value: [UInt8]?
        /// The line is not of this form.
        var isMalformed = false
    }

    private var input = InputBytes()

    /// The next line; nil at the end.
    mutating func next() -> Command? {
        var name: [UInt8] = []
        while let byte = input.peek(), !Self.endsWord(byte) {
            name.append(byte)
            _ = input.next()
        }
        guard input.peek() != nil else { return nil }
        var command = Command(name: String(decoding: name, as: UTF8.self))
        if input.peek() == 0x20 {
            _ = input.next()
            command.key = astring()
            command.isMalformed = command.key == nil
            if !command.isMalformed, input.peek() == 0x20 {
                _ = input.next()
                command.value = astring()
                command.isMalformed = command.value == nil
            }
        }
        if input.peek() == 0x0d { _ = input.next() }
        if input.next() != 0x0a { command.isMalformed = true }
        return command
    }

    private static func endsWord(_ byte: UInt8) -> Bool {
        (0x09...0x0d).contains(byte) || byte == 0x20 || byte == UInt8(ascii: "(") || byte == UInt8(ascii: ")") || byte == UInt8(ascii: "\"")
    }

    /// An atom, a quoted string or a literal, in any of its forms: `{3}`, `{3+}`, `~{3+}`. nil when it is none.
    private mutating func astring() -> [UInt8]? {
        guard let first = input.peek() else { return nil }
        switch first {
        case UInt8(ascii: "\""):
            _ = input.next()
            return quoted()
        case UInt8(ascii: "{"):
            _ = input.next()
            return literal()
        default:
            var atom: [UInt8] = []
            while let byte = input.peek(), !Self.endsWord(byte) {
                atom.append(byte)
                _ = input.next()
                if atom == [UInt8(ascii: "~")], input.peek() == UInt8(ascii: "{") {
                    _ = input.next()
                    return literal()
                }
            }
            return atom.isEmpty ? nil : atom
        }
    }

    private mutating func quoted() -> [UInt8]? {
        var text: [UInt8] = []
        while let byte = input.next() {
            switch byte {
            case UInt8(ascii: "\""): return text
            case 0x0a, 0x0d: return nil
            case UInt8(ascii: "\\"):
                guard let escaped = input.next(), escaped != 0x0a, escaped != 0x0d else { return nil }
                text.append(escaped)
            default: text.append(byte)
            }
        }
        return nil
    }

    /// After its opening brace.
    private mutating func literal() -> [UInt8]? {
        var count = 0
        var digits = 0
        while let byte = input.peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            _ = input.next()
            digits += 1
            count = count * 10 + Int(byte - UInt8(ascii: "0"))
            guard count <= Int(Int32.max) else { return nil }
        }
        if input.peek() == UInt8(ascii: "+") { _ = input.next() }
        guard digits > 0, input.next() == UInt8(ascii: "}"), input.next() == 0x0d, input.next() == 0x0a else { return nil }
        var bytes: [UInt8] = []
        while bytes.count < count {
            guard let byte = input.next() else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
