public import Bytes

/// One value of Cyrus's dlist notation: what mailboxes.db, quota, conversations and the replication protocol are written in.
///
/// Numbers, dates, modseqs, 64-bit hex and GUIDs are strings on the wire and stay strings here, with typed makers and readers.
public indirect enum DList: Sendable, Equatable {
    /// `NIL`
    case null
    /// An atom, a quoted string or a literal, whichever the bytes need.
    case string([UInt8])
    /// Printed raw: `\Seen`, `$Forwarded`.
    case flag([UInt8])
    /// `(a b c)`
    case list([DList])
    /// `%(KEY value KEY value)`
    case keyed([Entry])
    /// `%{partition guid size}` CRLF and the bytes of a message file.
    case file(File)

    public struct Entry: Sendable, Equatable {
        public var key: [UInt8]
        public var value: DList

        public init(_ key: [UInt8], _ value: DList) {
            self.key = key
            self.value = value
        }

        public init(_ key: StaticString, _ value: DList) {
            self.init([UInt8](key), value)
        }
    }

    public struct File: Sendable, Equatable {
        public var partition: [UInt8]
        public var guid: GUID
        public var size: Int
        /// The bytes, or empty when they are kept elsewhere (spooled to disk by the reader, sent from a file by the writer).
        public var content: [UInt8]

        public init(partition: [UInt8], guid: GUID, size: Int, content: [UInt8] = []) {
            self.partition = partition
            self.guid = guid
            self.size = size
            self.content = content
        }
    }
}

// MARK: - makers

extension DList {
    public static func string(_ text: String) -> DList { .string(Array(text.utf8)) }

    /// Decimal.
    public static func number(_ value: UInt64) -> DList {
        var out: [UInt8] = []
        out.append(decimal: value)
        return .string(out)
    }

    public static func number(_ value: UInt32) -> DList { number(UInt64(value)) }

    /// Seconds since 1970, decimal.
    public static func date(_ seconds: Int64) -> DList {
        var out: [UInt8] = []
        out.append(decimal: seconds)
        return .string(out)
    }

    /// Sixteen lower-case hexadecimal digits.
    public static func hex64(_ value: UInt64) -> DList {
        var out: [UInt8] = []
        out.append(hex: value, width: 16)
        return .string(out)
    }

    public static func guid(_ guid: GUID) -> DList {
        var out: [UInt8] = []
        out.append(hex: guid)
        return .string(out)
    }
}

// MARK: - readers

extension DList {
    /// The bytes of a string or flag.
    public var bytes: [UInt8]? {
        switch self {
        case .string(let bytes), .flag(let bytes): bytes
        default: nil
        }
    }

    /// The bytes of a string or flag as text.
    public var text: String? { bytes?.text }

    /// The number of a string that is decimal and within 64 bits.
    public var number: UInt64? { bytes.flatMap { $0.span.bytes.decimal } }

    public var number32: UInt32? { number.flatMap { UInt32(exactly: $0) } }

    /// Seconds since 1970; may be negative.
    public var date: Int64? {
        guard let bytes else { return nil }
        if bytes.first == UInt8(ascii: "-") {
            return bytes.span.bytes.dropping(1).decimal.flatMap { Int64(exactly: $0) }.map { -$0 }
        }
        return number.flatMap { Int64(exactly: $0) }
    }

    public var hex64: UInt64? { bytes.flatMap { $0.span.bytes.hexadecimal } }
    public var guid: GUID? { bytes.flatMap { GUID(hex: $0.span.bytes) } }

    public var list: [DList]? {
        if case .list(let items) = self { return items }
        return nil
    }

    public var entries: [Entry]? {
        if case .keyed(let entries) = self { return entries }
        return nil
    }

    /// The value of a key (compared as it is written) of a keyed list.
    public subscript(_ key: StaticString) -> DList? {
        guard case .keyed(let entries) = self else { return nil }
        return entries.first { $0.key.span.bytes.equals([UInt8](key)) }?.value
    }
}
