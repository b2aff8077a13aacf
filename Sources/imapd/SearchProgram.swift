import Bytes
import Charset
import Index
import Mailbox
import Message
import Posix

/// What SEARCH looks for (RFC 3501 6.4.4, with RFC 5032's OLDER and YOUNGER).
indirect enum SearchKey {
    case all
    case and([SearchKey])
    case or(SearchKey, SearchKey)
    case not(SearchKey)
    case sequence(SequenceSet)
    case uid(SequenceSet)
    case flags(set: MessageFlags, clear: MessageFlags)
    case recent(Bool)
    case new
    case keyword([UInt8], Bool)
    case larger(UInt64)
    case smaller(UInt64)
    /// A day in local time, as a range of moments of the internal date.
    case internalDate(Range<Int64>)
    case sentDate(Range<Int64>)
    case older(Int64)
    case younger(Int64)
    case header([UInt8], [UInt8])
    case cached(CacheItem, [UInt8])
    case body([UInt8])
    case text([UInt8])

    /// Cheap keys are asked first.
    var cost: Int {
        switch self {
        case .all, .sequence, .uid, .flags, .recent, .new, .keyword: 0
        case .larger, .smaller, .internalDate, .sentDate, .older, .younger: 1
        case .cached: 2
        case .header: 3
        case .body, .text: 4
        case .and(let keys): keys.map(\.cost).max() ?? 0
        case .or(let a, let b): max(a.cost, b.cost)
        case .not(let key): key.cost
        }
    }
}

/// Reads a search program. Strings are decoded to UTF-8 from the charset that was named.
struct SearchParser {
    private var charset: [UInt8]
    private var depth = 0
    private let now = Clock.now
    static let maximumDepth = 100

    private init(_ charset: [UInt8]) {
        self.charset = charset
    }

    /// `[CHARSET name] key…` to the end of the command. An unknown charset is `.bad("Unrecognized character set")`.
    static func parse(_ parser: inout CommandParser) throws(ParseFailure) -> SearchKey {
        var charset = [UInt8]("US-ASCII")
        let start = parser.at
        if let word = try? parser.word(), word == [UInt8]("CHARSET") {
            try parser.space()
            charset = try parser.astring()
            guard Charset.isKnown(charset.span.bytes) else { throw .bad("Unrecognized character set") }
            try parser.space()
        } else {
            parser.rewind(to: start)
        }
        var search = SearchParser(charset)
        let key = try search.keys(&parser, until: nil)
        try parser.end()
        return key
    }

    private mutating func keys(_ parser: inout CommandParser, until close: UInt8?) throws(ParseFailure) -> SearchKey {
        depth += 1
        guard depth <= Self.maximumDepth else { throw .bad("Search program is nested too deeply") }
        defer { depth -= 1 }
        var keys = [try key(&parser)]
        while true {
            if let close, parser.take(close) { break }
            if parser.isAtEnd {
                if close != nil { throw .bad("Missing required close paren in Search command") }
                break
            }
            try parser.space()
            keys.append(try key(&parser))
        }
        // The order of asking is by what it costs; what is found is the same.
        return keys.count == 1 ? keys[0] : .and(keys.sorted { $0.cost < $1.cost })
    }

    private mutating func key(_ parser: inout CommandParser) throws(ParseFailure) -> SearchKey {
        if parser.take(UInt8(ascii: "(")) { return try keys(&parser, until: UInt8(ascii: ")")) }
        if let byte = parser.peek, byte.isASCIIDigit || byte == UInt8(ascii: "*") { return .sequence(try parser.sequenceSet()) }
        let word = try parser.word()
        switch word.text {
        case "ALL": return .all
        case "ANSWERED": return .flags(set: .answered, clear: [])
        case "UNANSWERED": return .flags(set: [], clear: .answered)
        case "DELETED": return .flags(set: .deleted, clear: [])
        case "UNDELETED": return .flags(set: [], clear: .deleted)
        case "DRAFT": return .flags(set: .draft, clear: [])
        case "UNDRAFT": return .flags(set: [], clear: .draft)
        case "FLAGGED": return .flags(set: .flagged, clear: [])
        case "UNFLAGGED": return .flags(set: [], clear: .flagged)
        case "SEEN": return .flags(set: .seen, clear: [])
        case "UNSEEN": return .flags(set: [], clear: .seen)
        case "NEW": return .new
        case "RECENT": return .recent(true)
        case "OLD": return .recent(false)
        case "NOT":
            try parser.space()
            depth += 1
            guard depth <= Self.maximumDepth else { throw .bad("Search program is nested too deeply") }
            defer { depth -= 1 }
            return .not(try key(&parser))
        case "OR":
            try parser.space()
            depth += 1
            guard depth <= Self.maximumDepth else { throw .bad("Search program is nested too deeply") }
            defer { depth -= 1 }
            let first = try key(&parser)
            try parser.space()
            return .or(first, try key(&parser))
        case "UID":
            try parser.space()
            return .uid(try parser.sequenceSet())
        case "KEYWORD", "UNKEYWORD":
            try parser.space()
            return .keyword(try parser.flag(), word.count == 7)
        case "LARGER":
            try parser.space()
            return .larger(UInt64(try parser.number()))
        case "SMALLER":
            try parser.space()
            return .smaller(UInt64(try parser.number()))
        case "BEFORE": return .internalDate(Int64.min..<(try day(&parser).lowerBound))
        case "ON": return .internalDate(try day(&parser))
        case "SINCE": return .internalDate((try day(&parser).lowerBound)..<Int64.max)
        case "SENTBEFORE": return .sentDate(Int64.min..<(try day(&parser).lowerBound))
        case "SENTON": return .sentDate(try day(&parser))
        case "SENTSINCE": return .sentDate((try day(&parser).lowerBound)..<Int64.max)
        case "OLDER":
            try parser.space()
            return .older(now - Int64(try parser.number()))
        case "YOUNGER":
            try parser.space()
            return .younger(now - Int64(try parser.number()))
        case "FROM": return .cached(.from, try string(&parser))
        case "TO": return .cached(.to, try string(&parser))
        case "CC": return .cached(.cc, try string(&parser))
        case "BCC": return .cached(.bcc, try string(&parser))
        case "SUBJECT": return .cached(.subject, try string(&parser))
        case "BODY": return .body(try string(&parser))
        case "TEXT": return .text(try string(&parser))
        case "HEADER":
            try parser.space()
            let name = try parser.astring().asciiLowercased
            let value = try string(&parser)
            switch name.text {
            case "from": return .cached(.from, value)
            case "to": return .cached(.to, value)
            case "cc": return .cached(.cc, value)
            case "bcc": return .cached(.bcc, value)
            case "subject": return .cached(.subject, value)
            default: return .header(name, value)
            }
        default: throw .bad("Invalid Search criteria")
        }
    }

    private func string(_ parser: inout CommandParser) throws(ParseFailure) -> [UInt8] {
        try parser.space()
        let raw = try parser.astring()
        do throws(UnknownCharset) {
            return try Charset.utf8(of: raw.span.bytes, in: charset.span.bytes)
        } catch {
            throw .bad("Unrecognized character set")
        }
    }

    /// `d-Mon-yyyy`, quoted or not, as that day's moments in local time.
    private func day(_ parser: inout CommandParser) throws(ParseFailure) -> Range<Int64> {
        try parser.space()
        let text = parser.peek == UInt8(ascii: "\"") ? try parser.quoted() : try parser.atom()
        let parts = text.split(separator: UInt8(ascii: "-")).map { Array($0) }
        let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        guard parts.count == 3, let day = Int(parts[0].text), day >= 1, day <= 31,
            let month = months.firstIndex(of: parts[1].asciiLowercased.text), let year = Int(parts[2].text), year >= 1900, year <= 9999
        else { throw .bad("Invalid date in Search command") }
        let start = Clock.time(year: year, month: month + 1, day: day, hour: 0, minute: 0, second: 0)
        let end = Clock.time(year: year, month: month + 1, day: day + 1, hour: 0, minute: 0, second: 0)
        return start..<max(start, end)
    }
}
