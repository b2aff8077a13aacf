/// Reads one value of JSON (RFC 8259) that is an object or an array.
struct JSONReader {
    /// What is wrong, and in which line.
    struct Failure: Error {
        let line: Int
        let reason: String
    }

    private let bytes: [UInt8]
    private var place = 0
    private var line = 1
    /// Deeper values are refused: nobody writes them.
    private static let deepest = 64

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func read() throws(Failure) -> JSON {
        skipSpace()
        guard peek == UInt8(ascii: "{") || peek == UInt8(ascii: "[") else { throw failure("'[' or '{' expected") }
        let value = try value(depth: 0)
        skipSpace()
        guard place == bytes.count else { throw failure("end of file expected") }
        return value
    }

    private var peek: UInt8? { place < bytes.count ? bytes[place] : nil }

    private func failure(_ reason: String) -> Failure {
        if place >= bytes.count { return Failure(line: line, reason: "\(reason) near end of file") }
        // The word it stands at.
        let isWord: (UInt8) -> Bool = {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
        }
        var word = bytes[place...].prefix { isWord($0) }
        if word.isEmpty { word = bytes[place...(place)] }
        return Failure(line: line, reason: "\(reason) near '\(String(decoding: word, as: UTF8.self))'")
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
            if byte == 0x0a { line += 1 }
            place += 1
        }
    }

    private mutating func expect(_ byte: UInt8) throws(Failure) {
        skipSpace()
        guard peek == byte else { throw failure("'\(String(decoding: [byte], as: UTF8.self))' expected") }
        place += 1
    }

    private mutating func value(depth: Int) throws(Failure) -> JSON {
        guard depth < Self.deepest else { throw failure("maximum parsing depth reached") }
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"):
            place += 1
            var members: [(String, JSON)] = []
            skipSpace()
            if peek == UInt8(ascii: "}") {
                place += 1
                return .object([])
            }
            while true {
                skipSpace()
                guard peek == UInt8(ascii: "\"") else { throw failure("string or '}' expected") }
                let key = try string()
                try expect(UInt8(ascii: ":"))
                members.append((key, try value(depth: depth + 1)))
                skipSpace()
                guard peek == UInt8(ascii: ",") else { break }
                place += 1
            }
            try expect(UInt8(ascii: "}"))
            return .object(members)
        case UInt8(ascii: "["):
            place += 1
            var items: [JSON] = []
            skipSpace()
            if peek == UInt8(ascii: "]") {
                place += 1
                return .array([])
            }
            while true {
                items.append(try value(depth: depth + 1))
                skipSpace()
                guard peek == UInt8(ascii: ",") else { break }
                place += 1
            }
            try expect(UInt8(ascii: "]"))
            return .array(items)
        case UInt8(ascii: "\""): return .string(try string())
        default:
            let start = place
            while let byte = peek, "+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8.contains(byte) { place += 1 }
            let word = String(decoding: bytes[start..<place], as: UTF8.self)
            guard ["true", "false", "null"].contains(word) || Double(word) != nil else {
                place = start
                throw failure("invalid token")
            }
            return .word(word)
        }
    }

    private mutating func string() throws(Failure) -> String {
        place += 1
        var out: [UInt8] = []
        while let byte = peek {
            place += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: out, as: UTF8.self) else { throw failure("unable to decode byte") }
                return text
            case 0x00..<0x20: throw failure("control character 0x\(String(byte, radix: 16))")
            case UInt8(ascii: "\\"): out += Array(String(try escaped()).utf8)
            default: out.append(byte)
            }
        }
        throw failure("premature end of input")
    }

    private mutating func escaped() throws(Failure) -> Character {
        guard let byte = peek else { throw failure("premature end of input") }
        place += 1
        switch byte {
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Character(Unicode.Scalar(byte))
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xd800..<0xdc00).contains(code), bytes[place...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
                place += 2
                let low = try hexadecimal()
                guard (0xdc00..<0xe000).contains(low) else { throw failure("invalid Unicode escape") }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure("invalid Unicode escape") }
            return Character(scalar)
        default: throw failure("invalid escape")
        }
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
        guard place + 4 <= bytes.count, let code = UInt32(String(decoding: bytes[place..<(place + 4)], as: UTF8.self), radix: 16) else {
            throw failure("invalid escape")
        }
        place += 4
        return code
    }
}
