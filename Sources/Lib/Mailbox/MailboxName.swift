import Bytes

/// A mailbox's name inside the store: `user.alice.Sub`, `shared.news`, `example.org!user.alice` (Cyrus "internal name").
///
/// Components are separated by `.`; a `.` within a component stands as `^`. Made from bytes of a client only through `Namespace`,
/// which refuses what cannot be a name; made from mailboxes.db as it stands there.
public struct MailboxName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let text: String

    /// A name as written in the store's own files and in the tools' arguments. Longest name: 490 bytes.
    public init(_ text: String) {
        self.text = text
    }

    public static let maximumLength = 490

    public var description: String { text }

    /// The order of mailboxes.db.
    public static func < (a: MailboxName, b: MailboxName) -> Bool {
        a.databaseKey.span.bytes.compare(b.databaseKey.span.bytes) < 0
    }

    /// The domain before `!`, nil for the default domain.
    public var domain: String? {
        text.firstIndex(of: "!").map { String(text[..<$0]) }
    }

    /// The name without its domain.
    public var local: Substring {
        text.firstIndex(of: "!").map { text[text.index(after: $0)...] } ?? text[...]
    }

    /// The components after the domain, `^` as it stands.
    public var components: [Substring] {
        local.split(separator: ".", omittingEmptySubsequences: false)
    }

    /// mailboxes.db's form (Cyrus "dbname"): the domain as it is and 0x1D for `!`; then `.` as 0x1F, and `^` as the `.` it stands for.
    public var databaseKey: [UInt8] {
        let bytes = Array(text.utf8)
        let mark = bytes.firstIndex(of: UInt8(ascii: "!"))
        var key: [UInt8] = []
        key.reserveCapacity(bytes.count)
        if let mark {
            key.append(contentsOf: bytes[..<mark])
            key.append(0x1d)
        }
        for byte in bytes[(mark.map { $0 + 1 } ?? 0)...] {
            key.append(byte == UInt8(ascii: ".") ? 0x1f : byte == UInt8(ascii: "^") ? UInt8(ascii: ".") : byte)
        }
        return key
    }

    public init(databaseKey key: RawSpan) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(key.byteCount)
        var start = 0
        if let mark = key.firstOffset(of: 0x1d) {
            bytes.append(key.slice(0, mark))
            bytes.append(UInt8(ascii: "!"))
            start = mark + 1
        }
        for i in start..<key.byteCount {
            let byte = key[i]
            bytes.append(byte == 0x1f ? UInt8(ascii: ".") : byte == UInt8(ascii: ".") ? UInt8(ascii: "^") : byte)
        }
        text = String(decoding: bytes, as: UTF8.self)
    }

    // MARK: users

    /// The user whose mailbox this is: `alice` or `alice@example.org`, `^` turned back to `.`; nil for a shared mailbox.
    /// A deleted mailbox of a user is his as well.
    public var user: String? {
        let parts = components
        let skip = isDeleted ? 1 : 0
        guard parts.count >= skip + 2, parts[skip] == "user", !parts[skip + 1].isEmpty else { return nil }
        let localPart = String(parts[skip + 1].map { $0 == "^" ? "." : $0 })
        return domain.map { "\(localPart)@\($0)" } ?? localPart
    }

    /// The INBOX of a user.
    public static func inbox(of user: String) -> MailboxName {
        let at = user.lastIndex(of: "@")
        let localPart = String((at.map { user[..<$0] } ?? user[...]).map { $0 == "." ? "^" : $0 })
        if let at { return MailboxName("\(user[user.index(after: at)...])!user.\(localPart)") }
        return MailboxName("user.\(localPart)")
    }

    /// A user's INBOX itself.
    public var isInbox: Bool {
        let parts = components
        return parts.count == 2 && parts[0] == "user"
    }

    public func belongs(to user: String) -> Bool {
        self.user == user
    }

    // MARK: trees

    /// The prefix of deleted mailboxes (`deletedprefix` default).
    public static let deletedPrefix = "DELETED"

    public var isDeleted: Bool {
        local.utf8.starts(with: "DELETED.".utf8)
    }

    /// When it was deleted, from the hexadecimal time at the end of its name.
    public var deletedTime: Int64? {
        guard isDeleted, let last = components.last else { return nil }
        return Int64(last, radix: 16)
    }

    /// The name that a deleted mailbox gets: `DELETED.NAME.HEXTIME`.
    public func deleted(at time: Int64) -> MailboxName {
        let prefix = domain.map { "\($0)!" } ?? ""
        return MailboxName("\(prefix)\(Self.deletedPrefix).\(local).\(String(time, radix: 16, uppercase: true))")
    }

    /// One level up; nil for a top-level name and for an INBOX.
    public var parent: MailboxName? {
        guard let dot = local.lastIndex(of: ".") else { return nil }
        if isInbox { return nil }
        return MailboxName(String(text[..<dot]))
    }

    public func child(_ component: String) -> MailboxName {
        MailboxName("\(text).\(component)")
    }

    public func isBelow(_ other: MailboxName) -> Bool {
        text.utf8.count > other.text.utf8.count && text.utf8.starts(with: other.text.utf8)
            && text.utf8.dropFirst(other.text.utf8.count).first == UInt8(ascii: ".")
    }

    /// This name with the part that is `old` replaced by `new`; self must be `old` or below it.
    public func moved(from old: MailboxName, to new: MailboxName) -> MailboxName {
        MailboxName(new.text + text.dropFirst(old.text.count))
    }
}
