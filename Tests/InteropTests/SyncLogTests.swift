import DebianCyrus
import Foundation
import Testing

/// With sync_log on, ours writes for each change what Debian's imapd writes: the sync_client of either works from it.
@Suite(.enabled(if: DebianCyrus.isInstalled), .serialized) struct SyncLogTests {
    private static let steps = [
        "{APPEND} INBOX", "SELECT INBOX", "STORE 1 +FLAGS (\\Flagged)", "CREATE INBOX.a", "COPY 1 INBOX.a", "STORE 1 +FLAGS (\\Deleted)",
        "EXPUNGE",
        "SETACL INBOX.a carol lrs", "RENAME INBOX.a INBOX.b", "SUBSCRIBE INBOX.b", "UNSUBSCRIBE INBOX.b", "DELETE INBOX.b",
        "CREATE \"INBOX.with space\"",
    ]

    @Test func eachChangeIsLoggedInCyrusWords() throws {
        let cyrus = try DebianCyrus(
            services: [.imap, .init("ours", command: OurPrograms.path("imapd"))],
            options: ["conversations: no", "sync_log: yes", "failedloginpause: 0"], users: ["alice", "bob"])
        defer { cyrus.stop() }
        let debian = try IMAPConnection(port: cyrus.port("imap"))
        let ours = try IMAPConnection(port: cyrus.port("ours"))
        try debian.login("alice")
        try ours.login("bob")
        let path = "\(cyrus.folder)/conf/sync/log"
        func logged(_ line: String, _ connection: IMAPConnection, _ user: String) throws -> Set<String> {
            let before = FileManager.default.contents(atPath: path)?.count ?? 0
            _ = try IMAPDialogueTests.say(line, connection, user: user)
            let text = String(decoding: (FileManager.default.contents(atPath: path) ?? Data()).dropFirst(before), as: UTF8.self)
            let time = "\\.[0-9A-F]{8}(?![0-9A-Za-z])"
            return Set(
                text.split(separator: "\n").map {
                    $0.replacingOccurrences(of: user, with: "USER").replacingOccurrences(
                        of: time, with: ".TIME", options: .regularExpression)
                })
        }
        for step in Self.steps {
            let expected = try logged(step, debian, "alice")
            let found = try logged(step, ours, "bob")
            #expect(found == expected, "\(step)\n  Debian: \(expected.sorted())\n  ours:   \(found.sorted())")
        }
    }
}

@Suite(.enabled(if: DebianCyrus.isInstalled)) struct StatusCacheTests {
    @Test func debiansCachedStatusFollowsOurChanges() throws {
        let cyrus = try DebianCyrus(
            services: [.imap, .init("ours", command: OurPrograms.path("imapd"))], options: ["conversations: no", "statuscache: yes"],
            users: ["alice"])
        defer { cyrus.stop() }
        let debian = try IMAPConnection(port: cyrus.port("imap"))
        let ours = try IMAPConnection(port: cyrus.port("ours"))
        try debian.login("alice")
        try ours.login("alice")
        for count in 1...3 {
            _ = try ours.append(Array(IMAPDialogueTests.message.utf8), to: "INBOX", date: "05-Nov-2026 08:00:00 +0000")
            let status = String(decoding: try debian.command("STATUS INBOX (MESSAGES UNSEEN UIDNEXT)")[0], as: UTF8.self)
            #expect(status.contains("MESSAGES \(count) UIDNEXT \(count + 1) UNSEEN \(count)"), "\(status)")
        }
    }
}
