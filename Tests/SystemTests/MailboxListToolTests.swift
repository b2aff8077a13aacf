import DebianCyrus
import Foundation
import Testing

/// ctl_mboxlist, ctl_deliver and tls_prune beside Debian's.
@Suite(.enabled(if: DebianCyrus.isInstalled))
struct MailboxListToolTests {
    /// A tree with names deleted, renamed and nested.
    private static func comparison(_ options: [String] = []) throws -> ToolComparison {
        try ToolComparison(options: options, users: ["alice", "bob"]) { cyrus in
            let admin = try IMAPConnection(port: cyrus.port("imap"))
            try admin.login("cyrus")
            for name in [
                "user.alice.Sub", "user.alice.Sub.Deep.Er", "user.alice.B&APw-cher", "shared.news", "user.alice.Gone", "user.alice.Old",
            ] {
                try admin.expectOK("CREATE \"\(name)\"")
            }
            for name in ["user.alice.Gone", "user.alice.Old"] { try admin.expectOK("SETACL \(name) cyrus lrswipkxtecda") }
            try admin.expectOK("SETACL shared.news group:staff lrs")
            try admin.expectOK("DELETE user.alice.Gone")
            try admin.expectOK("RENAME user.alice.Old user.alice.New")
        }
    }

    static let runs: [[String]] = [
        ["-d"], ["-d", "-y"], ["-d", "-p", "default"], ["-d", "-p", "none"], ["-d", "-i"], ["-d", "more"], ["-d", "-f", "FOLDER/none.db"],
        [], ["-Z"], ["-C"], ["-d", "-u"], ["-d", "-a"], ["-d", "-w"], ["-d", "-r"], ["-r"], ["-c"], ["-u", "-x"], ["-u", "-p", "default"],
        ["-v", "-p", "default"], ["-v", "-y"], ["-v", "-x"], ["-u", "-y"], ["-L"], ["-x"], ["-a"], ["-m"], ["-m", "-u"],
        ["-m", "-a", "-w", "-i"],
        ["-u", "-a"], ["-v", "-a"], ["-m", "-x"], ["-v", "-L"], ["-m", "-L"], ["-d", "-x", "-p", "none"], ["-d", "-x"], ["-d"],
    ]

    @Test
    func `ctl_mboxlist -d says what Debian's says`() throws {
        let comparison = try Self.comparison()
        defer { comparison.remove() }
        for arguments in Self.runs {
            #expect(try comparison.ours("ctl_mboxlist", arguments) == comparison.debian("ctl_mboxlist", arguments), "\(arguments)")
        }
        // What -x has left.
        #expect(try comparison.state(comparison.copy.path).mailboxes == comparison.state(comparison.cyrus.folder).mailboxes)
    }

    @Test
    func `lists go through text, both ways`() throws {
        let comparison = try Self.comparison()
        defer { comparison.remove() }
        let dump = try comparison.ours("ctl_mboxlist", ["-d"]).output
        #expect(dump.contains("B&APw-cher") && dump.contains("\"group:staff\": \"lrs\""))
        // Loaded by both, as new lists and over the old ones.
        for list in [["-f", "FOLDER/new.db"], []] {
            let wanted = try comparison.debian("ctl_mboxlist", ["-u"] + list, input: dump)
            #expect(try comparison.ours("ctl_mboxlist", ["-u"] + list, input: dump) == wanted)
        }
        for file in ["new.db", "conf/mailboxes.db"] {
            let wanted = try comparison.state(comparison.cyrus.folder, list: file).mailboxes
            #expect(try comparison.state(comparison.copy.path, list: file).mailboxes == wanted, "\(file)")
            #expect(wanted.count > 10)
        }
        // And dumped again by the other's program.
        func withoutTimes(_ text: String) -> String { text.replacing(/"mtime": "[0-9]+"/, with: "") }
        let theirs = try comparison.debian("ctl_mboxlist", ["-d", "-f", "FOLDER/new.db"]).output
        #expect(withoutTimes(try comparison.ours("ctl_mboxlist", ["-d", "-f", "FOLDER/new.db"]).output) == withoutTimes(theirs))
        #expect(withoutTimes(try comparison.check("ctl_mboxlist", ["-d", "-f", "FOLDER/new.db"]).output) == withoutTimes(theirs))
    }

    static let inputs: [(arguments: [String], text: String)] = [
        ([], ""), ([], "not json"), ([], "[]"), ([], "user.leg\t0 default zed\tlrs\t\n"), ([], "{\"user.x\": {}}"),
        ([], "{\"user.x\": \"y\"}"),
        (
            [],
            """
            {"user.x": {"mtime":"1","mbtype": "eil", "partition": "default", "acl": {"zed": "lrs"}, "uniqueid": "u1", "uidvalidity":"5",
             "createdmodseq":"2","foldermodseq":"3","server":"srv","foo":"bar"}}
            """
        ),
        ([], "{\"user.x\": {\"mbtype\": \"e\", \"partition\": \"default\", \"uidvalidity\":\"5\"}}"),
        (
            [],
            """
            {"user.x": {"mbtype": "ei", "partition": "default", "uniqueid":"u1","uidvalidity":"5","createdmodseq":"2","foldermodseq":"3",
            "name_history":[{"name":"user.y","mtime":"4","uidvalidity":"7","createdmodseq":"2","foldermodseq":"2","mbtype":"e","partition":"d"}]}}
            """
        ),
        (["-L"], "user.leg\t0 default zed\tlrs\t\n"), (["-L"], "not text\n"), (["-L"], "user.c\t0 default\nuser.d\t0\n"),
    ]

    @Test
    func `ctl_mboxlist -u takes what Debian's takes`() throws {
        let folders = try ToolFolders()
        defer { folders.remove() }
        for (arguments, text) in Self.inputs {
            let words = ["-u", "-f", "FOLDER/x.db"] + arguments
            #expect(
                try folders.run(.ours, "ctl_mboxlist", words, input: text) == folders.run(.debian, "ctl_mboxlist", words, input: text),
                "\(text)")
            let records = try ToolFolders.Side.allCases.map { side in
                try folders.records(side, "x.db", "twoskip").replacing(/\sM\s[0-9]+/, with: "")
            }
            #expect(records[0] == records[1], "\(text)")
            for side in ToolFolders.Side.allCases { try FileManager.default.removeItem(atPath: folders.folder(side) + "/x.db") }
        }
    }

    @Test
    func `ctl_mboxlist -v finds what is missing and what is too much`() throws {
        // Debian's knows directories by name alone.
        let comparison = try Self.comparison(["mailbox_legacy_dirs: yes"])
        defer { comparison.remove() }
        /// Without tombstones, which Debian's takes for mailboxes.
        func debian() throws -> String {
            try comparison.debian("ctl_mboxlist", ["-v"]).output.replacing(/.*\(null\).*\n/, with: "")
        }
        #expect(try comparison.ours("ctl_mboxlist", ["-v"]).output == debian())
        for folder in [comparison.cyrus.folder, comparison.copy.path] {
            let spool = "\(folder)/spool"
            _ = try DebianCyrus.run(
                "/bin/sh",
                [
                    "-c",
                    """
                    cd \(spool) && mkdir -p user/aaa/sub user/only && cp user/alice/cyrus.header user/aaa/sub && touch user/only/cyrus.index
                    rm -r shared/news && rm user/alice/Sub/cyrus.header && chown -R cyrus:mail . || true
                    """,
                ])
        }
        let found = try comparison.ours("ctl_mboxlist", ["-v"])
        #expect(try found.output == debian() && found.status == 0)
        #expect(found.output.split(separator: "\n").count == 3)
    }

    @Test
    func `ctl_mboxlist -v knows directories by id`() throws {
        let comparison = try Self.comparison()
        defer { comparison.remove() }
        #expect(try comparison.ours("ctl_mboxlist", ["-v"]).output == "")
        _ = try comparison.ours("ctl_mboxlist", ["-u"], input: "{}")
        let path = try comparison.ours("mbpath", ["user.alice.Sub"]).output.trimmingCharacters(in: .newlines)
        let real = path.replacingOccurrences(of: "FOLDER", with: comparison.copy.path)
        try FileManager.default.moveItem(atPath: real, toPath: real + "x")
        #expect(
            try comparison.ours("ctl_mboxlist", ["-v"]).output
                == "'user.alice.Sub' has a DB entry but no directory on partition 'default'\n'user.alice.Sub' has a directory '\(path)x' but no DB entry\n"
        )
    }

    // MARK: ctl_deliver, tls_prune

    private static func mark(_ id: String, _ to: String, _ date: String, _ time: Int64, _ uid: UInt64?) -> String {
        var value = ""
        for number in [UInt64(bitPattern: time)] + (uid.map { [$0] } ?? []) {
            for shift in 0..<UInt64(8) { value.unicodeScalars.append(Unicode.Scalar(UInt8(truncatingIfNeeded: number >> (shift * 8)))) }
        }
        let key = "\(id)\u{0}\(to)\u{0}\(date)\u{0}"
        return "SET \(DatabaseToolTests.literal(key)) \(DatabaseToolTests.literal(value))\n"
    }

    static let deliverRuns: [[String]] = [
        ["-d"], ["-d", "-f", "FOLDER/marks.db"], ["-d", "-f", "FOLDER/none.db"], ["-d", "more"], [], ["-Z"], ["-C"], ["-E"], ["-r"],
        ["-r", "-d"], ["-d", "-E", "3"], ["-E", "3"], ["-E", "bad"], ["-d", "-f", "FOLDER/marks.db"],
    ]

    @Test
    func `ctl_deliver does and says what Debian's does`() throws {
        let folders = try ToolFolders()
        defer { folders.remove() }
        let marks =
            Self.mark("<a@b>", "uid123", "Mon, 1 Jan 2024", 1_700_000_000, 5)
            + Self.mark("<long\(String(repeating: "x", count: 60))@b>", ".alice.sieve.", "", 1_700_000_001, 0)
            + Self.mark("vac\u{ff}", "alice", "", 4_000_000_000, 7).replacingOccurrences(of: "\u{ff}", with: "-")
            + Self.mark("<old>", "u", "d", 9, nil)
        for side in ToolFolders.Side.allCases {
            for file in ["conf/deliver.db", "marks.db"] {
                _ = try folders.run(.debian, "cyr_dbtool", ["-n", "FOLDER/\(file)", "twoskip", "batch"], input: marks, on: side)
            }
        }
        for arguments in Self.deliverRuns {
            var (wanted, found) = (try folders.run(.debian, "ctl_deliver", arguments), try folders.run(.ours, "ctl_deliver", arguments))
            wanted.output = wanted.output.replacing(/NOW: [0-9]+/, with: "NOW")
            found.output = found.output.replacing(/NOW: [0-9]+/, with: "NOW")
            #expect(found == wanted, "\(arguments)")
        }
        #expect(try folders.records(.ours, "conf/deliver.db", "twoskip") == folders.records(.debian, "conf/deliver.db", "twoskip"))
    }

    @Test
    func `tls_prune removes what Debian's removes`() throws {
        let folders = try ToolFolders()
        defer { folders.remove() }
        let sessions =
            Self.mark("old", "\u{ff}", "", 1_700_000_000, 5) + Self.mark("new", "\u{0}", "", 4_000_000_000, nil)
            + Self.mark("older", "", "", 0, 1)
        for side in ToolFolders.Side.allCases {
            // A database that is not there is not made.
            #expect(try folders.run(side, "tls_prune", []).status == 0)
            #expect(!FileManager.default.fileExists(atPath: folders.folder(side) + "/conf/tls_sessions.db"))
            _ = try folders.run(
                .debian, "cyr_dbtool", ["-n", "FOLDER/conf/tls_sessions.db", "twoskip", "batch"], input: sessions, on: side)
        }
        for arguments in [[], ["more"], ["-Z"], ["-C"]] {
            #expect(try folders.run(.ours, "tls_prune", arguments) == folders.run(.debian, "tls_prune", arguments))
        }
        let left = try folders.records(.ours, "conf/tls_sessions.db", "twoskip")
        #expect(try left == folders.records(.debian, "conf/tls_sessions.db", "twoskip") && left.contains("new"))
    }
}
