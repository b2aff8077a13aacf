import DebianCyrus
import Foundation
import Testing

/// What imapd and lmtpd log: fail2ban, logcheck and admins read it, so the words are Cyrus's.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct LogTests {
    private static let message = "Subject: hello\r\nMessage-ID: <%@@example.org>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n\r\ntext\r\n"

    private static func text(_ id: String) -> String { message.replacingOccurrences(of: "%@", with: id) }

    /// Delivers over LMTP.
    static func deliver(_ id: String, to users: [String], _ cyrus: DebianCyrus) throws {
        let program =
            "import smtplib, sys; smtplib.LMTP('127.0.0.1', int(sys.argv[1])).sendmail('a@example.org', sys.argv[2:], sys.stdin.read())"
        try DebianCyrus.run("/usr/bin/python3", ["-c", program, "\(cyrus.port("lmtp"))"] + users, input: text(id))
    }

    /// Everything that is logged of a few sessions, by Debian's programs or by ours (under Debian's master).
    private func session(ours: Bool, options: [String]) throws -> [String] {
        let log = try CapturedLog()
        func command(_ name: String) -> String { ours ? OurPrograms.path(name) : name }
        let cyrus = try DebianCyrus(
            services: [.init("imap", command: command("imapd")), .init("lmtp", command: command("lmtpd") + " -a")],
            options: ["failedloginpause: 0", "conversations: no"] + options, users: ["alice", "bob"], environment: log.environment)
        defer { cyrus.stop() }
        let alice = try IMAPConnection(port: cyrus.port("imap"))
        for bad in ["LOGIN alice wrong", "LOGIN nobody wrong", "AUTHENTICATE PLAIN AGFsaWNlAHdyb25n"] { _ = try alice.command(bad) }
        try alice.expectOK("AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==")
        _ = try alice.append(Array(Self.text("one").utf8), to: "INBOX", date: "21-Nov-2026 10:00:00 +0000")
        try Self.deliver("two", to: ["alice"], cyrus)
        try Self.deliver("three", to: ["alice", "bob"], cyrus)
        try Self.deliver("three", to: ["alice", "bob"], cyrus)
        for line in [
            "SELECT INBOX", "FETCH 2 BODY[]", "STORE 1 +FLAGS (\\Answered)", "STORE 1:2 FLAGS (k1 \\Deleted)", "CREATE INBOX.x",
            "COPY 1:2 INBOX.x", "MOVE 3 INBOX.x", "EXPUNGE", "SETACL INBOX.x bob lrs", "DELETEACL INBOX.x bob", "RENAME INBOX.x INBOX.y",
            "CREATE INBOX.p.q", "RENAME INBOX.p.q INBOX.r.s", "SELECT INBOX.y", "CLOSE", "DELETE INBOX.y", "LOGOUT",
        ] {
            try alice.expectOK(line)
        }
        let admin = try IMAPConnection(port: cyrus.port("imap"))
        try admin.login("cyrus")
        for line in [
            "SETQUOTA user.alice (STORAGE 100)", "SETQUOTA user.alice (STORAGE 50 MESSAGE 10)", "SETACL user.bob cyrus lrsx",
            "DELETE user.bob", "LOGOUT",
        ] {
            try admin.expectOK(line)
        }
        log.wait(for: "USAGE cyrus")
        log.wait(for: "USAGE alice", count: 4)
        return log.lines
    }

    @Test(arguments: ["no", "yes"])
    func wordsAreDebians(auditlog: String) throws {
        let expected = try session(ours: false, options: ["auditlog: \(auditlog)"])
        let found = try session(ours: true, options: ["auditlog: \(auditlog)"])
        #expect(expected.count > 20)
        for change in found.difference(from: expected) {
            switch change {
            case .insert(_, let line, _): Issue.record("only ours: \(line)")
            case .remove(_, let line, _): Issue.record("only Debian's: \(line)")
            }
        }
    }
}
