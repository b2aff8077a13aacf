import DebianCyrus
import Foundation
import Testing

/// Options of imapd.conf and flags that change what imapd and lmtpd do: both do the same.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct OptionTests {
    /// One spool; `imap`, `lmtp` are Debian's, `ours`, `ourlmtp` ours. Each connection is served by a process of its own.
    private func instance(_ options: [String], flags: String = "", users: [String] = ["alice", "bob"]) throws -> DebianCyrus {
        let services: [DebianCyrus.Service] = [
            .imap, .init("theirs", command: "imapd -U 1\(flags)"), .init("ours", command: "\(OurPrograms.path("imapd")) -U 1\(flags)"),
            .lmtp, .init("ourlmtp", command: "\(OurPrograms.path("lmtpd")) -a"),
        ]
        return try DebianCyrus(services: services, options: ["failedloginpause: 0", "conversations: no"] + options, users: users)
    }

    private func connect(_ cyrus: DebianCyrus, _ service: String, _ user: String) throws -> IMAPConnection {
        let connection = try IMAPConnection(port: cyrus.port(service))
        try connection.login(user)
        return connection
    }

    private func fill(_ connection: IMAPConnection, count: Int, bytes: Int = 10) throws {
        for number in 0..<count {
            let text = "Subject: \(number)\r\n\r\n\(String(repeating: "x", count: bytes))\r\n"
            #expect(try connection.append(Array(text.utf8), to: "INBOX", date: "05-Nov-2026 08:00:00 +0000").hasPrefix("OK"))
        }
    }

    @Test(arguments: [
        [], ["quotawarnkb: 20"], ["quotawarnmsg: 2"], ["quotawarn: 50"], ["quotawarn: 66"], ["quotawarn: 50", "quotawarnkb: 20"],
    ])
    func quotaWarningsAreDebians(options: [String]) throws {
        let cyrus = try instance(options)
        defer { cyrus.stop() }
        try fill(connect(cyrus, "ours", "alice"), count: 2, bytes: 22_000)
        let admin = try connect(cyrus, "imap", "cyrus")
        for limits in [
            "STORAGE 100", "STORAGE 60", "STORAGE 48", "STORAGE 44", "STORAGE 43", "STORAGE 40", "STORAGE 0", "MESSAGE 10", "MESSAGE 4",
            "MESSAGE 3", "MESSAGE 2", "MESSAGE 1", "MESSAGE 0", "X-NUM-FOLDERS 2", "X-NUM-FOLDERS 1", "STORAGE 40 MESSAGE 2",
            "MESSAGE 1 STORAGE 44", "X-ANNOTATION-STORAGE 0",
        ] {
            try admin.expectOK("SETQUOTA user.alice (\(limits))")
            for command in limits == "STORAGE 0" ? ["SELECT INBOX", "EXAMINE INBOX"] : ["SELECT INBOX"] {
                let expected = try alerts(connect(cyrus, "theirs", "alice").expectOK(command))
                #expect(try alerts(connect(cyrus, "ours", "alice").expectOK(command)) == expected, "\(limits): \(command)")
            }
        }
        // Only who could make room is told.
        let alice = try connect(cyrus, "ours", "alice")
        for rights in ["lrs", "lrst", "lrse", "lrsi", "lrste"] {
            try alice.expectOK("SETACL INBOX bob \(rights)")
            let expected = try alerts(connect(cyrus, "theirs", "bob").expectOK("SELECT user.alice"))
            #expect(try alerts(connect(cyrus, "ours", "bob").expectOK("SELECT user.alice")) == expected, "\(rights)")
        }
    }

    private func alerts(_ lines: [[UInt8]]) -> [String] {
        lines.map { String(decoding: $0, as: UTF8.self) }.filter { $0.contains("[ALERT]") }
    }

    @Test func aProcessWithQTakesMessagesBeyondTheQuota() throws {
        let cyrus = try instance([], flags: " -q")
        defer { cyrus.stop() }
        let admin = try connect(cyrus, "imap", "cyrus")
        for (service, user) in [("theirs", "alice"), ("ours", "bob")] {
            let connection = try connect(cyrus, service, user)
            try fill(connection, count: 1)
            try admin.expectOK("SETQUOTA user.\(user) (MESSAGE 1 X-NUM-FOLDERS 1)")
            try fill(connection, count: 1)
            try connection.expectOK("SELECT INBOX")
            try connection.expectOK("COPY 1:2 INBOX")
            #expect(String(decoding: try connection.command("CREATE INBOX.x").last ?? [], as: UTF8.self).hasSuffix("NO Over quota"))
            #expect(String(decoding: try connection.command("GETQUOTAROOT INBOX")[1], as: UTF8.self).contains("MESSAGE 4 1"))
        }
    }

    @Test func mailboxesHoldAtMostMaxmessages() throws {
        let cyrus = try instance(["mailbox_maxmessages_email: 3"])
        defer { cyrus.stop() }
        var answers: [[String]] = []
        for (service, user, lmtp) in [("theirs", "alice", "lmtp"), ("ours", "bob", "ourlmtp")] {
            let connection = try connect(cyrus, service, user)
            var said: [String] = []
            try fill(connection, count: 3)
            said.append(try connection.append(Array("Subject: 4\r\n\r\n".utf8), to: "INBOX", date: "05-Nov-2026 08:00:00 +0000"))
            for line in [
                "SELECT INBOX", "CREATE INBOX.x", "COPY 1:3 INBOX.x", "COPY 1 INBOX.x", "COPY 1 INBOX", "MOVE 1 INBOX.x", "CREATE INBOX.y",
                "COPY 1 INBOX.y", "COPY 1:3 INBOX.y", "STATUS INBOX.y (MESSAGES)", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE",
            ] {
                said += try IMAPDialogueTests.say(line, connection, user: user)
            }
            said.append(try lastReply(cyrus, lmtp, user))
            said.append(try lastReply(cyrus, lmtp, user))
            // Cyrus's text has a hole for the resource's name.
            answers.append(said.map { $0.replacingOccurrences(of: "over %s quota", with: "over MESSAGE quota") })
        }
        #expect(answers[1] == answers[0])
    }

    /// What LMTP's client is told of a message in the end.
    private func lastReply(_ cyrus: DebianCyrus, _ service: String, _ user: String) throws -> String {
        let program = """
            import smtplib, sys
            lmtp = smtplib.LMTP("127.0.0.1", int(sys.argv[1]))
            lmtp.docmd("MAIL FROM:<>")
            code, text = lmtp.docmd("RCPT TO:<" + sys.argv[2] + ">")
            if code == 250:
                code, text = lmtp.data("Subject: x\\r\\n\\r\\n")
            print(code, text.decode().split(" SESSIONID")[0])
            """
        return try DebianCyrus.run("/usr/bin/python3", ["-c", program, "\(cyrus.port(service))", user])
    }

    @Test(arguments: ["anyone", "emil", "fritz  emil", "nobody group:none"])
    func onlyAutocreateUsersGetAnInbox(users: String) throws {
        let cyrus = try instance(
            ["delete_mode: immediate", "autocreate_quota: 0", "autocreate_post: yes", "autocreate_users: \(users)"],
            users: ["emil", "fritz", "gus"])
        defer { cyrus.stop() }
        let admin = try connect(cyrus, "imap", "cyrus")
        for user in ["emil", "fritz", "gus"] {
            var results: [String] = []
            for (imap, lmtp) in [("theirs", "lmtp"), ("ours", "ourlmtp")] {
                for way in ["login", "delivery"] {
                    try admin.expectOK("SETACL user.\(user) cyrus x")
                    try admin.expectOK("DELETE user.\(user)")
                    if way == "delivery" { results.append(try lastReply(cyrus, lmtp, user)) }
                    if way == "login" {
                        let connection = try connect(cyrus, imap, user)
                        results += try connection.command("LIST \"\" INBOX").dropLast().map { String(decoding: $0, as: UTF8.self) } + [""]
                    }
                    let made = try admin.command("LIST \"\" user.\(user)").count > 1
                    if !made { try admin.expectOK("CREATE user.\(user)") }
                    results.append("\(made)")
                }
            }
            let half = results.count / 2
            #expect(Array(results[half...]) == Array(results[..<half]), "\(user)")
        }
    }

    @Test(arguments: ["imap", "theirs,ours", "lmtp,ourlmtp", "*", "*,!theirs,!ours", "!theirs,!ours,*"])
    func deniedUsersAreToldTheSame(services: String) throws {
        let cyrus = try instance([])
        defer { cyrus.stop() }
        try cyrus.tool("cyr_deny", ["-s", services, "-m", "No mail for you", "alice"])
        func answers(_ imap: String, _ lmtp: String) throws -> [String] {
            let connection = try IMAPConnection(port: cyrus.port(imap))
            return try ["LOGIN alice secret", "AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA=="].map { line in
                // What an admitted user is told besides differs.
                let answer = String(decoding: try connection.command(line).last ?? [], as: UTF8.self)
                return answer.contains(" OK ") ? "OK" : answer
            } + [lastReply(cyrus, lmtp, "alice"), lastReply(cyrus, lmtp, "bob")]
        }
        #expect(try answers("ours", "ourlmtp") == answers("theirs", "lmtp"))
    }
}
