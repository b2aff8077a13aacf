import Bytes
import Message

/// What a FETCH asks for (RFC 3501 6.4.5, with RFC 7162's MODSEQ, RFC 8474's ids and RFC 8514's SAVEDATE).
struct FetchItems {
    var flags = false
    var uid = false
    var internalDate = false
    var size = false
    var envelope = false
    var bodyStructure = false
    var body = false
    var modSeq = false
    var emailID = false
    var threadID = false
    var saveDate = false
    var digest = false
    var createdModSeq = false
    /// Everything that wants message text, in the order asked for.
    var sections: [Section] = []

    struct Section {
        var path: [UInt32] = []
        var part = Part.content
        /// How it is named in the answer.
        var label: [UInt8]
        var isPeek = false
        var partial: Partial?

        /// Fields of the message's own header.
        var isHeaderList: Bool {
            if case .headerFields = part { return path.isEmpty }
            return false
        }
    }

    struct Partial {
        var offset: UInt32
        var count: UInt32
    }

    enum Part {
        case content
        case header
        case headerFields([[UInt8]], excluding: Bool)
        case text
        case mime
        /// RFC822: the whole message, header and text.
        case whole
    }

    /// Something sets \Seen.
    var setsSeen: Bool { sections.contains { !$0.isPeek } }
    var needsCache: Bool { envelope || bodyStructure || body || !sections.isEmpty }
    var needsRecord: Bool {
        needsCache || internalDate || size || emailID || threadID || saveDate || digest || createdModSeq
    }
    /// Answered from the view alone.
    var isLight: Bool { !needsRecord }

    init(_ parser: inout CommandParser) throws(ParseFailure) {
        if parser.take(UInt8(ascii: "(")) {
            while true {
                try item(&parser, inList: true)
                if parser.take(UInt8(ascii: ")")) { break }
                if parser.isAtEnd { throw .bad("Missing close parenthesis in Fetch") }
                try parser.space()
            }
        } else {
            try item(&parser, inList: false)
        }
        try parser.end()
        // As by Cyrus: first the items of RFC822's names, each once, then lists of header fields, then sections as they were asked for.
        var ordered: [Section] = []
        for name in ["RFC822.HEADER", "RFC822.TEXT", "RFC822"] {
            let label = [UInt8](name.utf8)
            let named = sections.filter { $0.label == label }
            // Asked for with and without .PEEK it sets \Seen.
            if let first = named.first(where: { !$0.isPeek }) ?? named.first { ordered.append(first) }
            sections.removeAll { $0.label == label }
        }
        sections = ordered + sections.filter(\.isHeaderList) + sections.filter { !$0.isHeaderList }
    }

    private mutating func item(_ parser: inout CommandParser, inList: Bool) throws(ParseFailure) {
        let start = parser.at
        // An item's name ends where its section or anything else begins.
        var name: [UInt8] = []
        while let byte = parser.peek, byte.isASCIIAlphanumeric || byte == UInt8(ascii: ".") {
            name.append(byte.asciiUppercased)
            parser.advance()
        }
        guard !name.isEmpty else {
            if parser.isAtEnd { throw .missingArgument }
            throw .bad("Invalid Fetch attribute \(Self.rest(parser, start))")
        }
        switch name.text {
        case "ALL" where !inList: (flags, internalDate, size, envelope) = (true, true, true, true)
        case "FAST" where !inList: (flags, internalDate, size) = (true, true, true)
        case "FULL" where !inList: (flags, internalDate, size, envelope, body) = (true, true, true, true, true)
        case "FLAGS": flags = true
        case "UID": uid = true
        case "INTERNALDATE": internalDate = true
        case "RFC822.SIZE": size = true
        case "ENVELOPE": envelope = true
        case "BODYSTRUCTURE": bodyStructure = true
        case "MODSEQ": modSeq = true
        case "EMAILID": emailID = true
        case "THREADID": threadID = true
        case "SAVEDATE": saveDate = true
        case "CREATEDMODSEQ": createdModSeq = true
        case "DIGEST.SHA1": digest = true
        case "RFC822": sections.append(Section(part: .whole, label: name))
        case "RFC822.PEEK": sections.append(Section(part: .whole, label: [UInt8]("RFC822"), isPeek: true))
        case "RFC822.HEADER": sections.append(Section(part: .header, label: name, isPeek: true))
        case "RFC822.TEXT": sections.append(Section(part: .text, label: name))
        case "RFC822.TEXT.PEEK": sections.append(Section(part: .text, label: [UInt8]("RFC822.TEXT"), isPeek: true))
        case "BODY" where parser.peek != UInt8(ascii: "["): body = true
        case "BODY": try section(&parser, isPeek: false)
        case "BODY.PEEK" where parser.peek == UInt8(ascii: "["): try section(&parser, isPeek: true)
        default: throw .bad("Invalid Fetch attribute \(Self.rest(parser, start))")
        }
    }

    private static func rest(_ parser: CommandParser, _ start: Int) -> String {
        Array(parser.bytes[start...].prefix { $0 != 0x20 && $0 != UInt8(ascii: ")") }).text.uppercased()
    }

    /// `[` section `]` and `<offset.count>`.
    private mutating func section(_ parser: inout CommandParser, isPeek: Bool) throws(ParseFailure) {
        parser.advance()
        var section = Section(label: [UInt8]("BODY["), isPeek: isPeek)
        var wantsWord = parser.peek != UInt8(ascii: "]")
        while let byte = parser.peek, byte.isASCIIDigit {
            let number = try parser.number()
            guard number > 0 else { throw .bad("Invalid body section") }
            guard section.path.count < 100 else { throw .bad("Body section is too deep") }
            section.path.append(number)
            section.label.append(decimal: number)
            wantsWord = parser.take(UInt8(ascii: "."))
            if !wantsWord { break }
            section.label.append(UInt8(ascii: "."))
        }
        if wantsWord { try sectionText(&parser, &section) }
        guard parser.take(UInt8(ascii: "]")) else { throw .bad("Missing closing bracket in Fetch section") }
        section.label.append(UInt8(ascii: "]"))
        if parser.take(UInt8(ascii: "<")) {
            let offset = try parser.number()
            guard parser.take(UInt8(ascii: ".")) else { throw .bad("Invalid body partial") }
            let count = try parser.number()
            guard count > 0, parser.take(UInt8(ascii: ">")) else { throw .bad("Invalid body partial") }
            section.partial = Partial(offset: offset, count: count)
            section.label.append(UInt8(ascii: "<"))
            section.label.append(decimal: offset)
            section.label.append(UInt8(ascii: ">"))
        }
        sections.append(section)
    }

    private func sectionText(_ parser: inout CommandParser, _ section: inout Section) throws(ParseFailure) {
        var word: [UInt8] = []
        while let byte = parser.peek, byte.isASCIILetter || byte == UInt8(ascii: ".") {
            word.append(byte.asciiUppercased)
            parser.advance()
        }
        section.label.append(contentsOf: word)
        switch word.text {
        case "HEADER": section.part = .header
        case "TEXT": section.part = .text
        case "MIME" where !section.path.isEmpty: section.part = .mime
        case "HEADER.FIELDS", "HEADER.FIELDS.NOT":
            try parser.space()
            guard parser.take(UInt8(ascii: "(")) else { throw .bad("Missing header list") }
            var names: [[UInt8]] = []
            section.label.append(" (")
            while true {
                let name = try parser.astring()
                if !names.isEmpty { section.label.append(0x20) }
                section.label.append(astring: name)
                names.append(name)
                if parser.take(UInt8(ascii: ")")) { break }
                try parser.space()
            }
            section.label.append(")")
            section.part = .headerFields(names, excluding: word.count > 13)
        default: throw .bad("Invalid body section")
        }
    }
}

extension [UInt8] {
    /// A string as an atom, quoted, or a literal, whichever it needs.
    mutating func append(astring text: [UInt8]) {
        if !text.isEmpty, text.allSatisfy(CommandParser.isAtomByte) {
            append(contentsOf: text)
        } else {
            append(quotedOrLiteral: text)
        }
    }

    mutating func append(quotedOrLiteral text: [UInt8]) {
        let needsLiteral =
            text.count >= 1024
            || text.contains { $0 >= 0x80 || $0 == 0 || $0 == 0x0d || $0 == 0x0a || $0 == 0x22 || $0 == 0x25 || $0 == 0x5c }
        if needsLiteral {
            append(UInt8(ascii: "{"))
            append(decimal: text.count)
            append("}\r\n")
            append(contentsOf: text)
        } else {
            append(UInt8(ascii: "\""))
            append(contentsOf: text)
            append(UInt8(ascii: "\""))
        }
    }
}
