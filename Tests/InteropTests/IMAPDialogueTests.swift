import DebianCyrus
import Foundation
import Testing

/// The same commands to Debian's imapd and to ours, on one spool, each with a user of its own: the answers are the same.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct IMAPDialogueTests {
    /// A dialogue: its name, and lines; `{APPEND}` stands for a message as a non-synchronising literal.
    struct Dialogue: CustomTestStringConvertible, Sendable {
        let name: String
        let lines: [String]
        var testDescription: String { name }
    }

    static let message =
        "From: Alice Example <a@example.com>\r\nTo: b@example.com, Group: x@y.z, w@v.u;\r\nCc: c@d.e\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?= there\r\n"
        + "Date: Sat, 21 Nov 2026 08:00:00 +0000\r\nMessage-ID: <x@y>\r\nX-Own: yes\r\nList-Id: <l.example>\r\nMIME-Version: 1.0\r\n"
        + "Content-Type: multipart/mixed; boundary=b1\r\n\r\npreamble\r\n--b1\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
        + "Content-Transfer-Encoding: quoted-printable\r\n\r\nB=F6dy text one\r\n--b1\r\nContent-Type: message/rfc822\r\n\r\n"
        + "Subject: inner\r\nFrom: i@n\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\n\r\nplain inner\r\n--b2\r\n"
        + "Content-Type: text/html\r\n\r\n<p>html inner</p>\r\n--b2--\r\n--b1\r\nContent-Type: application/octet-stream; name=x.bin\r\n"
        + "Content-Transfer-Encoding: base64\r\n\r\nAAECAwQ=\r\n--b1--\r\nepilogue\r\n"

    static let dialogues: [Dialogue] = [
        Dialogue(
            name: "fetch every item",
            lines: [
                "{APPEND} INBOX (\\Flagged kw1) \"21-Nov-2026 09:00:00 +0100\"", "{APPEND} INBOX", "SELECT INBOX", "FETCH 1 FLAGS",
                "FETCH 1:2 (UID FLAGS)",
            ]
                + [
                    "ALL", "FAST", "FULL", "ENVELOPE", "BODY", "BODYSTRUCTURE", "INTERNALDATE", "RFC822.SIZE", "RFC822.HEADER", "MODSEQ",
                    "EMAILID", "THREADID", "DIGEST.SHA1",
                ]
                .map { "FETCH 1 \($0)" }
                + [
                    "", "HEADER", "TEXT", "1", "1.MIME", "2", "2.HEADER", "2.TEXT", "2.MIME", "2.1", "2.1.MIME", "2.2", "3", "4", "2.3",
                    "1.1", "3.1", "HEADER.FIELDS (FROM TO)", "header.fields (list-id)", "HEADER.FIELDS (x-own Subject)",
                    "HEADER.FIELDS.NOT (FROM SUBJECT)", "2.HEADER.FIELDS (Subject)", "HEADER.FIELDS (NoSuch)",
                ]
                .flatMap { ["FETCH 2 BODY.PEEK[\($0)]", "FETCH 2 (BODY.PEEK[\($0)]<3.7>)", "UID FETCH 2 BODY.PEEK[\($0)]<100000.5>"] }
                + [
                    "FETCH 2 BODY[1]", "FETCH 1 RFC822.TEXT", "FETCH 1 RFC822", "FETCH 1:* FLAGS", "UID FETCH 99 FLAGS", "FETCH 9 FLAGS",
                    "UID FETCH 1:* UID", "FETCH 1 (FLAGS BODY[HEADER])", "FETCH 1 (RFC822 RFC822.HEADER RFC822.TEXT)",
                    "FETCH 2 (BODY.PEEK[1] RFC822 BODY.PEEK[TEXT] RFC822.TEXT RFC822.HEADER BODY.PEEK[HEADER.FIELDS (FROM)] RFC822 ENVELOPE)",
                ]),
        Dialogue(
            name: "store and its answers",
            lines: [
                "{APPEND} INBOX", "{APPEND} INBOX", "SELECT INBOX", "STORE 1 +FLAGS (\\Seen)", "STORE 1 FLAGS (\\Answered k1 k2)",
                "STORE 1:2 -FLAGS (k1)",
                "FETCH 1:2 FLAGS", "UID STORE 1 +FLAGS \\Deleted", "STORE 2 FLAGS ()", "STORE 2 +FLAGS (\\Foo)", "STORE 2 FOO (\\Seen)",
                "STORE 9 +FLAGS (\\Seen)",
                "UID STORE 99 +FLAGS (\\Seen)", "STORE 1 +FLAGS (\\Recent)", "EXPUNGE", "UID EXPUNGE 2", "CLOSE", "EXAMINE INBOX",
                "STORE 1 +FLAGS (\\Seen)", "EXPUNGE",
                "UNSELECT", "FETCH 1 FLAGS",
            ]),
        Dialogue(
            name: "search",
            lines: ["{APPEND} INBOX (\\Seen)", "{APPEND} INBOX (\\Flagged kw)", "SELECT INBOX"]
                + [
                    "ALL", "SEEN", "UNSEEN", "FLAGGED", "KEYWORD kw", "UNKEYWORD kw", "KEYWORD other", "NEW", "OLD", "RECENT", "1", "2:*",
                    "UID 1", "NOT 1", "OR SEEN FLAGGED",
                    "(SEEN FLAGGED)", "FROM alice", "FROM \"Alice Example\"", "TO w@v.u", "CC c@d", "BCC x", "SUBJECT there", "SUBJECT NIL",
                    "BODY inner", "TEXT yes",
                    "HEADER X-Own yes", "HEADER X-Own \"\"", "HEADER X-None \"\"", "HEADER List-Id example", "LARGER 10", "SMALLER 10",
                    "SENTON 21-Nov-2026", "SENTBEFORE 21-Nov-2026",
                    "SENTSINCE 21-Nov-2026", "BEFORE 1-Jan-2000", "SINCE 1-Jan-2000", "CHARSET utf-8 SUBJECT there",
                    "CHARSET nosuch SUBJECT x", "FOO", "BEFORE foo", "(SEEN", "UID 99", "99",
                    "TEXT html", "TEXT preamble", "BODY epilogue", "TEXT multipart", "YOUNGER 1000", "OLDER 1000", "ANSWERED", "UNANSWERED",
                    "DELETED DRAFT", "BODY \"plain inner\"",
                ].flatMap { ["SEARCH \($0)", "UID SEARCH \($0)"] }),
        Dialogue(
            name: "mailboxes",
            lines: [
                "CREATE INBOX.a", "CREATE INBOX.a.b.c", "CREATE INBOX.a", "CREATE foo", "CREATE INBOX.x/y", "CREATE \"INBOX.sp ace\"",
                "LIST \"\" *", "LIST \"\" %", "LIST \"\" INBOX.%", "LIST INBOX. %",
                "LIST \"\" INBOX", "LIST \"\" inbox.a*", "LIST \"\" \"\"", "LIST \"\" nosuch", "SUBSCRIBE INBOX.a",
                "SUBSCRIBE INBOX.nosuch", "SUBSCRIBE INBOX.a.b.c", "LSUB \"\" *", "LSUB \"\" %",
                "LSUB \"\" INBOX.%", "UNSUBSCRIBE INBOX.a", "UNSUBSCRIBE INBOX.none", "LSUB \"\" *",
                "STATUS INBOX.a (MESSAGES RECENT UIDNEXT UNSEEN)", "STATUS INBOX.a (FOO)", "STATUS INBOX.none (MESSAGES)",
                "STATUS INBOX (MESSAGES", "STATUS INBOX (UNSEEN SIZE MESSAGES)", "RENAME INBOX.a INBOX.z", "RENAME INBOX.nosuch INBOX.y",
                "RENAME INBOX.z INBOX.\"sp ace\"", "RENAME INBOX.z \"INBOX.sp ace\"", "LIST \"\" *",
                "DELETE INBOX.none", "DELETE INBOX.z", "DELETE INBOX", "LIST \"\" *", "DELETE INBOX.z.b.c", "LIST \"\" *", "NAMESPACE",
                "SELECT INBOX.none", "SELECT \"INBOX.sp ace\"", "COPY 1 INBOX", "SELECT INBOX.none", "CHECK",
            ]),
        Dialogue(
            name: "copy and move",
            lines: [
                "{APPEND} INBOX (\\Seen k1)", "{APPEND} INBOX", "{APPEND} INBOX", "CREATE INBOX.t", "SELECT INBOX", "COPY 1:2 INBOX.t",
                "UID COPY 3 INBOX.t", "COPY 1 INBOX.none", "COPY 1 user.nobody", "UID COPY 99 INBOX.t",
                "COPY 9 INBOX.t", "MOVE 1 INBOX.t", "UID MOVE 2 INBOX.t", "COPY 1 INBOX", "SELECT INBOX.t", "FETCH 1:* (UID FLAGS)",
                "STATUS INBOX (MESSAGES UIDNEXT)",
            ]),
        Dialogue(
            name: "acl",
            lines: [
                "GETACL INBOX", "MYRIGHTS INBOX", "SETACL INBOX carol lrs", "SETACL INBOX carol +i", "SETACL INBOX carol -r",
                "SETACL INBOX -evil lrs", "SETACL INBOX anyone p", "GETACL INBOX", "SETACL INBOX carol f", "SETACL INBOX \"b@d id\" lr",
                "LISTRIGHTS INBOX carol", "LISTRIGHTS INBOX USER", "DELETEACL INBOX carol", "DELETEACL INBOX -evil", "GETACL INBOX",
                "GETACL INBOX.none", "CREATE INBOX.q", "GETACL INBOX.q", "LISTRIGHTS INBOX.q carol", "MYRIGHTS INBOX.none",
                "SETACL INBOX.q USER lrsw", "MYRIGHTS INBOX.q", "GETACL user.cyrus",
            ]),
        Dialogue(
            name: "syntax",
            lines: [
                "FOO", "SELECT", "SELECT INBOX extra", "NOOP extra", "FETCH", "FETCH 1", "FETCH 1 X-FOO", "SELECT INBOX", "FETCH 1",
                "FETCH x FLAGS", "FETCH 1 X-FOO", "FETCH 1 (FLAGS", "FETCH 0 FLAGS", "STORE 1", "SEARCH", "UID", "UID FOO 1", "UID FETCH",
                "CREATE", "CAPABILITY x",
                "LOGIN a b", "STARTTLS", "COPY 1", "LIST \"\"", "STATUS INBOX", "GETQUOTA", "COMPRESS FOO", "RENAME INBOX.x", "IDLE x",
            ]),
        Dialogue(
            name: "quota",
            lines: ["GETQUOTAROOT INBOX", "GETQUOTA user.USER", "GETQUOTA INBOX", "SETQUOTA INBOX (STORAGE 10)"]),
    ]

    nonisolated(unsafe) static let instance: DebianCyrus? = {
        let users = dialogues.indices.flatMap { ["da\($0)", "oa\($0)"] }
        do {
            return try DebianCyrus(
                services: [.imap, .init("ours", command: OurPrograms.path("imapd"))], options: ["failedloginpause: 0"], users: users)
        } catch { print("no instance: \(error)"); return nil }
    }()

    @Test(arguments: dialogues.indices)
    func answersAreDebians(number: Int) throws {
        let dialogue = Self.dialogues[number]
        let cyrus = try #require(Self.instance)
        let debian = try IMAPConnection(port: cyrus.port("imap"))
        let ours = try IMAPConnection(port: cyrus.port("ours"))
        try debian.login("da\(number)")
        try ours.login("oa\(number)")
        for line in dialogue.lines {
            let expected = try Self.say(line, debian, user: "da\(number)")
            let found = try Self.say(line, ours, user: "oa\(number)")
            if expected != found {
                Issue.record(
                    "\(line)\n  Debian: \(expected.joined(separator: "\n          "))\n  ours:   \(found.joined(separator: "\n          "))"
                )
            }
        }
    }

    static func say(_ line: String, _ connection: IMAPConnection, user: String) throws -> [String] {
        var text = line.replacingOccurrences(of: "USER", with: user)
        if text.hasPrefix("{APPEND}") {
            text = "APPEND\(text.dropFirst(8)) {\(message.utf8.count)+}\r\n\(message)"
        }
        return try connection.command(text).map { normalized(String(decoding: $0, as: UTF8.self), user) }.filter { line in
            // Of extensions that are not there yet.
            !line.contains("[URLMECH INTERNAL]") && !line.contains("[ANNOTATIONS 65536]")
        }
    }

    /// What differs by nature: names of users, ids, times.
    static func normalized(_ line: String, _ user: String) -> String {
        var text = line.replacingOccurrences(of: user, with: "USER")
        for (pattern, with) in [
            ("\\([0-9.]+ secs?( [0-9]+ calls)?\\)", "(T)"), ("msgs in [0-9.]+ secs", "msgs in T"), ("UIDVALIDITY [0-9]+", "UIDVALIDITY V"),
            ("UID [0-9]+ [0-9]+\\] Comp", "UID V] Comp"), ("(APPENDUID|COPYUID) [0-9]+", "$1 V"),
            ("MAILBOXID \\([0-9a-z]+\\)", "MAILBOXID (I)"), ("NO \\[ALREADYEXISTS\\] ", "NO "), ("^[a-z0-9]+ (OK|NO|BAD)", "tag $1"),
        ] {
            text = text.replacingOccurrences(of: pattern, with: with, options: .regularExpression)
        }
        return text
    }
}
