import Bytes
import Index
import Mailbox

/// Why a command could not be read; each has its reply.
enum ParseFailure: Error, Equatable {
    case missingArgument
    case extraArguments
    /// The whole text of the BAD reply.
    case bad(String)
}

/// Reads the parts of a command (RFC 3501 section 9). A failed reading leaves the place where it was.
struct CommandParser {
    let bytes: [UInt8]
    private(set) var at = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { at >= bytes.count }
    var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    mutating func advance() { at += 1 }

    mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        at += 1
        return true
    }

    /// Exactly one space before a required argument.
    mutating func space() throws(ParseFailure) {
        guard take(0x20) else { throw isAtEnd ? .missingArgument : .extraArguments }
        // Clients that send two are understood, as by Cyrus.
        while take(0x20) {}
    }

    func end() throws(ParseFailure) {
        guard isAtEnd else { throw .extraArguments }
    }

    static func isAtomByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7f && !"(){%*\"\\".utf8.contains(byte)
    }

    /// An atom; also `]`, which belongs to none in the RFC but to flags in the wild.
    mutating func atom() throws(ParseFailure) -> [UInt8] {
        let start = at
        while let byte = peek, Self.isAtomByte(byte) { at += 1 }
        guard at > start else { throw .missingArgument }
        return Array(bytes[start..<at])
    }

    /// A word of an atom's characters, in upper case.
    mutating func word() throws(ParseFailure) -> [UInt8] {
        try atom().asciiUppercased
    }

    /// Atom, quoted string or literal.
    mutating func astring() throws(ParseFailure) -> [UInt8] {
        switch peek {
        case UInt8(ascii: "\""): return try quoted()
        case UInt8(ascii: "{"): return try literal()
        case nil: throw .missingArgument
        default:
            // `]` and `\` are taken as well, as by Cyrus.
            let start = at
            while let byte = peek, Self.isAtomByte(byte) || byte == UInt8(ascii: "\\") { at += 1 }
            guard at > start else { throw .missingArgument }
            return Array(bytes[start..<at])
        }
    }

    /// As `astring`, or nil for NIL.
    mutating func nstring() throws(ParseFailure) -> [UInt8]? {
        let isAtom = peek != UInt8(ascii: "\"") && peek != UInt8(ascii: "{")
        let text = try astring()
        return isAtom && text.asciiUppercased == [UInt8]("NIL") ? nil : text
    }

    /// A mailbox pattern: as an astring whose atom may have `%` and `*`.
    mutating func listMailbox() throws(ParseFailure) -> [UInt8] {
        if peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "{") { return try astring() }
        let start = at
        while let byte = peek, Self.isAtomByte(byte) || byte == UInt8(ascii: "%") || byte == UInt8(ascii: "*") { at += 1 }
        guard at > start else { throw .missingArgument }
        return Array(bytes[start..<at])
    }

    mutating func quoted() throws(ParseFailure) -> [UInt8] {
        let start = at
        at += 1
        var out: [UInt8] = []
        while let byte = peek {
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return out
            case UInt8(ascii: "\\"):
                guard let next = peek, next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") else {
                    at = start
                    throw .bad("Invalid quoted string")
                }
                out.append(next)
                at += 1
            case 0x0d, 0x0a, 0x00:
                at = start
                throw .bad("Invalid quoted string")
            default: out.append(byte)
            }
        }
        at = start
        throw .bad("Invalid quoted string")
    }

    mutating func literal() throws(ParseFailure) -> [UInt8] {
        let start = at
        guard take(UInt8(ascii: "{")) else { throw .missingArgument }
        var size = 0
        while let byte = peek, byte.isASCIIDigit {
            size = size * 10 + Int(byte - 0x30)
            at += 1
            guard size <= bytes.count else { break }
        }
        _ = take(UInt8(ascii: "+"))
        guard take(UInt8(ascii: "}")), take(0x0d), take(0x0a), size <= bytes.count - at else {
            at = start
            throw .bad("Invalid literal")
        }
        let content = Array(bytes[at..<(at + size)])
        at += size
        return content
    }

    /// The `{N}` CRLF of a literal whose bytes stand elsewhere (see `CommandReader`).
    mutating func announcedLiteral() throws(ParseFailure) {
        let start = at
        guard take(UInt8(ascii: "{")) else { throw .missingArgument }
        while let byte = peek, byte.isASCIIDigit { at += 1 }
        _ = take(UInt8(ascii: "+"))
        guard take(UInt8(ascii: "}")), take(0x0d), take(0x0a) else {
            at = start
            throw .bad("Invalid literal")
        }
    }

    mutating func number() throws(ParseFailure) -> UInt32 {
        let start = at
        var value: UInt64 = 0
        while let byte = peek, byte.isASCIIDigit {
            value = value * 10 + UInt64(byte - 0x30)
            at += 1
            guard value <= UInt64(UInt32.max) else {
                at = start
                throw .bad("Invalid number")
            }
        }
        guard at > start else { throw .missingArgument }
        return UInt32(value)
    }

    mutating func sequenceSet() throws(ParseFailure) -> SequenceSet {
        let start = at
        while let byte = peek, byte.isASCIIDigit || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "*") {
            at += 1
        }
        guard at > start else { throw .missingArgument }
        guard let set = SequenceSet(Array(bytes[start..<at]).span.bytes) else {
            at = start
            throw .bad("Invalid sequence")
        }
        return set
    }

    /// A space and a sequence set, whose faults are told as Cyrus does. A set of zero alone is in order and names nothing.
    mutating func sequence(_ command: String) throws(ParseFailure) -> SequenceSet {
        try space()
        if peek == UInt8(ascii: "0"), at + 1 >= bytes.count || bytes[at + 1] == 0x20 {
            at += 1
            return SequenceSet()
        }
        do throws(ParseFailure) {
            return try sequenceSet()
        } catch {
            throw isAtEnd ? .missingArgument : .bad("Invalid sequence in \(command)")
        }
    }

    /// A flag: `\Seen`, or a keyword's atom.
    mutating func flag() throws(ParseFailure) -> [UInt8] {
        if take(UInt8(ascii: "\\")) {
            let name = try atom()
            return [UInt8(ascii: "\\")] + name
        }
        return try atom()
    }

    /// `(a b c)` of flags, or flags without parentheses up to the end.
    mutating func flags() throws(ParseFailure) -> [[UInt8]] {
        var list: [[UInt8]] = []
        let parenthesized = take(UInt8(ascii: "("))
        if parenthesized, take(UInt8(ascii: ")")) { return list }
        while true {
            list.append(try flag())
            if parenthesized, take(UInt8(ascii: ")")) { return list }
            if !parenthesized, isAtEnd { return list }
            try space()
        }
    }

    mutating func rewind(to place: Int) { at = place }
}
