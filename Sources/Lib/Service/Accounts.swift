import Configuration
import CPosix
import CyrusDB
import Glibc
public import Mailbox
import SASL

/// Who users are: canonical names, admins, groups, who may act as whom, who is kept out.
public final class Accounts: SASLPolicy {
    let configuration: Configuration
    private let store: MailStore
    private let admins: [String]
    private let proxies: [String]
    private let service: String

    public init(_ store: MailStore, service: String) {
        self.store = store
        self.service = service
        configuration = store.configuration
        admins = configuration[.admins].split { $0 == " " || $0 == "\t" }.map(String.init)
        proxies = (configuration[.proxyservers] ?? "").split { $0 == " " || $0 == "\t" }.map(String.init)
    }

    /// The user id as mailboxes are named by: lower case (username_tolower), without the default domain. nil when it cannot be one.
    public func canonical(user: String) -> String? {
        var name = configuration[.username_tolower] ? user.lowercased() : user
        guard !name.isEmpty, name.utf8.count <= 256 else { return nil }
        for byte in name.utf8 where byte < 0x21 || byte >= 0x7f || "%*/\\\"!&".utf8.contains(byte) { return nil }
        guard name.utf8.first != UInt8(ascii: "."), name != "anyone", !name.hasPrefix("group:") else { return nil }
        if let at = name.lastIndex(of: "@") {
            let domain = name[name.index(after: at)...]
            if configuration[.virtdomains] != "off" {
                if domain.isEmpty || domain == configuration[.defaultdomain] { name = String(name[..<at]) }
            } else {
                // Realms that are this server's own, or the domain itself, say nothing.
                let realms = configuration[.loginrealms].split(separator: " ")
                if realms.contains(domain) || domain == configuration[.defaultdomain] { name = String(name[..<at]) }
            }
        }
        return name.isEmpty ? nil : name
    }

    /// Listed in `admins`, by name or by `group:NAME`.
    public func isAdmin(_ user: String) -> Bool { isListed(user, admins) }

    private func isListed(_ user: String, _ list: [String]) -> Bool {
        if list.contains(user) { return true }
        guard list.contains(where: { $0.hasPrefix("group:") }) else { return false }
        let groups = groups(of: user)
        return list.contains { $0.hasPrefix("group:") && groups.contains(String($0.dropFirst(6))) }
    }

    /// One may always act as oneself; admins and proxy servers as anybody; with loginuseacl whoever has right `a` on the INBOX.
    public func mayAct(authenticated: String, as requested: String) -> Bool {
        if authenticated == requested { return true }
        if isAdmin(authenticated) || isListed(authenticated, proxies) { return true }
        guard configuration[.loginuseacl], let inbox = try? store.inbox(of: requested) else { return false }
        return inbox.acl.rights(of: Identity(user: authenticated, groups: self.groups(of: authenticated))).contains(.administer)
    }

    /// The system's groups that the user is in (unix_group_enable).
    public func groups(of user: String) -> Set<String> {
        guard configuration[.unix_group_enable], configuration[.auth_mech] == "unix" else { return [] }
        var found: Set<String> = []
        var count: Int32 = 64
        if let entry = getpwnam(user) {
            var ids = [gid_t](repeating: 0, count: Int(count))
            if getgrouplist(user, entry.pointee.pw_gid, &ids, &count) < 0, count > 0, count < 65536 {
                ids = [gid_t](repeating: 0, count: Int(count))
                _ = getgrouplist(user, entry.pointee.pw_gid, &ids, &count)
            }
            for id in ids.prefix(Int(max(0, count))) {
                if let group = getgrgid(id) { found.insert(String(cString: group.pointee.gr_name)) }
            }
            return found
        }
        // Not a system user, yet perhaps listed as a member.
        setgrent()
        defer { endgrent() }
        while let group = getgrent() {
            var member = group.pointee.gr_mem
            while let name = member?.pointee {
                if String(cString: name) == user { found.insert(String(cString: group.pointee.gr_name)) }
                member = member?.advanced(by: 1)
            }
        }
        return found
    }

    public func identity(of user: String) -> Identity {
        Identity(user: user, groups: self.groups(of: user), isAdmin: isAdmin(user))
    }

    /// Whether user_deny.db keeps the user out of this service. (What it says to him nobody is told, as by Cyrus.)
    public func isDenied(_ user: String) -> Bool {
        let path = configuration[.userdeny_db_path] ?? "\(configuration.directory)/user_deny.db"
        guard let engine = DatabaseEngine(rawValue: configuration[.userdeny_db]),
            let database = try? store.databases.openIfPresent(path, engine), let value = try? database.value(Array(user.utf8))
        else { return false }
        let fields = value.split(separator: 0x09, omittingEmptySubsequences: false)
        guard fields.count >= 2, let version = Int(Array(fields[0]).text), version == 1 || version == 2 else { return false }
        return Wildmat.matches(Array(fields[1]).text, service)
    }

    /// Which limit of concurrent logins one more would break; nil when none.
    public func tooManyLogins(of user: String, from host: String) -> String? {
        let perUser = configuration[.maxlogins_per_user]
        let perHost = configuration[.maxlogins_per_host]
        guard perUser > 0 || perHost > 0 else { return nil }
        let all = ProcessRegistration.all(configuration).filter { !$0.user.isEmpty }
        if perUser > 0, all.count(where: { $0.user == user }) >= perUser { return "user" }
        if perHost > 0, all.count(where: { $0.host == host }) >= perHost { return "host" }
        return nil
    }
}

/// Comma-separated patterns with `*`, `?` and a leading `!` for what is not meant; the first that fits decides.
public enum Wildmat {
    public static func matches(_ patterns: String, _ text: String) -> Bool {
        for pattern in patterns.split(separator: ",") {
            let negated = pattern.hasPrefix("!")
            let glob = Array((negated ? pattern.dropFirst() : pattern).utf8)
            if match(glob[...], Array(text.utf8)[...]) { return !negated }
        }
        return false
    }

    private static func match(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        var p = pattern.startIndex
        var t = text.startIndex
        var star: (pattern: Int, text: Int)?
        while t < text.endIndex {
            if p < pattern.endIndex, pattern[p] == UInt8(ascii: "*") {
                star = (p, t)
                p += 1
            } else if p < pattern.endIndex, pattern[p] == text[t] || pattern[p] == UInt8(ascii: "?") {
                p += 1
                t += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                p = last.pattern + 1
                t = last.text + 1
            } else {
                return false
            }
        }
        while p < pattern.endIndex, pattern[p] == UInt8(ascii: "*") { p += 1 }
        return p == pattern.endIndex
    }
}
