import DebianCyrus
import Foundation
import Testing

/// What tools do to single records of databases, beside Debian's.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct RepairedRecordsTests {
    private static func tool(_ file: String, _ engine: String, _ words: [String]) throws -> String {
        try ToolComparison.run("\(DebianCyrus.programs)/cyr_dbtool", [file, engine] + words).output
    }

    private static func find(_ folder: String, _ name: String) throws -> String {
        try ToolComparison.run("/usr/bin/find", [folder, "-name", name]).output.split(separator: "\n").map(String.init).sorted().last ?? ""
    }

    private static func append(_ imap: IMAPConnection, _ id: String, _ more: String = "", to mailbox: String = "INBOX") throws {
        let text = "Message-ID: <\(id)@example.org>\r\nSubject: \(id)\r\n\(more)\r\ntext\r\n"
        #expect(try imap.append(Array(text.utf8), to: mailbox, date: "21-Nov-2026 10:00:00 +0000").hasPrefix("OK"))
    }

    @Test(arguments: ["yes", "no"])
    func `cyr_expire prunes message ids as Debian's`(keepExisting: String) throws {
        let comparison = try ToolComparison(
            options: ["conversations: yes", "conversations_keep_existing: \(keepExisting)"], users: ["alice"]
        ) { cyrus in
            let imap = try IMAPConnection(port: cyrus.port("imap"))
            try imap.login("alice")
            for id in ["one", "three", "four"] { try Self.append(imap, id) }
            try Self.append(imap, "two", "References: <one@example.org>\r\nIn-Reply-To: <zero@example.org>\r\n")
            _ = try imap.command("LOGOUT")
            let path = try Self.find("\(cyrus.folder)/conf/user", "conversations.db")
            let old = Int(Date().timeIntervalSince1970) - 91 * 86400
            for line in try Self.tool(path, "skiplist", ["show"]).split(separator: "\n")
            where line.hasPrefix("<one") || line.hasPrefix("<three") {
                let parts = line.split(separator: "\t")
                let value = parts[1].split(separator: " ").dropLast().joined(separator: " ")
                _ = try Self.tool(path, "skiplist", ["set", String(parts[0]), "\(value) \(old)"])
            }
            _ = try ToolComparison.run("/bin/chown", ["-R", "cyrus:mail", cyrus.folder])
        }
        defer { comparison.remove() }
        func ids(_ folder: String) throws -> [String] {
            let path = try Self.find("\(folder)/conf/user", "conversations.db")
            return try Self.tool(path, "skiplist", ["show"]).split(separator: "\n").filter { $0.hasPrefix("<") }.map(String.init)
        }
        let before = try ids(comparison.copy.path)
        #expect(before.count == 5)
        guard keepExisting == "yes" else {
            for arguments in [["-E", "1", "-c", "-v"], ["-E", "0", "-v"], ["-E", "1", "-v"], ["-E", "1", "-x", "-v"]] {
                let debian = try comparison.debian("cyr_expire", arguments)
                #expect(try comparison.ours("cyr_expire", arguments) == debian, "\(arguments)")
                #expect(try ids(comparison.copy.path) == ids(comparison.cyrus.folder), "\(arguments)")
            }
            #expect(try ids(comparison.copy.path).count == 3)
            return
        }
        // Debian's takes ids that are seconds old then, and leaves others that lead nowhere: ours does what the option says.
        let path = try Self.find("\(comparison.copy.path)/conf/user", "conversations.db")
        _ = try Self.tool(path, "skiplist", ["set", "<gone@example.org>", "0 0123456789abcdef 1700000000"])
        _ = try Self.tool(path, "skiplist", ["set", "<damaged@example.org>", "0 zz 1700000000"])
        #expect(try comparison.ours("cyr_expire", ["-E", "1"]).status == 0)
        #expect(try ids(comparison.copy.path).filter { !$0.hasPrefix("<damaged") } == before)
    }

    @Test func `a new unique id is in the mailbox's own file too`() throws {
        let comparison = try ToolComparison(options: ["conversations: no", "mailbox_legacy_dirs: yes"], users: ["alice"]) { cyrus in
            let imap = try IMAPConnection(port: cyrus.port("imap"))
            try imap.login("alice")
            try imap.expectOK("CREATE INBOX.x")
            try Self.append(imap, "one", to: "INBOX.x")
            let list = "\(cyrus.folder)/conf/mailboxes.db"
            let key = "Nuser\u{1f}alice\u{1f}x"
            let value = try Self.tool(list, "twoskip", ["get", key]).trimmingCharacters(in: .whitespacesAndNewlines)
            let id = try #require(value.firstMatch(of: /\ I ([a-z0-9]{24})/)).1
            _ = try Self.tool(list, "twoskip", ["set", key, value.replacingOccurrences(of: " I \(id)", with: "")])
            _ = try Self.tool(list, "twoskip", ["delete", "I\(id)"])
            let header = URL(fileURLWithPath: "\(cyrus.folder)/spool/user/alice/x/cyrus.header")
            let text = try String(contentsOf: header, encoding: .isoLatin1)
            try text.replacingOccurrences(of: " I \(id)", with: "").write(to: header, atomically: false, encoding: .isoLatin1)
            _ = try ToolComparison.run("/bin/chown", ["-R", "cyrus:mail", cyrus.folder])
        }
        defer { comparison.remove() }
        #expect(try comparison.debian("ctl_cyrusdb", ["-r"]) == comparison.ours("ctl_cyrusdb", ["-r"]))
        for folder in [comparison.cyrus.folder, comparison.copy.path] {
            let listed = try Self.tool("\(folder)/conf/mailboxes.db", "twoskip", ["get", "Nuser\u{1f}alice\u{1f}x"])
            let header = try String(contentsOfFile: "\(folder)/spool/user/alice/x/cyrus.header", encoding: .isoLatin1)
            let id = try #require(listed.firstMatch(of: /\ I ([a-z0-9]{24})/)).1
            #expect(header.contains(" I \(id) "), "\(folder)")
        }
        // Debian's own tool finds nothing to repair in it.
        let check = try comparison.check("reconstruct", ["-n", "user.alice.x"])
        #expect(check.errors == "", "\(check)")
    }
}
