import DebianCyrus
import Foundation
import Testing

/// A spool written by Debian's Cyrus is served by ours with the same answers; after ours has changed it, Debian's finds nothing to repair.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct ThereAndBackTests {
    static let users = (1...20).map { "u\($0)" }

    /// Real messages of MAIL_CORPUS, or a few of this suite's own.
    static var messages: [[UInt8]] {
        if let folder = ProcessInfo.processInfo.environment["MAIL_CORPUS"],
            let names = try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        {
            let read = names.filter { $0.hasSuffix(".eml") }.compactMap { FileManager.default.contents(atPath: "\(folder)/\($0)") }
            return read.map { crlf(Array($0)) }
        }
        return (0..<60).map { Array("X-Number: \($0)\r\n\(IMAPDialogueTests.message)".utf8) }
    }

    static func crlf(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var previous: UInt8 = 0
        for byte in text where byte != 0 {
            if byte == 10, previous != 13 { out.append(13) }
            out.append(byte)
            previous = byte
        }
        return out
    }

    @Test(arguments: [false, true])
    func aDebianSpoolIsServedChangedAndGivenBack(conversations: Bool) throws {
        let cyrus = try DebianCyrus(
            services: [
                .imap, .init("ours", command: OurPrograms.path("imapd")), .init("ourlmtp", command: OurPrograms.path("lmtpd") + " -a"),
            ], options: ["conversations: \(conversations ? "yes" : "no")", "failedloginpause: 0"],
            users: Self.users)
        defer { cyrus.stop() }
        try populate(cyrus)
        try compare(cyrus)
        try change(cyrus)
        try compare(cyrus)
        try SpoolCheck(cyrus, conversations: conversations).expectNothingToRepair(users: Self.users, atLeast: 80)
        try readByDebian(cyrus)
        // And Debian's goes on with it.
        let debian = try IMAPConnection(port: cyrus.port("imap"))
        try debian.login("u1")
        try debian.expectOK("SELECT INBOX")
        try debian.expectOK("STORE 1:* +FLAGS (afterwards)")
        try compare(cyrus, users: ["u1"])
        if conversations { try SpoolCheck(cyrus, conversations: true).expectSoundConversations(of: ["u1"]) }
    }

    /// Debian's imapd writes: folders, flags, keywords, ACLs, quotas, annotations, expunged messages, subscriptions.
    private func populate(_ cyrus: DebianCyrus) throws {
        let admin = try IMAPConnection(port: cyrus.port("imap"))
        try admin.login("cyrus")
        for (number, user) in Self.users.enumerated() where number % 3 == 0 {
            try admin.expectOK("SETQUOTA user.\(user) (STORAGE 100000 MESSAGE 5000)")
        }
        try admin.expectOK("CREATE shared.news")
        try admin.expectOK("SETACL shared.news anyone lrsip")
        let messages = Self.messages
        for (number, user) in Self.users.enumerated() {
            let debian = try IMAPConnection(port: cyrus.port("imap"))
            try debian.login(user)
            try debian.expectOK("CREATE INBOX.Work")
            try debian.expectOK("CREATE INBOX.Work.Deep.Down")
            try debian.expectOK("CREATE \"INBOX.Caf&AOk- x\"")
            try debian.expectOK("SUBSCRIBE INBOX.Work")
            try debian.expectOK("SETACL INBOX.Work \(Self.users[(number + 1) % 20]) lrswi")
            _ = try debian.command("SETMETADATA INBOX.Work (/private/comment \"of \(user)\")")
            for index in stride(from: number, to: messages.count, by: 20) {
                // Some of the corpus is refused by any Cyrus (NUL, bad header): that is in order.
                _ = try debian.append(
                    messages[index], to: index % 3 == 0 ? "INBOX.Work" : "INBOX", date: "0\(1 + index % 9)-Nov-2026 08:00:00 +0000")
            }
            try debian.expectOK("SELECT INBOX")
            _ = try debian.command("STORE 1:* +FLAGS (\\Answered $Junk)")
            _ = try debian.command("STORE 2 +FLAGS (\\Flagged \\Deleted)")
            _ = try debian.command("EXPUNGE")
            _ = try debian.command("COPY 1:2 INBOX.Work.Deep.Down")
            _ = try debian.command("FETCH 1 BODY[]")
            _ = try debian.command("CLOSE")
            _ = try debian.append(messages[number % messages.count], to: "shared.news", date: "01-Nov-2026 08:00:00 +0000")
        }
    }

    /// Every user's mail by both, read-only.
    private func compare(_ cyrus: DebianCyrus, users: [String] = users) throws {
        for user in users {
            let debian = try IMAPConnection(port: cyrus.port("imap"))
            let ours = try IMAPConnection(port: cyrus.port("ours"))
            try debian.login(user)
            try ours.login(user)
            func same(_ command: String) throws -> [[UInt8]] {
                let expected = try debian.command(command)
                let found = try ours.command(command)
                let a = expected.map { IMAPDialogueTests.normalized(String(decoding: $0, as: UTF8.self), user) }.filter(Self.isComparable)
                let b = found.map { IMAPDialogueTests.normalized(String(decoding: $0, as: UTF8.self), user) }.filter(Self.isComparable)
                if a != b {
                    let first = zip(a, b).first { $0 != $1 }
                    let start = first.map { pair in max(0, zip(pair.0.utf8, pair.1.utf8).prefix { $0 == $1 }.count - 40) } ?? 0
                    func excerpt(_ line: String?) -> String {
                        String(decoding: (line ?? "").utf8.dropFirst(start).prefix(300), as: UTF8.self)
                    }
                    Issue.record(
                        "\(user): \(command): \(a.count) and \(b.count) lines, at \(start)\n  Debian: \(excerpt(first?.0))\n  ours:   \(excerpt(first?.1))"
                    )
                }
                return expected
            }
            let listed = try same("LIST \"\" *")
            _ = try same("LIST \"\" %")
            _ = try same("LSUB \"\" *")
            for line in listed {
                let text = String(decoding: line, as: UTF8.self)
                guard text.hasPrefix("* LIST"), let end = text.range(of: "\".\" ") else { continue }
                let name = text[end.upperBound...].trimmingCharacters(in: .newlines)
                _ = try same("STATUS \(name) (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)")
                _ = try same("MYRIGHTS \(name)")
                _ = try same("GETQUOTAROOT \(name)")
                _ = try same("EXAMINE \(name)")
                _ = try same(
                    "FETCH 1:* (FLAGS UID INTERNALDATE RFC822.SIZE MODSEQ ENVELOPE BODYSTRUCTURE BODY BODY.PEEK[HEADER.FIELDS (SUBJECT REFERENCES LIST-ID)] BODY.PEEK[1] BODY.PEEK[])"
                )
                _ = try same(
                    "UID FETCH 1:* (RFC822 RFC822.HEADER RFC822.TEXT BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[1.MIME] BODY.PEEK[2]<0.9>)"
                )
                try found("SEARCH BODY patch", debian, ours)
                for key in [
                    "UNSEEN", "FROM linux", "SUBJECT re", "TEXT kernel", "SENTSINCE 1-Jan-2015", "KEYWORD $Junk", "HEADER X-Mailer \"\"",
                    "LARGER 4000",
                ] {
                    _ = try same("SEARCH \(key)")
                }
            }
        }
    }

    /// Debian's SEARCH misses words in some ISO-8859-1 and quoted-printable parts: ours finds at least what it finds.
    private func found(_ command: String, _ debian: IMAPConnection, _ ours: IMAPConnection) throws {
        func numbers(_ lines: [[UInt8]]) -> Set<Int> {
            Set(
                lines.flatMap {
                    String(decoding: $0, as: UTF8.self).split(separator: " ").dropFirst(2).compactMap {
                        Int($0.trimmingCharacters(in: .newlines))
                    }
                })
        }
        let expected = numbers(Array(try debian.command(command).dropLast()))
        let actual = numbers(Array(try ours.command(command).dropLast()))
        #expect(expected.isSubset(of: actual), "\(command)")
    }

    private static func isComparable(_ line: String) -> Bool {
        !line.contains("[URLMECH INTERNAL]") && !line.contains("[ANNOTATIONS 65536]")
    }

    /// Ours delivers, appends, flags, expunges, copies, moves, renames, creates, deletes, and sets rights.
    private func change(_ cyrus: DebianCyrus) throws {
        let messages = Self.messages
        let postman = try LMTPConnection(port: cyrus.port("ourlmtp"))
        _ = try postman.reply()
        _ = try postman.command("LHLO here")
        for (number, user) in Self.users.enumerated() {
            let ours = try IMAPConnection(port: cyrus.port("ours"))
            try ours.login(user)
            for _ in 0..<3 { _ = try ours.append(Array(IMAPDialogueTests.message.utf8), to: "INBOX", date: "05-Nov-2026 08:00:00 +0000") }
            for index in [number, number + 21] {
                let text = String(decoding: messages[index % messages.count].filter { $0 < 0x80 }, as: UTF8.self)
                let answer = try postman.deliver(text.replacingOccurrences(of: "\n.", with: "\n.."), to: user)
                #expect(answer.hasPrefix("250") || answer.hasPrefix("554"), "\(answer)")
            }
            #expect(try postman.deliver(IMAPDialogueTests.message, to: "\(user)+Work").hasPrefix("250"))
            try ours.expectOK("SELECT INBOX")
            try ours.expectOK("STORE 1 +FLAGS (\\Flagged ours$key)")
            try ours.expectOK("STORE 1 -FLAGS (\\Answered)")
            try ours.expectOK("STORE 2 +FLAGS (\\Deleted)")
            try ours.expectOK("EXPUNGE")
            try ours.expectOK("CREATE INBOX.New")
            try ours.expectOK("COPY 1:2 INBOX.New")
            try ours.expectOK("MOVE 1 INBOX.Work")
            try ours.expectOK("RENAME INBOX.Work INBOX.Renamed")
            try ours.expectOK("DELETE INBOX.Renamed.Deep.Down")
            try ours.expectOK("SUBSCRIBE INBOX.New")
            try ours.expectOK("SETACL INBOX.New \(Self.users[(number + 2) % 20]) lr")
            try ours.expectOK("SELECT INBOX.Renamed")
            try ours.expectOK("CLOSE")
        }
        let admin = try IMAPConnection(port: cyrus.port("ours"))
        try admin.login("cyrus")
        try admin.expectOK("SETQUOTA user.u2 (STORAGE 50000)")
        try admin.expectOK("SETACL user.u20 cyrus lrswipkxtecda")
        try admin.expectOK("DELETE user.u20")
    }

    /// Debian's imapd reads each message through its index and cache: a damaged record would show.
    private func readByDebian(_ cyrus: DebianCyrus) throws {
        for user in Self.users.dropLast() {
            let reader = try IMAPConnection(port: cyrus.port("imap"))
            try reader.login(user)
            try reader.expectOK("EXAMINE INBOX")
            try reader.expectOK("FETCH 1:* (ENVELOPE BODYSTRUCTURE)")
        }
    }
}
