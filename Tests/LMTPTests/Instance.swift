import DebianCyrus
import Foundation

/// One spool, served by Debian's lmtpd and by ours: each with the default options, with others, and for clients that must authenticate.
/// Debian's side delivers to users `d…`, ours to users `o…`.
enum Instance {
    struct Side: Sendable {
        /// What a recipient's name starts with.
        let prefix: String
        /// Services by the names of `Kind`.
        let name: String
    }

    static let debian = Side(prefix: "d", name: "deb")
    static let ours = Side(prefix: "o", name: "our")

    enum Kind: String, CaseIterable, Sendable {
        case plain, loose, domains, login

        var options: [String] {
            switch self {
            case .plain, .login: []
            case .loose:
                [
                    "lmtp_strict_rfc2821: no", "lmtp_fuzzy_mailbox_match: yes", "maxmessagesize: 3000", "reject8bit: yes",
                    "lmtp_over_quota_perm_failure: yes", "lmtp_strict_quota: yes", "postuser: bb", "duplicatesuppression: no",
                ]
            case .domains:
                [
                    "virtdomains: userid", "defaultdomain: example.org", "unixhierarchysep: yes", "lmtp_downcase_rcpt: no",
                    "autocreate_post: yes", "autocreate_quota: 100", "autocreate_inbox_folders: Sent | Drafts", "munge8bit: no",
                    "soft_noauth: no",
                ]
            }
        }
    }

    static let users = ["a", "q", "m", "x.y", "files"]

    nonisolated(unsafe) static let cyrus: DebianCyrus? = {
        do { return try make() } catch {
            print("no instance: \(error)")
            return nil
        }
    }()

    private static func make() throws -> DebianCyrus {
        var services: [DebianCyrus.Service] = [.imap]
        var options = ["sasl_mech_list: PLAIN CRAM-MD5"]
        for side in [debian, ours] {
            for kind in Kind.allCases {
                let name = side.name + kind.rawValue
                let program = side.name == "deb" ? "lmtpd" : OurPrograms.path("lmtpd")
                services.append(.init(name, command: program + (kind == .login ? "" : " -a")))
                options += kind.options.map { "\(name)_\($0)" }
            }
        }
        let cyrus = try DebianCyrus(
            services: services, options: options,
            users: [debian, ours].flatMap { side in users.map { side.prefix + $0.replacingOccurrences(of: ".", with: "^") } })
        let admin = try IMAPConnection(port: cyrus.port("imap"))
        try admin.login("cyrus")
        for side in [debian, ours] {
            let user = "user.\(side.prefix)a"
            for folder in ["Sub", "Sub.Deep", "\"Some Folder\"", "Closed", "ByAuth"] {
                let name = folder.hasPrefix("\"") ? "\"\(user).\(folder.dropFirst())" : "\(user).\(folder)"
                try admin.expectOK("CREATE \(name)")
                let who = folder == "ByAuth" ? "carl" : folder == "Closed" ? nil : "anyone"
                if let who { try admin.expectOK("SETACL \(name) \(who) p") }
            }
            try admin.expectOK("SETQUOTA user.\(side.prefix)q (STORAGE 1)")
            try admin.expectOK("SETQUOTA user.\(side.prefix)m (MESSAGE 1)")
        }
        for name in ["shared", "shared.open", "shared.seen", "shared.closed"] { try admin.expectOK("CREATE \(name)") }
        try admin.expectOK("SETACL shared.open anyone lrsp")
        try admin.expectOK("SETACL shared.seen anyone lrs")
        try admin.expectOK("DELETEACL shared.closed anyone")
        return cyrus
    }

    static func connect(_ side: Side, _ kind: Kind = .plain) throws -> LMTPConnection {
        guard let cyrus else { throw DebianCyrus.Failure(description: "Debian's Cyrus did not start") }
        return try LMTPConnection(port: cyrus.port(side.name + kind.rawValue))
    }

    /// The message files of a mailbox (internal name) in the order of their UIDs.
    static func messages(_ mailbox: String) throws -> [(path: String, bytes: [UInt8])] {
        guard let cyrus else { return [] }
        let folder = try cyrus.mailboxFolder(mailbox)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".") && $0.first?.isNumber == true }
        return try names.sorted { Int($0.dropLast()) ?? 0 < Int($1.dropLast()) ?? 0 }.map { name in
            ("\(folder)/\(name)", [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))))
        }
    }

    /// What differs by nature: versions, session ids, process ids, times, users' names.
    static func normalized(_ text: String, _ side: Side) -> String {
        var text = text
        for (pattern, with) in [
            ("3\\.6\\.1-[-A-Za-z0-9.+]*", "VERSION"), ("SESSIONID=<[^>]*>", "SESSIONID=<S>"),
            ("X-Cyrus-Session-Id: .*", "X-Cyrus-Session-Id: S"),
            ("cmu-lmtpd-[0-9]+-[0-9]+-[0-9]+@", "cmu-lmtpd-N@"), ("Message size \\([0-9]+\\)", "Message size (N)"),
            ("\t [A-Z][a-z][a-z], [0-9]+ [A-Z][a-z][a-z] 20[0-9][0-9] [0-9:]+ [-+][0-9]+", "\t DATE"),
            ("\nDate: [A-Z][a-z][a-z], [0-9]+ [A-Z][a-z][a-z] 20[0-9][0-9] [0-9:]+ [-+][0-9]+", "\nDate: DATE"),
            ("\\b\(side.prefix)(a|q|m|x\\.y|files)\\b", "USER$1"),
        ] {
            text = text.replacingOccurrences(of: pattern, with: with, options: .regularExpression)
        }
        return text
    }
}
