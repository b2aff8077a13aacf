import Bytes

/// The storage engines, by the names imapd.conf's `*_db` options use.
public enum DatabaseEngine: String, Sendable, CaseIterable {
    case flat
    case skiplist
    case quotalegacy
    case twoskip
    case sql

    /// Whether a database is one file, at its path.
    var isFile: Bool { self != .quotalegacy && self != .sql }

    /// The engine whose magic stands at the start of a file of at least 32 bytes; nil when there is none (flat has no magic).
    static func detect(_ head: borrowing RawSpan) -> DatabaseEngine? {
        guard head.byteCount >= 32 else { return nil }
        if head.begins(TwoSkipHeader.magic, 16) { return .twoskip }
        if head.begins(SkipListHeader.magic, 16) { return .skiplist }
        return nil
    }
}

/// How a database is opened (Cyrus `CYRUSDB_*` flags).
public struct OpenFlags: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Make the file (and its directories) when it is missing.
    public static let create = OpenFlags(rawValue: 0x01)
    /// Keys are ordered by the "improved mailbox list sort" (`.` before every other character).
    public static let mailboxSort = OpenFlags(rawValue: 0x02)
    /// A file of another engine is converted in place.
    public static let convert = OpenFlags(rawValue: 0x04)
    /// Never checkpoint of one's own accord.
    public static let noCompact = OpenFlags(rawValue: 0x08)
    /// Transactions begun on this handle are for reading.
    public static let shared = OpenFlags(rawValue: 0x10)
    /// Records are read without checking their CRCs.
    public static let noCRC = OpenFlags(rawValue: 0x20)
}

/// What a visitor wants next.
public enum Visit: Sendable {
    case next
    case stop
}

extension RawSpan {
    /// Whether the first `count` bytes are those of `magic` (which has as many).
    func begins(_ magic: [UInt8], _ count: Int) -> Bool {
        let magic = magic.span.bytes
        return starts(with: magic.slice(0, count))
    }
}
