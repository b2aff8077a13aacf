import DebianCyrus
import Foundation
import Testing

/// mbpath and cyr_expire beside Debian's.
@Suite(.enabled(if: DebianCyrus.isInstalled))
struct ToolTests {
    static let paths: [[String]] = [
        ["user.alice"], ["-D", "user.alice"], ["-A", "user.alice"], ["-M", "user.alice"], ["-m", "user.alice"], ["-S", "user.alice"],
        ["-U", "user.alice"], ["-a", "user.alice.Sub"], ["-j", "user.alice", "user.alice.Sub"], ["-u", "alice"], ["-a", "-u", "alice"],
        ["-ju", "alice"], ["-a", "shared.news"], ["-j", "shared.news"], ["-S", "shared.news"], ["-U", "shared.news"],
        ["-l", "user.alice"], ["-l", "none"], ["none"], ["-q", "none"], ["-s", "none", "user.alice"], ["-qs", "none", "user.alice"],
        ["none", "user.alice"], ["user.alice", "none"], ["-u", "none"], ["-p", "FOLDER"], ["-p", "FOLDER/spool/none"], [],
        ["-7", "user.alice.B&APw-cher"], ["user.alice.B&APw-cher"], ["-DM", "x"], ["-mM", "x"], ["-up", "x"],
        ["-Z"], ["-C"],
    ]

    @Test
    func `mbpath says what Debian's says`() throws {
        let comparison = try ToolComparison(users: ["alice"]) { cyrus in
            let admin = try IMAPConnection(port: cyrus.port("imap"))
            try admin.login("cyrus")
            for name in ["user.alice.Sub", "user.alice.B&APw-cher", "shared.news"] { try admin.expectOK("CREATE \"\(name)\"") }
        }
        defer { comparison.remove() }
        for arguments in Self.paths {
            #expect(try comparison.ours("mbpath", arguments) == comparison.debian("mbpath", arguments), "mbpath \(arguments)")
        }
        // What Debian's usage promises, and does not do.
        #expect(try comparison.ours("mbpath", ["user.alice.Bücher"]) == comparison.ours("mbpath", ["-7", "user.alice.B&APw-cher"]))
        let folder = try comparison.ours("mbpath", ["user.alice"]).output.trimmingCharacters(in: .whitespacesAndNewlines)
        let back = ["-jp", folder]
        #expect(try comparison.ours("mbpath", back) == comparison.debian("mbpath", back))
    }

    static let runs: [[String]] = [
        [], ["-v"], ["-Z"], ["-h"], ["-E", "bad"], ["-E", "1h30"], ["-X", "2w", "-v"], ["-E", "0", "-v"], ["-E", "3", "-v"], ["-E", "3"],
        ["-E", "1", "-x", "-v"], ["-E", "1", "-p", "user.alice", "-v"], ["-E", "1", "-u", "bob", "-v"], ["-E", "1", "-u", "none", "-v"],
        ["-X", "1.5h", "-p", "none", "-v"], ["-X", "90s", "-a", "-u", "none", "-v"], ["-D", "28", "-v"], ["-A", "1", "-v"],
        ["-E", "1", "-a", "-v"], ["-E", "3", "-X", "0", "-v"], ["-t", "-v"], ["-D", "0", "-v"],
        ["-E", "1", "-X", "0", "-D", "0", "-t", "-v"],
    ]

    @Test
    func `cyr_expire does and says what Debian's does`() throws {
        let comparison = try ToolComparison(users: ["alice", "bob", "carol"], Self.fill)
        defer { comparison.remove() }
        for arguments in Self.runs {
            let debian = try comparison.debian("cyr_expire", arguments)
            #expect(try comparison.ours("cyr_expire", arguments) == debian, "cyr_expire \(arguments)")
            let (wanted, found) = (try comparison.state(comparison.cyrus.folder), try comparison.state(comparison.copy.path))
            #expect(found.files == wanted.files, "files after \(arguments)")
            #expect(
                found.mailboxes.filter { $0.hasPrefix("N") } == wanted.mailboxes.filter { $0.hasPrefix("N") }, "list after \(arguments)")
        }
        // Nothing of carol's is left.
        #expect(try !comparison.state(comparison.copy.path).mailboxes.contains { $0.hasPrefix("NDELETED") })
        // Debian's own tools find nothing to repair in what ours has left.
        #expect(try comparison.check("reconstruct", ["-n", "-r", "user"]).errors == "")
        let quota = try comparison.check("quota", ["-n", "-f"])
        #expect(quota.errors == "" && quota.status == 0)
        for name in ["user.alice", "user.alice.Exp", "user.bob"] {
            let ours = try comparison.check("mbexamine", [name])
            let theirs = try comparison.debian("mbexamine", [name])
            #expect(Self.messages(ours.output) == Self.messages(theirs.output), "\(name)")
        }
    }

    @Test
    func `archived messages are read, expunged and repacked as Debian's`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("archive-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o777])
        let comparison = try ToolComparison(
            options: ["archive_enabled: yes", "archivepartition-default: \(folder)"], users: ["alice", "bob", "carol"], Self.fill)
        defer { comparison.remove() }
        // The archive is not in the copied folder: only ours is let into it. Debian's reads what ours has made.
        #expect(try comparison.ours("cyr_expire", ["-A", "0", "-u", "alice"]).status == 0)
        let archived = try ToolComparison.run("/usr/bin/find", [folder, "-name", "[0-9]*."]).output.split(separator: "\n").count
        // Those of the INBOX; those of Exp are older than its annotation allows.
        #expect(archived == 4)
        #expect(try comparison.check("reconstruct", ["-n", "user.alice", "user.alice.Exp"]).errors == "")
        #expect(try comparison.ours("cyr_expire", ["-E", "1", "-X", "0", "-u", "alice"]).status == 0)
        // -c compares every cache record with what the message says.
        for name in ["user.alice", "user.alice.Exp"] {
            let examined = try comparison.check("mbexamine", ["-c", name])
            #expect(examined.status == 0 && examined.errors == "", "\(examined)")
            #expect(!examined.output.contains("mismatch"))
        }
        #expect(try comparison.check("reconstruct", ["-n", "user.alice", "user.alice.Exp"]).errors == "")
    }

    /// The lines of mbexamine that do not tell of moments.
    private static func messages(_ text: String) -> [Substring] {
        text.split(separator: "\n").filter { $0.contains("> UID:") || $0.contains("Number of Messages") || $0.contains("User Flags") }
            .map { $0.prefix { $0 != "I" } }
    }

    /// INTERNALDATE's form of now: what arrives now is not archived by Debian's at once.
    private static var today: String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "UTC")
        format.dateFormat = "dd-MMM-yyyy HH:mm:ss +0000"
        return format.string(from: Date())
    }

    private static func fill(_ cyrus: DebianCyrus) throws {
        let admin = try IMAPConnection(port: cyrus.port("imap"))
        try admin.login("cyrus")
        try admin.expectOK("CREATE user.alice.Exp")
        try admin.expectOK("CREATE user.alice.Gone")
        try admin.expectOK("SETMETADATA user.alice.Exp (/shared/vendor/cmu/cyrus-imapd/expire \"5\")")
        try admin.expectOK("SETQUOTA user.alice (STORAGE 10000)")
        for user in ["alice", "bob", "carol"] {
            let session = try IMAPConnection(port: cyrus.port("imap"))
            try session.login(user)
            for number in 1...6 {
                let text =
                    "From: a@example.org\r\nDate: Mon, 1 Jan 2024 10:0\(number):00 +0000\r\nSubject: \(number)\r\n\r\nbody \(number)\r\n"
                for mailbox in user == "alice" ? ["INBOX", "INBOX.Exp"] : ["INBOX"] {
                    _ = try session.append(Array(text.utf8), to: mailbox, date: today)
                }
            }
            try session.expectOK("SELECT INBOX")
            try session.expectOK("STORE 2:3 +FLAGS (\\Deleted $gone)")
            try session.expectOK("STORE 4 +FLAGS ($kept)")
            try session.expectOK("EXPUNGE")
        }
        try admin.expectOK("SETACL user.alice.Gone cyrus lrswipkxtecda")
        try admin.expectOK("DELETE user.alice.Gone")
        try admin.expectOK("SETACL user.carol cyrus lrswipkxtecda")
        try admin.expectOK("DELETE user.carol")
    }
}
