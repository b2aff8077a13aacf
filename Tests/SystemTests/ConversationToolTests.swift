import DebianCyrus
import Foundation
import Testing

/// ctl_conversationsdb beside Debian's, on the same users.
@Suite(.enabled(if: DebianCyrus.isInstalled))
struct ConversationToolTests {
    private static func fill(_ cyrus: DebianCyrus) throws {
        let admin = try IMAPConnection(port: cyrus.port("imap"))
        try admin.login("cyrus")
        for name in ["user.alice.Sub", "user.alice.Empty", "user.alice.Trash"] { try admin.expectOK("CREATE \(name)") }
        for user in ["alice", "bob"] {
            let session = try IMAPConnection(port: cyrus.port("imap"))
            try session.login(user)
            for number in 0..<9 {
                for mailbox in user == "alice" ? ["INBOX", "INBOX.Sub"] : ["INBOX"] {
                    let reply = number % 3 > 0 ? "In-Reply-To: <m\(number - 1).\(mailbox)@x>\r\n" : ""
                    let text =
                        "From: \"A\(number % 2)\" <a\(number % 2)@example.org>\r\nDate: Mon, 1 Jan 2024 10:0\(number):00 +0000\r\n"
                        + "Message-ID: <m\(number).\(mailbox)@x>\r\n\(reply)Subject: \(number % 3 > 0 ? "Re: " : "")thread \(number / 3)\r\n\r\nbody \(number)\r\n"
                    _ = try session.append(Array(text.utf8), to: mailbox, date: " 1-Jan-2024 10:00:00 +0000")
                }
            }
            try session.expectOK("SELECT INBOX")
            try session.expectOK("STORE 2:3 +FLAGS (\\Seen \\Flagged $x)")
            try session.expectOK("STORE 5 +FLAGS (\\Deleted)")
            try session.expectOK("EXPUNGE")
            if user == "alice" {
                try session.expectOK("COPY 1:2 INBOX.Sub")
                try session.expectOK("COPY 7 INBOX.Trash")
                try session.expectOK("STORE 1 +FLAGS (\\Deleted)")
            }
        }
    }

    /// The file as Debian dumps it, without the moments that ids were seen at.
    private static func dump(_ comparison: ToolComparison, _ user: String, ours: Bool) throws -> [String] {
        let result =
            try ours ? comparison.check("ctl_conversationsdb", ["-d", user]) : comparison.debian("ctl_conversationsdb", ["-d", user])
        return result.output.split(separator: "\n").map { $0.hasPrefix("<") ? String($0.prefix { $0 != "\t" }) : String($0) }
    }

    private static func path(_ comparison: ToolComparison, ours: Bool) throws -> String {
        let folder = try comparison.ours("mbpath", ["-U", "user.alice"]).output.trimmingCharacters(in: .newlines)
        return folder.replacingOccurrences(of: "FOLDER", with: ours ? comparison.copy.path : comparison.cyrus.folder) + "/conversations.db"
    }

    static let misuses: [[String]] = [
        [], ["-Z"], ["-C"], ["alice"], ["-R"], ["-R", "alice", "bob"], ["-d", "-u", "alice"], ["-S", "alice"],
    ]
    static let runs: [[String]] = [
        ["-A", "alice"], ["-F", "-v", "alice"], ["-R", "alice"], ["-v", "-R", "alice"], ["-v", "-A", "alice"], ["-v", "-r", "-R", ""],
        ["-d", "none"], ["-S", "-R", "-v", "bob"], ["-z", "alice"], ["-b", "-v", "alice"], ["-A", "-v", "-T", "/tmp", "alice"],
        ["-R", "alice"],
    ]

    @Test
    func `ctl_conversationsdb does and says what Debian's does`() throws {
        let comparison = try ToolComparison(options: ["conversations: yes"], users: ["alice", "bob"], Self.fill)
        defer { comparison.remove() }
        for arguments in Self.misuses + Self.runs {
            let wanted = try comparison.debian("ctl_conversationsdb", arguments)
            let found = try comparison.ours("ctl_conversationsdb", arguments)
            #expect(found == wanted, "\(arguments)")
            // Debian's leaves remains of some conversations, which -b builds upon.
            for user in ["alice", "bob"] where arguments.first != "-z" {
                let (theirs, ours) = (try Self.dump(comparison, user, ours: false), try Self.dump(comparison, user, ours: true))
                let (surplus, missing) = (Set(ours).subtracting(theirs).sorted(), Set(theirs).subtracting(ours).sorted())
                #expect(surplus == [] && missing == [], "\(user) after \(arguments): \(surplus) instead of \(missing)")
            }
        }
        #expect(try comparison.ours("ctl_conversationsdb", ["-d", "alice"]) == comparison.check("ctl_conversationsdb", ["-d", "alice"]))
        // From nothing.
        for ours in [false, true] { try FileManager.default.removeItem(atPath: Self.path(comparison, ours: ours)) }
        _ = try comparison.debian("ctl_conversationsdb", ["-R", "alice"])
        _ = try comparison.ours("ctl_conversationsdb", ["-R", "alice"])
        let (theirs, ours) = (try Self.dump(comparison, "alice", ours: false), try Self.dump(comparison, "alice", ours: true))
        let (surplus, missing) = (Set(ours).subtracting(theirs).sorted(), Set(theirs).subtracting(ours).sorted())
        #expect(surplus == [] && missing == [] && ours.count > 50)
    }

    @Test
    func `an audit tells what is wrong, and counting anew puts it right`() throws {
        let comparison = try ToolComparison(options: ["conversations: yes"], users: ["alice", "bob"], Self.fill)
        defer { comparison.remove() }
        _ = try comparison.ours("ctl_conversationsdb", ["-R", "alice"])
        let right = try Self.dump(comparison, "alice", ours: true)
        let before = try comparison.ours("ctl_conversationsdb", ["-A", "alice"])
        #expect(before.status == 0 && before.output == "", "\(before)")
        let file = try Self.path(comparison, ours: true)
        let gone = try #require(right.first { $0.hasPrefix("G") }?.prefix { $0 != "\t" })
        let commands = "SET Q \"1 %(E 99 S 1)\"\nSET Fnone \"0 (1 2 3 4 5)\"\nDELETE \(gone)\nSET B0123456789abcdef x\n"
        _ = try comparison.check(
            "cyr_dbtool", [file, "skiplist", "batch"], input: commands.replacing("\"1 %(E 99 S 1)\"", with: "{13+}\r\n1 %(E 99 S 1)"))
        let found = try comparison.ours("ctl_conversationsdb", ["-A", "alice"])
        #expect(found.status == 1)
        for text in [
            "alice: Q is 1 %(E 99 S 1), should be 1 %(E ", "alice: Fnone is 0 (1 2 3 4 5), should be", "alice: \(gone) is missing",
            "alice: B0123456789abcdef is x, should not be there", "alice is BROKEN",
        ] {
            #expect(found.output.contains(text), "\(found.output)")
        }
        #expect(found.output.split(separator: "\n").count == 5)
        #expect(try comparison.ours("ctl_conversationsdb", ["-R", "alice"]).status == 0)
        #expect(try comparison.ours("ctl_conversationsdb", ["-A", "alice"]).status == 0)
        // The folder that there is none of keeps its line, as by Debian's.
        #expect(try Self.dump(comparison, "alice", ours: true).filter { !$0.hasPrefix("Fnone") } == right)
        // A dump goes back in, but for contents, which are counted anew.
        let text = try comparison.check("ctl_conversationsdb", ["-d", "bob"]).output
        #expect(try comparison.ours("ctl_conversationsdb", ["-u", "bob"], input: text).status == 0)
        _ = try comparison.ours("ctl_conversationsdb", ["-R", "bob"])
        #expect(try comparison.ours("ctl_conversationsdb", ["-A", "-v", "bob"]).output.hasSuffix("bob is OK\n"))
    }
}
