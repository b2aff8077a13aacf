import DebianCyrus
import Foundation
import Testing

/// Mailboxes whose index Debian's reconstruct brought to an older version are read by ours as by Debian's, and written as version 17.
@Suite(.enabled(if: DebianCyrus.isInstalled), .serialized) struct IndexVersionTests {
    @Test func olderVersionsAreReadAndConvertedByTheFirstChange() throws {
        let versions = [6, 7, 8, 9, 10, 12, 13, 14, 15, 16]
        let cyrus = try DebianCyrus(
            services: [.imap, .init("ours", command: OurPrograms.path("imapd"))], options: ["conversations: no"], users: ["alice"])
        defer { cyrus.stop() }
        let debian = try IMAPConnection(port: cyrus.port("imap"))
        try debian.login("alice")
        for version in versions {
            try debian.expectOK("CREATE INBOX.v\(version)")
            for number in 1...3 {
                let message = Array("X-Number: \(number)\r\n\(IMAPDialogueTests.message)".utf8)
                _ = try debian.append(message, to: "INBOX.v\(version)", date: "05-Nov-2026 08:00:00 +0000")
            }
            try debian.expectOK("SELECT INBOX.v\(version)")
            try debian.expectOK("STORE 2 +FLAGS (\\Flagged \\Seen kw)")
            try debian.expectOK("UNSELECT")
            try cyrus.tool("reconstruct", ["-V", "\(version)", "user.alice.v\(version)"])
        }
        let ours = try IMAPConnection(port: cyrus.port("ours"))
        try ours.login("alice")
        let items = "(FLAGS UID INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[2.1] BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
        for version in versions {
            let mailbox = "INBOX.v\(version)"
            func fetch(_ connection: IMAPConnection) throws -> [String] {
                try connection.expectOK("EXAMINE \(mailbox)")
                let lines = try connection.command("FETCH 1:* \(items)").map { String(decoding: $0, as: UTF8.self) }
                try connection.expectOK("UNSELECT")
                // Whose mail is recent is not kept alike by all versions.
                return lines.dropLast().map { $0.replacingOccurrences(of: "\\\\Recent ?", with: "", options: .regularExpression) }
            }
            let expected = try fetch(debian)
            let found = try fetch(ours)
            #expect(expected.count == 3)
            for (a, b) in zip(expected, found) where a != b { Issue.record("version \(version)\n  Debian: \(a)\n  ours:   \(b)") }
            #expect(found.count == expected.count, "version \(version)")
            try ours.expectOK("SELECT \(mailbox)")
            try ours.expectOK("STORE 1 +FLAGS (\\Answered)")
            try ours.expectOK("UNSELECT")
            let index = try cyrus.mailboxFolder("user.alice.v\(version)") + "/cyrus.index"
            let head = FileManager.default.contents(atPath: index)?.prefix(12)
            #expect(head?.last == 17, "version \(version) was not converted")
            #expect(try fetch(debian) == fetch(ours), "version \(version) after the change")
        }
        let told = try cyrus.tool("reconstruct", ["-n", "-r", "user"]).split(separator: "\n").filter { $0.contains(" ") }
        #expect(told.isEmpty, "reconstruct -n: \(told.prefix(5))")
    }
}
