import Bytes
import Message

/// An address as the envelope has it; nil for NIL.
struct EnvelopeAddress: Equatable {
    var name: [UInt8]?
    var route: [UInt8]?
    var mailbox: [UInt8]?
    var domain: [UInt8]?
}

/// What the conversation rules need of a message, all of it from its cache record.
struct ConversationSource {
    /// The first address of From.
    var sender = EnvelopeAddress()
    /// Ids by the header they stand in: References, In-Reply-To, Message-ID, X-ME-Message-ID. Lower case, each only once.
    var identifiers: [[[UInt8]]] = [[], [], [], []]
    /// Normalised.
    var subject: [UInt8] = []
    /// MIME parts with the GUID of their content.
    var parts: [(path: [UInt8], guid: GUID)] = []

    /// The most ids of one header that are followed.
    static let mostIdentifiers = 20

    init(cache: borrowing CacheView) {
        var inReplyTo: [UInt8] = []
        var messageID: [UInt8] = []
        do {
            var reader = EnvelopeReader(cache[.envelope])
            reader.open()
            reader.skip()
            reader.skip()
            sender = reader.firstAddress()
            for _ in 0..<5 { reader.skip() }
            inReplyTo = reader.string() ?? []
            messageID = reader.string() ?? []
        }
        var subjectReader = EnvelopeReader(cache[.subject])
        subject = ConversationSubject.normalized(subjectReader.string() ?? [])
        let headers = cache[.headers].array
        var seen: Set<[UInt8]> = []
        let values = [
            Self.field("references", headers), Self.isListOfIdentifiers(inReplyTo) ? inReplyTo : [], messageID,
            Self.field("x-me-message-id", headers),
        ]
        for (place, value) in values.enumerated() {
            for id in ConversationIdentifiers.all(value, atMost: Self.mostIdentifiers) where seen.insert(id).inserted {
                identifiers[place].append(id)
            }
        }
        var walker = PartWalker(cache[.section])
        walker.table(path: [], depth: 0)
        parts = walker.parts
    }

    /// The value of the first field of a name among header lines, folded as it is.
    private static func field(_ name: StaticString, _ lines: [UInt8]) -> [UInt8] {
        var at = 0
        while at < lines.count {
            var end = lines[at...].firstIndex(of: 0x0a) ?? lines.count
            while end + 1 < lines.count, lines[end + 1] == 0x20 || lines[end + 1] == 0x09 {
                end = lines[(end + 1)...].firstIndex(of: 0x0a) ?? lines.count
            }
            if let colon = lines[at..<end].firstIndex(of: UInt8(ascii: ":")),
                Array(lines[at..<colon]).span.bytes.equalsIgnoringCase(name)
            {
                return Array(lines[(colon + 1)..<end])
            }
            at = end + 1
        }
        return []
    }

    /// RFC 5322 wants ids only in In-Reply-To; one with other text in front may hold addresses that look like ids, and is passed over.
    private static func isListOfIdentifiers(_ value: [UInt8]) -> Bool {
        guard let first = value.first(where: { !$0.isASCIISpace && $0 != UInt8(ascii: ",") }) else { return true }
        return first == UInt8(ascii: "<")
    }
}

/// Message ids as conversations.db has them for keys.
enum ConversationIdentifiers {
    /// The ids of a header value, lower case, at most so many of them.
    static func all(_ value: [UInt8], atMost limit: Int) -> [[UInt8]] {
        var out: [[UInt8]] = []
        var at = 0
        var count = 0
        while count < limit, let id = next(value, &at) {
            count += 1
            if isKey(id) { out.append(id.asciiLowercased) }
        }
        return out
    }

    /// Quoted left sides that are longer are no ids.
    private static let longestQuoted = 1000

    /// `<left@right>`: the left side quoted (the quotes are dropped) or, like the right one, without `<`, `>`, `@`, blank and backslash.
    private static func next(_ value: [UInt8], _ at: inout Int) -> [UInt8]? {
        func isAtom(_ byte: UInt8) -> Bool {
            byte != UInt8(ascii: "<") && byte != UInt8(ascii: ">") && byte != UInt8(ascii: "@") && byte != 0x20
                && byte != UInt8(ascii: "\\") && byte != 0
        }
        guard let lastClose = value.lastIndex(of: UInt8(ascii: ">")) else { return nil }
        while let open = value[at...].firstIndex(of: UInt8(ascii: "<")) {
            var id: [UInt8] = [UInt8(ascii: "<")]
            at = open + 1
            guard at <= lastClose else { return nil }
            if at < value.count, value[at] == UInt8(ascii: "\"") {
                var end = at + 1
                var text: [UInt8] = []
                let limit = min(value.count, at + longestQuoted)
                while end < limit, value[end] != UInt8(ascii: "\"") {
                    if value[end] == UInt8(ascii: "\\"), end + 1 < value.count { end += 1 }
                    text.append(value[end])
                    end += 1
                }
                guard end < limit else { continue }
                id += text
                at = end + 1
            } else {
                while at < value.count, isAtom(value[at]) {
                    id.append(value[at])
                    at += 1
                }
            }
            guard at < value.count, value[at] == UInt8(ascii: "@"), id.count > 1 else { continue }
            id.append(value[at])
            at += 1
            let right = at
            while at < value.count, isAtom(value[at]) {
                id.append(value[at])
                at += 1
            }
            guard at < value.count, value[at] == UInt8(ascii: ">"), at > right else { continue }
            at += 1
            id.append(UInt8(ascii: ">"))
            return id
        }
        return nil
    }

    /// Printable ASCII without blanks, as a key must be.
    private static func isKey(_ id: [UInt8]) -> Bool {
        id.allSatisfy { $0 > 0x20 && $0 < 0x7f }
    }
}

/// Reads the text of a cached envelope: parenthesised lists of quoted strings, literals and NIL. What is damaged reads as NIL.
struct EnvelopeReader: ~Escapable {
    private let text: RawSpan
    private var at = 0

    @_lifetime(copy text)
    init(_ text: RawSpan) {
        self.text = text
    }

    private func peek() -> UInt8 {
        at < text.byteCount ? text[at] : 0
    }

    @_lifetime(self: copy self)
    private mutating func skipBlank() {
        while peek() == 0x20 { at += 1 }
    }

    @_lifetime(self: copy self)
    mutating func open() {
        skipBlank()
        if peek() == UInt8(ascii: "(") { at += 1 }
    }

    /// A string; nil for NIL.
    @_lifetime(self: copy self)
    mutating func string() -> [UInt8]? {
        skipBlank()
        switch peek() {
        case UInt8(ascii: "\""):
            at += 1
            var out: [UInt8] = []
            while at < text.byteCount, text[at] != UInt8(ascii: "\"") {
                if text[at] == UInt8(ascii: "\\"), at + 1 < text.byteCount { at += 1 }
                out.append(text[at])
                at += 1
            }
            at = min(at + 1, text.byteCount)
            return out
        case UInt8(ascii: "{"):
            let start = at + 1
            guard let close = text.firstOffset(of: UInt8(ascii: "}"), from: start), let count = text.slice(start, close - start).decimal,
                let length = Int(exactly: count), text.holds(length, at: close + 3)
            else {
                at = text.byteCount
                return nil
            }
            at = close + 3 + length
            return text.slice(close + 3, length).array
        default:
            let start = at
            while at < text.byteCount, peek() != 0x20, peek() != UInt8(ascii: "("), peek() != UInt8(ascii: ")") { at += 1 }
            // What belongs to no string is passed over, so that the reading ends.
            if at == start { at = min(at + 1, text.byteCount) }
            let atom = text.slice(start, at - start)
            return atom.equalsIgnoringCase("NIL") || atom.byteCount == 0 ? nil : atom.array
        }
    }

    /// Passes over one value, a list with all that is in it.
    @_lifetime(self: copy self)
    mutating func skip() {
        skipBlank()
        guard peek() == UInt8(ascii: "(") else {
            _ = string()
            return
        }
        var depth = 0
        repeat {
            skipBlank()
            switch peek() {
            case UInt8(ascii: "("):
                depth += 1
                at += 1
            case UInt8(ascii: ")"):
                depth -= 1
                at += 1
            default: _ = string()
            }
        } while depth > 0 && at < text.byteCount
    }

    /// The first address of a list of them; the list is passed over.
    @_lifetime(self: copy self)
    mutating func firstAddress() -> EnvelopeAddress {
        skipBlank()
        let start = at
        var address = EnvelopeAddress()
        if peek() == UInt8(ascii: "(") {
            at += 1
            open()
            address = EnvelopeAddress(name: string(), route: string(), mailbox: string(), domain: string())
        }
        at = start
        skip()
        return address
    }
}

/// Walks the section item of a cache record for the parts and the GUIDs of their contents.
struct PartWalker: ~Escapable {
    private let item: RawSpan
    private var at = 0
    var parts: [(path: [UInt8], guid: GUID)] = []

    /// Deeper tables than the parser makes are damage.
    private static let deepest = 2048

    @_lifetime(copy item)
    init(_ item: RawSpan) {
        self.item = item
    }

    /// One table: the number of entries, part 0 (the message itself), the parts, then the parts' own tables in order.
    @_lifetime(self: copy self)
    mutating func table(path: [UInt8], depth: Int) {
        guard depth < Self.deepest, item.holds(4, at: at) else { return }
        let count = Int(item.bigEndian32(at: at))
        at += 4
        guard count > 0 else { return }
        let prefix = path.isEmpty ? [] : path + [UInt8(ascii: ".")]
        for number in 0..<count {
            guard item.holds(20, at: at) else {
                at = item.byteCount
                return
            }
            let guidAt = at + 20 + Int(item.bigEndian32(at: at + 16) >> 16)
            guard item.holds(28, at: guidAt) else {
                at = item.byteCount
                return
            }
            let guid = GUID(item, at: guidAt)
            if number > 0, !guid.isNone {
                var name = prefix
                name.append(decimal: number)
                parts.append((name, guid))
            }
            at = guidAt + 28
        }
        for number in 1..<max(1, count) {
            var name = prefix
            name.append(decimal: number)
            table(path: name, depth: depth + 1)
        }
    }
}
