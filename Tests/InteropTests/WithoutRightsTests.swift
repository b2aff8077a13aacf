import DebianCyrus
import Foundation
import Testing

/// Every command on a mailbox, from a user without the right it needs, is refused by our imapd.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct WithoutRightsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        /// What mallory has on user.alice and what is below it; "" is nothing.
        let rights: String
        let selected: Bool
        let command: String
        /// The answer has to hold one of these.
        let answers: [String]
        var testDescription: String { "[\(rights)] \(command)" }
    }

    private static let absent = ["NO Mailbox does not exist"]
    private static let denied = ["NO Permission denied"]

    static let cases: [Case] = {
        var all: [Case] = []
        let mailbox = "user.alice.secret"
        func without(_ command: String, _ answers: [String] = absent) {
            all.append(Case(rights: "", selected: false, command: command, answers: answers))
        }
        for command in ["SELECT", "EXAMINE", "DELETE", "GETACL", "MYRIGHTS", "GETQUOTAROOT"] { without("\(command) \(mailbox)") }
        without("CREATE \(mailbox).sub", denied)
        without("CREATE user.alice.new", denied)
        without("RENAME \(mailbox) INBOX.stolen")
        without("RENAME INBOX.own user.alice.planted", denied)
        without("SUBSCRIBE \(mailbox)", ["NO Subscribe: Mailbox does not exist"])
        without("STATUS \(mailbox) (MESSAGES)")
        without("APPEND \(mailbox) {5+}\r\nA: b\n")
        without("SETACL \(mailbox) mallory lrswipkxtecda")
        without("DELETEACL \(mailbox) alice")
        without("LISTRIGHTS \(mailbox) mallory")
        without("GETQUOTA user.alice", denied)
        without("SETQUOTA user.alice (STORAGE 1)", denied)
        without("COPY 1 \(mailbox)")
        without("MOVE 1 \(mailbox)")
        without("UID COPY 1 \(mailbox)")
        without("UID MOVE 1 \(mailbox)")
        // With the right to see, but no other.
        func sees(_ command: String, _ answers: [String] = denied) {
            all.append(Case(rights: "l", selected: false, command: command, answers: answers))
        }
        for command in ["SELECT", "EXAMINE", "DELETE", "GETACL"] { sees("\(command) \(mailbox)") }
        sees("STATUS \(mailbox) (MESSAGES)")
        sees("APPEND \(mailbox) {5+}\r\nA: b\n")
        sees("SETACL \(mailbox) mallory lrswipkxtecda")
        sees("DELETEACL \(mailbox) alice")
        sees("LISTRIGHTS \(mailbox) mallory")
        sees("COPY 1 \(mailbox)")
        sees("MOVE 1 \(mailbox)")
        sees("RENAME \(mailbox) INBOX.stolen")
        sees("GETQUOTAROOT \(mailbox)")
        sees("CREATE \(mailbox).sub")
        // Reading only.
        func reads(_ command: String, _ answers: [String] = denied) {
            all.append(Case(rights: "lr", selected: true, command: command, answers: answers))
        }
        for flags in ["\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "keyword", "\\Draft"] {
            reads("STORE 1 +FLAGS (\(flags))")
            reads("STORE 1 -FLAGS (\(flags))")
            reads("UID STORE 1 FLAGS (\(flags))")
        }
        reads("EXPUNGE")
        reads("UID EXPUNGE 1")
        reads("MOVE 1 INBOX.own")
        reads("UID MOVE 1 INBOX.own")
        reads("COPY 1 \(mailbox)")
        return all
    }()

    @Test func everyCommandIsRefused() throws {
        let cyrus = try DebianCyrus(
            services: [.imap, .init("ours", command: OurPrograms.path("imapd"))], options: ["failedloginpause: 0", "conversations: no"],
            users: ["alice", "mallory"])
        defer { cyrus.stop() }
        let alice = try IMAPConnection(port: cyrus.port("ours"))
        try alice.login("alice")
        try alice.expectOK("CREATE INBOX.secret")
        _ = try alice.append(Array("Subject: secret\r\n\r\ntext\r\n".utf8), to: "INBOX.secret", date: "05-Nov-2026 08:00:00 +0000")
        let setup = try IMAPConnection(port: cyrus.port("ours"))
        try setup.login("mallory")
        try setup.expectOK("CREATE INBOX.own")
        _ = try setup.append(Array("Subject: own\r\n\r\ntext\r\n".utf8), to: "INBOX", date: "05-Nov-2026 08:00:00 +0000")
        for rights in ["", "l", "lr"] {
            if !rights.isEmpty { try alice.expectOK("SETACL INBOX.secret mallory \(rights)") }
            for one in Self.cases where one.rights == rights {
                let mallory = try IMAPConnection(port: cyrus.port("ours"))
                try mallory.login("mallory")
                try mallory.expectOK(one.selected ? "SELECT user.alice.secret" : "SELECT INBOX")
                let lines = try mallory.command(one.command).map { String(decoding: $0, as: UTF8.self) }
                let answer = lines.last ?? ""
                #expect(one.answers.contains { answer.contains($0) }, "\(one.testDescription): \(answer)")
                #expect(
                    !lines.contains { $0.contains("secret") && $0.hasPrefix("* ") && !$0.contains("EXISTS") },
                    "\(one.testDescription): \(lines)")
            }
        }
        let listed = try IMAPConnection(port: cyrus.port("ours"))
        try listed.login("mallory")
        try alice.expectOK("DELETEACL INBOX.secret mallory")
        let names = try listed.command("LIST \"\" *").map { String(decoding: $0, as: UTF8.self) }
        #expect(!names.contains { $0.contains("secret") })
        // Nothing of it changed anything.
        try alice.expectOK("SELECT INBOX.secret")
        let flags = try alice.command("FETCH 1 FLAGS").map { String(decoding: $0, as: UTF8.self) }
        #expect(flags.first?.contains("FLAGS ()") == true || flags.first?.contains("FLAGS (\\Recent)") == true, "\(flags)")
    }
}
