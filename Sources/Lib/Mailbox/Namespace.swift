import Bytes
import Charset
import Configuration

/// How mailbox names look to a client: hierarchy separator, alternate namespace, virtual domains (Cyrus `struct namespace`).
///
/// Admins always see names as the store has them, with the client's separator.
public struct Namespace: Sendable {
    public enum VirtualDomains: Sendable { case off, userid, on }

    public let isAdmin: Bool
    /// `.`, or `/` with unixhierarchysep.
    public let separator: UInt8
    /// Personal folders stand beside INBOX.
    public let isAlternate: Bool
    public let virtualDomains: VirtualDomains
    public let defaultDomain: String
    /// With their separators: `Other Users/`, `Shared Folders/`, `Alt Folders`.
    public let usersPrefix: String
    public let sharedPrefix: String
    let altPrefix: String
    public let hidesUsers: Bool
    public let hidesShared: Bool
    /// The user whose personal folders are meant by INBOX; nil for nobody.
    public let user: String?

    public init(_ configuration: Configuration, user: String?, isAdmin: Bool) {
        self.isAdmin = isAdmin
        self.user = user
        separator = configuration[.unixhierarchysep] ? UInt8(ascii: "/") : UInt8(ascii: ".")
        let mark = String(UnicodeScalar(separator))
        isAlternate = configuration[.altnamespace] && !isAdmin
        switch configuration[.virtdomains] {
        case "off": virtualDomains = .off
        case "userid": virtualDomains = .userid
        default: virtualDomains = .on
        }
        defaultDomain = configuration[.defaultdomain]
        func prefix(_ text: String) -> String { text.hasSuffix(mark) ? text : text + mark }
        usersPrefix = isAlternate ? prefix(configuration[.userprefix]) : "user\(mark)"
        sharedPrefix = isAlternate ? prefix(configuration[.sharedprefix]) : ""
        altPrefix = configuration[.altprefix]
        hidesUsers = configuration[.disable_user_namespace]
        hidesShared = configuration[.disable_shared_namespace]
    }

    private var mark: Character { Character(UnicodeScalar(separator)) }
    private var userLocal: String? { user.map { String($0.prefix { $0 != "@" }) } }
    private var userDomain: String? {
        guard virtualDomains != .off, let user, let at = user.lastIndex(of: "@") else { return nil }
        let domain = String(user[user.index(after: at)...])
        return domain == defaultDomain ? nil : domain
    }

    // MARK: from clients

    /// The internal name of what a client (or an admin's tool) wrote; empty components fall away as in Cyrus.
    ///
    /// Only the form is judged here, and leniently, so that any mailbox that exists can be named; `validate` is asked before one is made.
    public func internalName(_ external: RawSpan) throws(MailboxError) -> MailboxName {
        var text = external.text
        guard text.utf8.count == external.byteCount, external.byteCount <= 4096 else { throw .badName(text) }
        var domain = userDomain
        if virtualDomains != .off, isAdmin, let at = text.lastIndex(of: "@") {
            let named = String(text[text.index(after: at)...])
            domain = named == defaultDomain || named.isEmpty ? nil : named
            text = String(text[..<at])
        }
        let parts = text.split(separator: mark, omittingEmptySubsequences: true).map(String.init)
        guard let first = parts.first else { throw .badName(text) }
        let internalParts: [String]
        if first.lowercased() == "inbox", let user, !isAlternate || parts.count == 1 {
            return name(MailboxName.inbox(of: user), parts.dropFirst())
        } else if isAlternate {
            if let rest = Self.strip(usersPrefix, text, mark) {
                internalParts = ["user"] + rest
            } else if let rest = Self.strip(sharedPrefix, text, mark) {
                internalParts = rest
            } else if let user {
                if let rest = Self.strip(altPrefix, text, mark), !rest.isEmpty { return name(MailboxName.inbox(of: user), rest[...]) }
                return name(MailboxName.inbox(of: user), parts[...])
            } else {
                throw .badName(text)
            }
        } else {
            internalParts = parts
        }
        guard !internalParts.isEmpty else { throw .badName(text) }
        // Somebody of another domain: `user.bob@example.org`.
        if virtualDomains != .off, internalParts.count >= 2, internalParts[0] == "user", let at = internalParts[1].lastIndex(of: "@") {
            let named = String(internalParts[1][internalParts[1].index(after: at)...])
            domain = named == defaultDomain ? nil : named
            let local = String(internalParts[1][..<at])
            let path = (["user", local] + internalParts.dropFirst(2)).map(escape).joined(separator: ".")
            return MailboxName(domain.map { "\($0)!\(path)" } ?? path)
        }
        let path = internalParts.map(escape).joined(separator: ".")
        return MailboxName(domain.map { "\($0)!\(path)" } ?? path)
    }

    public func internalName(_ external: String) throws(MailboxError) -> MailboxName {
        try internalName(Array(external.utf8).span.bytes)
    }

    private func name(_ inbox: MailboxName, _ rest: ArraySlice<String>) -> MailboxName {
        MailboxName(([inbox.text] + rest.map(escape)).joined(separator: "."))
    }

    /// A `.` inside a component is kept as `^` when `/` separates (and the reverse is not allowed in a name).
    private func escape(_ component: String) -> String {
        separator == UInt8(ascii: "/") ? String(component.map { $0 == "." ? "^" : $0 }) : component
    }

    private func unescape(_ component: Substring) -> String {
        separator == UInt8(ascii: "/") ? String(component.map { $0 == "^" ? "." : $0 }) : String(component)
    }

    /// The components of `text` below `prefix` (which may end in the separator); nil when it is not below, [] when it is the prefix.
    private static func strip(_ prefix: String, _ text: String, _ mark: Character) -> [String]? {
        let bare = prefix.hasSuffix(String(mark)) ? String(prefix.dropLast()) : prefix
        if bare.isEmpty { return nil }
        if text == bare { return [] }
        guard text.hasPrefix(bare + String(mark)) else { return nil }
        return text.dropFirst(bare.count + 1).split(separator: mark, omittingEmptySubsequences: true).map(String.init)
    }

    // MARK: to clients

    /// The name as the client writes it.
    public func externalName(_ name: MailboxName) -> String {
        let parts = name.components
        let separatorText = String(mark)
        func joined(_ parts: some Sequence<Substring>) -> String { parts.map(unescape).joined(separator: separatorText) }
        if let user, !isAdmin || name.isInbox || !name.isDeleted, !name.isDeleted, name.user == user || name.user == canonical(user) {
            let rest = parts.dropFirst(2)
            if rest.isEmpty { return "INBOX" }
            if !isAlternate { return "INBOX" + separatorText + joined(rest) }
            // Folders that look like INBOX to a client are shown below another name.
            if let first = rest.first, first.lowercased() == "inbox", !(first == "INBOX" && rest.count > 1) {
                return altPrefix + separatorText + joined(rest)
            }
            return joined(rest)
        }
        var base: String
        if parts.first == "user", parts.count >= 2, !name.isDeleted {
            var owner = unescape(parts[1])
            if !isAdmin, let domain = name.domain, domain != userDomain { owner += "@\(domain)" }
            base = usersPrefix + ([owner] + parts.dropFirst(2).map(unescape)).joined(separator: separatorText)
        } else {
            base = sharedPrefix + joined(parts)
        }
        if isAdmin, virtualDomains != .off, let domain = name.domain { base += "@\(domain)" }
        return base
    }

    private func canonical(_ user: String) -> String {
        guard let domain = userDomain else { return userLocal ?? user }
        return "\(userLocal ?? user)@\(domain)"
    }
}

extension MailboxName {
    /// Whether a mailbox of this name may be made: length, characters, modified UTF-7, and what Cyrus keeps for itself.
    public func validate() throws(MailboxError) {
        guard text.utf8.count <= Self.maximumLength else { throw .badName(text) }
        let parts = components
        guard let first = parts.first, !first.isEmpty, first.utf8.first != UInt8(ascii: "~") else { throw .badName(text) }
        if parts.count == 1, first == "user" { throw .badName(text) }
        for part in parts {
            guard !part.isEmpty else { throw .badName(text) }
            var bytes = Array(part.utf8)
            for byte in bytes where !Self.isAllowed(byte) { throw .badName(text) }
            // `^` stands for `.`; modified UTF-7 knows neither, so they are judged as letters.
            bytes = bytes.map { $0 == UInt8(ascii: "^") ? UInt8(ascii: "x") : $0 }
            guard ModifiedUTF7.isValid(bytes.span.bytes) else { throw .badName(text) }
        }
    }

    /// Cyrus's list of characters good for names, with `&` as the start of modified UTF-7.
    static func isAllowed(_ byte: UInt8) -> Bool {
        if byte.isASCIIAlphanumeric { return true }
        return " #$&'()*+,-.:=?@[]^_~".utf8.contains(byte)
    }
}
