import Mailbox

/// Where one mailbox's files are, and its user's.
struct MailboxPaths {
    let archive: String
    let data: String
    let meta: String
    let sieve: String
    let user: String
    private let name: MailboxName
    private let userFiles: [(name: String, path: String)]

    /// nil when the mailbox's partition is not configured.
    init?(_ store: MailStore, _ entry: MailboxEntry) {
        let layout = store.layout
        guard let data = layout.dataDirectory(entry), let meta = layout.metaDirectory(entry, .header) else { return nil }
        self.data = data
        self.meta = meta
        archive = layout.archiveDirectory(entry) ?? data
        name = entry.name
        guard let owner = entry.name.user else {
            sieve = layout.sharedSieveDirectory(domain: entry.name.domain)
            let path = layout.sharedPath(.seen, domain: entry.name.domain)
            user = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? layout.configDirectory
            userFiles = []
            return
        }
        let inbox = (try? store.inbox(of: owner)) ?? nil
        sieve = layout.sieveDirectory(user: owner, inbox: inbox) ?? ""
        user = layout.userDirectory(user: owner, inbox: inbox)
        let files: [(String, Layout.UserFile)] = [
            ("conversations", .conversations), ("counters", .counters), ("dav", .dav), ("seen", .seen), ("sub", .sub),
            ("xapianactive", .xapianactive),
        ]
        userFiles = (files.map { (name: $0.0, path: layout.userPath($0.1, user: owner, inbox: inbox)) } + [(name: "sieve", path: sieve)])
            .sorted { $0.name < $1.name }
    }

    /// All of it as an object, keys sorted, two spaces a level.
    var json: String {
        let parts = name.components.map(String.init)
        let owner = name.user
        let boxes = owner == nil ? parts : Array(parts.dropFirst(name.isDeleted ? 3 : 2))
        var mailbox: [String] = []
        let list = boxes.map { "      \(Self.quoted($0))" }.joined(separator: ",\n")
        mailbox.append("    \"boxes\": " + (boxes.isEmpty ? "[]" : "[\n\(list)\n    ]"))
        if let domain = name.domain { mailbox.append("    \"domain\": \(Self.quoted(domain))") }
        mailbox.append("    \"intname\": \(Self.quoted(name.text))")
        if let owner {
            mailbox.append("    \"localpart\": \(Self.quoted(String(owner.prefix { $0 != "@" })))")
            mailbox.append("    \"userid\": \(Self.quoted(owner))")
        }
        var members = [
            "  \"archive\": \(Self.quoted(archive))", "  \"data\": \(Self.quoted(data))",
            "  \"mbname\": {\n\(mailbox.joined(separator: ",\n"))\n  }", "  \"meta\": \(Self.quoted(meta))",
        ]
        if owner != nil {
            let files = userFiles.map { "    \(Self.quoted($0.name)): \(Self.quoted($0.path))" }.joined(separator: ",\n")
            members.append("  \"user\": {\n\(files)\n  }")
            members.append("  \"xapian\": {}")
        }
        return "{\n\(members.joined(separator: ",\n"))\n}"
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{0}"..."\u{1f}":
                let digits = String(scalar.value, radix: 16, uppercase: true)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
