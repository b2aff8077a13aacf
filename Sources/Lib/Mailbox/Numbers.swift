/// A message's number for life in its mailbox (RFC 3501 2.3.1.1).
public struct UID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
    @inlinable public init(_ value: UInt32) { rawValue = value }
    @inlinable public static func < (a: UID, b: UID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
    public static let none = UID(0)
}

/// The count of changes to a mailbox (or, with conversations, to a user's mail) at which something was last changed (RFC 7162).
public struct ModSeq: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable public init(_ value: UInt64) { rawValue = value }
    @inlinable public static func < (a: ModSeq, b: ModSeq) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
    public static let none = ModSeq(0)
}

/// Changes when UIDs of a mailbox of that name no longer mean the same messages (RFC 3501 2.3.1.1).
public struct UIDValidity: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
    @inlinable public init(_ value: UInt32) { rawValue = value }
    @inlinable public static func < (a: UIDValidity, b: UIDValidity) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}

/// The conversation a message belongs to (Cyrus `cid`, IMAP THREADID); 0 when conversations are off.
public struct ConversationID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable public init(_ value: UInt64) { rawValue = value }
    public static let none = ConversationID(0)
    /// Sixteen lower-case hexadecimal digits.
    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

/// A mailbox's identity through renames (Cyrus `uniqueid`): opaque text, 24 characters of [0-9a-z] or a UUID.
public struct UniqueID: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    /// nil when the text cannot name a directory: empty, over 64 characters, or with characters other than letters, digits and `-`.
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= 64, text.utf8.allSatisfy({ $0.isUniqueIDByte }) else { return nil }
        self.text = text
    }

    /// A new one, 24 characters of [0-9a-z] as Debian's Cyrus makes them.
    public static func make() -> UniqueID {
        let alphabet = Array("0123456789abcdefghijklmnopqrstuvwxyz".utf8)
        var source = SystemRandomNumberGenerator()
        let bytes = (0..<24).map { _ in alphabet[Int.random(in: 0..<36, using: &source)] }
        return UniqueID(unchecked: String(decoding: bytes, as: UTF8.self))
    }

    private init(unchecked text: String) {
        self.text = text
    }

    public var description: String { text }
}

extension UInt8 {
    fileprivate var isUniqueIDByte: Bool {
        (0x30...0x39).contains(self) || (0x41...0x5a).contains(self) || (0x61...0x7a).contains(self) || self == 0x2d
    }
}
