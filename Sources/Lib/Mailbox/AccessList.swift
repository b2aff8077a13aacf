import DList

/// Who may do what with a mailbox: identifiers with rights, in the order they were set; `-identifier` takes rights away (RFC 4314).
public struct AccessList: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public var identifier: String
        public var rights: Rights

        public init(_ identifier: String, _ rights: Rights) {
            self.identifier = identifier
            self.rights = rights
        }
    }

    public var entries: [Entry]

    public init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    /// Reads `id TAB rights TAB id TAB rights TAB`; a rest without rights is passed over.
    public init(text: String) {
        entries = []
        let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
        var i = 0
        while i + 1 < fields.count {
            if !fields[i].isEmpty { entries.append(Entry(String(fields[i]), Rights(fields[i + 1]))) }
            i += 2
        }
    }

    /// Reads the keyed list of mailboxes.db and cyrus.header.
    public init(_ list: DList) {
        entries = (list.entries ?? []).map { Entry($0.key.text, Rights($0.value.text ?? "")) }
    }

    public var list: DList {
        .keyed(entries.map { DList.Entry(Array($0.identifier.utf8), .string($0.rights.description)) })
    }

    /// `id TAB rights TAB` for each, as replication and DUMP send it.
    public var text: String {
        entries.map { "\($0.identifier)\t\($0.rights)\t" }.joined()
    }

    /// The rights of someone: all that are granted to any of his identifiers, less all that are taken from any.
    public func rights(of identity: Identity) -> Rights {
        var granted: Rights = []
        var taken: Rights = []
        for entry in entries {
            if entry.identifier.utf8.first == UInt8(ascii: "-"), identity.isMember(of: entry.identifier.dropFirst()) {
                taken.formUnion(entry.rights)
            } else if identity.isMember(of: entry.identifier[...]) {
                granted.formUnion(entry.rights)
            }
        }
        return granted.subtracting(taken)
    }

    /// What is to be done to an identifier's rights.
    public enum Change: Sendable {
        case set(Rights)
        case add(Rights)
        case remove(Rights)
    }

    /// Changes an identifier's rights; an entry left without any goes.
    public mutating func change(_ identifier: String, _ change: Change) {
        let index = entries.firstIndex { $0.identifier == identifier }
        var rights = index.map { entries[$0].rights } ?? []
        switch change {
        case .set(let value): rights = value
        case .add(let value): rights.formUnion(value)
        case .remove(let value): rights.subtract(value)
        }
        if let index {
            if rights.isEmpty { entries.remove(at: index) } else { entries[index].rights = rights }
        } else if !rights.isEmpty {
            entries.append(Entry(identifier, rights))
        }
    }

    public mutating func remove(_ identifier: String) {
        entries.removeAll { $0.identifier == identifier }
    }
}

/// Someone who asks for access: the user and the groups he is in (Cyrus `auth_state`).
public struct Identity {
    /// nil for nobody in particular (an unauthenticated sender).
    public let user: String?
    /// Listed in `admins`: implicit rights to look up and administer everywhere.
    public let isAdmin: Bool
    private let lookup: GroupLookup

    /// Finds the groups when an ACL first asks for one: most never do, and the system's databases are slow.
    private final class GroupLookup {
        private let find: () -> Set<String>
        private(set) lazy var groups = find()
        init(_ find: @escaping () -> Set<String>) { self.find = find }
    }

    /// `groups` gives names without `group:`.
    public init(user: String?, groups: @autoclosure @escaping () -> Set<String> = [], isAdmin: Bool = false) {
        self.user = user
        self.isAdmin = isAdmin
        lookup = GroupLookup(groups)
    }

    public static var anonymous: Identity { Identity(user: nil) }

    /// Names of groups, without `group:`.
    public var groups: Set<String> { lookup.groups }

    func isMember(of identifier: Substring) -> Bool {
        if identifier == "anyone" { return true }
        if identifier == "anonymous" { return user == nil || user == "anonymous" }
        guard let user else { return false }
        if identifier == user { return true }
        return identifier.hasPrefix("group:") && groups.contains(String(identifier.dropFirst(6)))
    }
}
