import DebianCyrus
import Foundation
import Testing

/// Levels of the hierarchy that nobody made by name: both servers do the same with them, and leave the same in mailboxes.db.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct HierarchyTests {
    /// Who says it, and what. `LEVEL name` is not for the server: it writes a level without a mailbox, as versions before 3.6 left them.
    struct Step: Sendable {
        let who: String
        let line: String
        init(_ who: String, _ line: String) { (self.who, self.line) = (who, line) }
    }

    static let steps: [Step] = {
        var all: [Step] = []
        func owner(_ lines: String...) { all += lines.map { Step("alice", $0) } }
        func other(_ lines: String...) { all += lines.map { Step("bob", $0) } }
        func admin(_ lines: String...) { all += lines.map { Step("cyrus", $0) } }
        // CREATE makes what is missing above.
        owner("CREATE INBOX.p.q.r", "LIST \"\" *", "LIST \"\" %", "LIST INBOX. %", "STATUS INBOX.p (MESSAGES UIDNEXT)", "GETACL INBOX.p")
        owner("MYRIGHTS INBOX.p.q", "SUBSCRIBE INBOX.p", "LSUB \"\" *", "EXAMINE INBOX.p", "SELECT INBOX.p.q", "UNSELECT", "DELETE INBOX.p")
        owner("CREATE INBOX.p", "CREATE INBOX.p.q.", "CREATE INBOX.d..e")
        other("CREATE user.alice.z.z", "SELECT user.alice.p", "RENAME user.alice.p INBOX.pp")
        owner("SETACL INBOX bob lk")
        other("CREATE user.alice.z.z", "DELETE user.alice.z.z", "SELECT user.alice.z", "LIST \"\" user.*")
        admin("CREATE user.carol.x.y", "CREATE shared.a.b", "CREATE user.alice.P.Q two", "CREATE other.P.Q two", "LIST \"\" shared*")
        admin("SELECT shared.a", "RENAME shared.a else.k.l", "LIST \"\" else*", "RENAME user.alice.P user.alice.PP", "DELETE else.k.l.b")
        // A limit of folders is kept in between.
        admin("SETQUOTA user.bob (X-NUM-FOLDERS 3)")
        other("CREATE INBOX.l1.l2.l3.l4", "LIST \"\" INBOX*", "CREATE INBOX.s", "GETQUOTAROOT INBOX")
        // RENAME fills in afterwards.
        owner("CREATE INBOX.s", "RENAME INBOX.s INBOX.t.u.v", "RENAME INBOX.t INBOX.w", "RENAME INBOX.w.u INBOX.k.l.m", "LIST \"\" *")
        owner("DELETE INBOX.k.l.m.v", "DELETE INBOX.p.q.r", "CREATE INBOX.p.q.r", "LIST \"\" *")
        // Levels of before.
        owner(
            "CREATE INBOX.old.kid", "SUBSCRIBE INBOX.old", "CREATE INBOX.end", "SUBSCRIBE INBOX.end", "LEVEL INBOX.old", "LEVEL INBOX.end")
        owner("LIST \"\" INBOX.%", "LIST \"\" INBOX.old*", "LIST \"\" INBOX.end*", "LSUB \"\" *", "LSUB \"\" INBOX.%")
        admin("LIST \"\" user.alice.%", "LIST \"\" user.alice.*", "SELECT user.alice.old")
        for command in ["SELECT %", "EXAMINE %", "STATUS % (MESSAGES)", "GETACL %", "MYRIGHTS %", "LISTRIGHTS % bob", "SETACL % bob lr"] {
            owner(command.replacingOccurrences(of: "%", with: "INBOX.old"))
            other(command.replacingOccurrences(of: "%", with: "user.alice.old"))
        }
        owner("GETQUOTAROOT INBOX.old", "SUBSCRIBE INBOX.old", "DELETE INBOX.old", "{APPEND} INBOX.old")
        owner("RENAME INBOX.old INBOX.moved", "LIST \"\" INBOX.%", "RENAME INBOX.moved INBOX.old", "CREATE INBOX.old.kid.kid")
        owner("DELETE INBOX.old.kid.kid", "DELETE INBOX.old.kid", "LIST \"\" INBOX.%", "CREATE INBOX.old.new", "SELECT INBOX.old")
        owner("CREATE INBOX.s", "RENAME INBOX.s INBOX.end.x.y", "CREATE INBOX.s", "RENAME INBOX.s INBOX.end", "LIST \"\" *")
        return all
    }()

    /// A server with its own spool and a connection for each user.
    private final class Side {
        let cyrus: DebianCyrus
        private var connections: [String: IMAPConnection] = [:]
        let isOurs: Bool

        init(ours: Bool, conversations: String) throws {
            isOurs = ours
            let spool = FileManager.default.temporaryDirectory.appendingPathComponent("hierarchy-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(
                atPath: spool, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o777])
            self.spool = spool
            cyrus = try DebianCyrus(
                services: [ours ? .init("imap", command: OurPrograms.path("imapd")) : .imap],
                options: ["conversations: \(conversations)", "failedloginpause: 0", "partition-two: \(spool)"], users: ["alice", "bob"])
        }

        private let spool: String

        deinit {
            cyrus.stop()
            try? FileManager.default.removeItem(atPath: spool)
        }

        func say(_ step: Step) throws -> [String] {
            if step.line.hasPrefix("LEVEL ") {
                try strip("user.alice" + step.line.dropFirst("LEVEL INBOX".count))
                return []
            }
            let connection = try connections[step.who] ?? IMAPConnection(port: cyrus.port("imap"))
            if connections[step.who] == nil { try connection.login(step.who) }
            connections[step.who] = connection
            return try IMAPDialogueTests.say(step.line, connection, user: "-")
        }

        /// Takes the mailbox away from a name.
        private func strip(_ name: String) throws {
            let id = "abcdefgh12345678abcdef" + String(format: "%02d", name.utf8.count)
            for (key, value) in [
                ("N" + name.replacingOccurrences(of: ".", with: "\u{1f}"), "%(T ei I \(id) C 1 F 1 M 1795262671)"),
                ("I" + id, "%(T ei N \(name) C 1 F 1 M 1795262671 H ())"),
            ] {
                try cyrus.tool("cyr_dbtool", ["\(cyrus.folder)/conf/mailboxes.db", "twoskip", "set", key, value])
            }
        }

        /// What mailboxes.db says of each name: type, partition, rights.
        func records() throws -> [String] {
            try cyrus.tool("cyr_dbtool", ["\(cyrus.folder)/conf/mailboxes.db", "twoskip", "show", "N"])
                .replacingOccurrences(of: "\u{1f}", with: ".").split(separator: "\n").map { line in
                    // An empty list of rights is as good as none.
                    var text = line.replacingOccurrences(of: " A %()", with: "")
                    for (pattern, with) in [
                        (" I [0-9a-z]+", ""), (" [VM] [0-9]+", ""), (" [CF] [0-9]+", ""), ("\\.[0-9A-F]{8}\t", ".TIME\t"),
                    ] {
                        text = text.replacingOccurrences(of: pattern, with: with, options: .regularExpression)
                    }
                    return text
                }
        }
    }

    @Test(arguments: ["yes", "no"])
    func answersAndTheListAreDebians(conversations: String) throws {
        let debian = try Side(ours: false, conversations: conversations)
        let ours = try Side(ours: true, conversations: conversations)
        for step in Self.steps {
            let expected = try debian.say(step)
            let found = try ours.say(step)
            #expect(found == expected, "\(step.who): \(step.line)")
        }
        #expect(try ours.records() == debian.records())
    }

    @Test func rightsThatAreNamedAreNotWidened() throws {
        let cyrus = try DebianCyrus(
            services: [.imap, .init("ours", command: OurPrograms.path("imapd"))], options: ["conversations: no", "failedloginpause: 0"],
            users: ["alice", "bob"])
        defer { cyrus.stop() }
        let debian = try IMAPConnection(port: cyrus.port("imap"))
        let ours = try IMAPConnection(port: cyrus.port("ours"))
        try debian.login("alice")
        try ours.login("bob")
        let requests =
            ["k", "x", "c", "d", "t", "e", "te", "tex", "kx", "kc", "xc", "td", "xd", "tc", "cd", "txd", "lrswipcda", "lrswipkxte", "d0"]
            .map { [$0] }
            + [
                ["lrskx", "-k"], ["lrskx", "-x"], ["lrstexk", "-c"], ["lrste", "-d"], ["lrste", "-t"], ["lrsc", "-k"], ["lrsd", "-e"],
                ["te", "+x"],
            ]
        for request in requests {
            for rights in ["\"\""] + request {
                let expected = try IMAPDialogueTests.say("SETACL INBOX carol \(rights)", debian, user: "alice")
                #expect(try IMAPDialogueTests.say("SETACL INBOX carol \(rights)", ours, user: "bob") == expected)
            }
            let expected = try IMAPDialogueTests.say("GETACL INBOX", debian, user: "alice")
            #expect(try IMAPDialogueTests.say("GETACL INBOX", ours, user: "bob") == expected, "\(request)")
        }
    }
}
