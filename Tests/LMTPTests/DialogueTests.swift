import DebianCyrus
import Foundation
import Testing

/// The same lines to Debian's lmtpd and to ours: the same answers. `@` in front of a user's letter stands for each side's own.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct DialogueTests {
    struct Dialogue: CustomTestStringConvertible, Sendable {
        var kind = Instance.Kind.plain
        let lines: [String]
        var testDescription: String { "\(kind): \(lines.joined(separator: " | ").prefix(80))" }
    }

    static let mailParameters = [
        "", " BODY=8BITMIME", " body=7bit", " BODY=x", " BODY=BINARYMIME", " BODY=", " SIZE=10", " SIZE=0", " SIZE=", " SIZE=abc",
        " SIZE=12x", " SIZE",
        " SIZE=99999999999999999999", " SIZE=2147483647", " SIZE=2147483648", " AUTH=<>", " AUTH=", " AUTH=x@y", " AUTH=a+2Bb", " FOO",
        " FOO=x", " ", "  BODY=7BIT",
        "BODY=7BIT", " BODY=7BIT BODY=7BIT", " BODY=8BITMIME SIZE=10", " SIZE=5 ", " RET=HDRS",
    ]

    static let senders = [
        "FROM", "FROM ", "FROM:", "FROM:x", "FROM: <x>", " FROM:<x>", "FROM :<x>", "TO:<x>", "FROM:<>", "from:<a@b>", "FROM:<a b>",
        "FROM:<\"a b\"@c>", "FROM:<\"a\\\"b\"@c>",
        "FROM:<\"a", "FROM:<@x,@y:a@b>", "FROM:<@x:@y:a>", "FROM:<@[1.2.3]:a>", "FROM:<a@b", "FROM:a@b>", "FROM:<a@b>x",
        "FROM:<a@[1.2.3.4]>", "FROM:<a@[1.2>", "FROM:<a@b_c>", "FROM:<a\\ b@c>",
        "FROM:<a\\", "FROM:<a(b)@c>", "FROM:<a[b]@c>", "FROM:<a@b@c>", "FROM:<@>",
    ]

    static let recipients = [
        "TO", "TO:", "TO:@a", "TO:<>", "TO:<@a", "TO: <@a>", "TO:<@a> FOO", "TO:<@a> IGNOREQUOTA", "TO:<@a> ignorequota x",
        "TO:<@a> IGNOREQUOTAX", "TO:<@a> ", "TO:<@a>x", "TO:<@a@foo>",
        "TO:<@A>", "TO:<@a+Sub>", "TO:<@a+nope>", "TO:<nobody>", "TO:<nobody+x>", "TO:<+shared.open>", "TO:<+shared.seen>",
        "TO:<+shared.closed>", "TO:<+shared>", "TO:<+nope>",
        "TO:<+shared.open@foo>", "TO:<+Shared.Open>", "TO:<+shared..open>", "TO:<+user.@a>", "TO:<+user.@a.Sub>", "TO:<+user.@a.Closed>",
        "TO:<+user>", "TO:<\"@a\">", "TO:<\\@a>",
        "TO:<@x.y>", "TO:<@x^y>", "TO:<user.@a>", "TO:<@a.Sub>", "TO:<@a+>", "TO:<+>", "TO:<anyone>", "TO:<@a%>", "TO:<@a@@b>",
        "TO:<(c)@a>", "TO:<@r,@s:@a@c>", "TO:<@a@[1.2.3.4]>",
        "TO:<@a@>", "TO:<@:@a>", "TO:<@r,:@a>", "TO:<@r>", "FROM:<@a>", " TO:<@a>", "TO:<@a bob>", "TO:<postmaster>", "TO:<@a@_>",
        "TO:<\"@a>", "TO:<@a,b>", "TO:<@a;b>", "TO:<\u{e9}@a>", "TO:<user>", "TO:<.>", "TO:<..>",
    ]

    static let others: [Dialogue] = [
        Dialogue(lines: ["NOOP", "RSET", "RCPT TO:<@a>", "DATA", "LHLO x", "DATA", "RCPT TO:<@a>", "VRFY x", "VRFY", "VRFY x y"]),
        Dialogue(lines: ["HELO x", "EHLO x", "LHLO", "LHLO ", "LHLO x", "LHLO x y", "lhlo x", "LHLOX y"]),
        Dialogue(lines: [
            "HELP", "EXPN", "EXPN x", "", "   ", "QUIT x", "NOOP x", "RSET x", "DATA x", "DATAX", "MFOO", "M", "AUTH", "AUTH ", "AUTH FOO",
            "STARTTLS", "STARTTLS x", "noop", "rset", "\u{e9}",
        ]),
        Dialogue(lines: [
            "MAIL FROM:<a@b>", "MAIL FROM:<a@b>", "LHLO x", "MAIL FROM:<c@d>", "RSET", "MAIL FROM:<c@d>", "RCPT TO:<@a>", "MAIL FROM:<x>",
            "RSET", "RCPT TO:<@a>", "DATA",
        ]),
        Dialogue(lines: ["MAIL", "MAIL ", "RCPT", "RCPT ", "MAIL FROM:<a> FOO", "MAIL FROM:<a>", "RCPT TO:<@a>", "RSET"]),
        Dialogue(lines: [
            "LHLO x", "MAIL FROM:<a>", "RCPT TO:<nobody>", "DATA", "RCPT TO:<@a>", "RCPT TO:<@a>", "DATA", "Subject: two\r\n\r\nx\r\n.",
            "DATA", "RCPT TO:<@a>", "MAIL FROM:<>",
        ]),
        Dialogue(lines: ["LHLO x", "MAIL FROM:<a>", "RCPT TO:<@a>", "RCPT TO:<@a+Sub>", "DATA", "Subject: a\0b\r\n\r\nx\r\n.", "NOOP"]),
        Dialogue(lines: ["LHLO x", "MAIL FROM:<a>", "RCPT TO:<@a>", "RCPT TO:<+shared.open>", "DATA", "no header at all\r\n.", "NOOP"]),
        Dialogue(lines: [
            "LHLO x", "MAIL FROM:<a>", "RCPT TO:<@q>", "RCPT TO:<@q>", "DATA",
            "Subject: big\r\n\r\n\(String(repeating: "x", count: 900))\r\n\(String(repeating: "x", count: 900))\r\n.", "MAIL FROM:<b>",
            "RCPT TO:<@q>", "RCPT TO:<@q+x>", "RCPT TO:<@q> IGNOREQUOTA", "DATA", "Subject: y\r\n\r\n.",
        ]),
        Dialogue(lines: [
            "LHLO x", "MAIL FROM:<a>", "RCPT TO:<@m>", "RCPT TO:<@m>", "RCPT TO:<@m>", "DATA", "Subject: 1\r\n\r\n.", "MAIL FROM:<a>",
            "RCPT TO:<@m>",
        ]),
        Dialogue(lines: ["AUTH PLAIN AAAA", "LHLO x"]),
        Dialogue(
            kind: .login,
            lines: [
                "NOOP", "MAIL FROM:<a@b>", "MAIL", "MX", "RCPT TO:<@a>", "DATA", "VRFY x", "RSET", "LHLO x", "AUTH", "AUTH ", "AUTH FOO",
                "STARTTLS",
            ]),
        Dialogue(kind: .login, lines: ["AUTH PLAIN", "*", "AUTH PLAIN", "!!!", "AUTH PLAIN =", "AUTH PLAIN", "", "NOOP"]),
        Dialogue(
            kind: .login,
            lines: [
                "LHLO x", "AUTH PLAIN \(plain("cyrus", "wrong"))", "AUTH PLAIN \(plain("nobody", "secret"))",
                "AUTH PLAIN \(plain("oa", "secret"))", "MAIL FROM:<a>",
            ]),
        Dialogue(
            kind: .login,
            lines: [
                "LHLO x", "AUTH PLAIN \(plain("cyrus", "secret"))", "AUTH PLAIN \(plain("cyrus", "secret"))", "LHLO x", "MAIL FROM:<a>",
                "RCPT TO:<@a>", "DATA", "Subject: authenticated\r\n\r\n.",
            ]),
        Dialogue(kind: .login, lines: ["AUTH PLAIN", plain("cyrus", "secret"), "MAIL FROM:<a> AUTH=cyrus", "RCPT TO:<@a+Closed>"]),
        Dialogue(
            kind: .loose,
            lines: [
                "LHLO x", "MAIL FROM:<a> SIZE=3001", "RSET", "MAIL FROM:<a> SIZE=3000", "RCPT TO:<@q>", "RCPT TO:<\u{e9}>", "RCPT TO:<(c)>",
                "RCPT TO:<[x]>", "RCPT TO:<bb>", "RCPT TO:<bb+shared.open>", "RCPT TO:<bb+shared.closed>", "RCPT TO:<+shared.open>",
                "RCPT TO:<bb+nope>",
            ]),
        Dialogue(kind: .loose, lines: ["LHLO x", "MAIL FROM:<a>", "RCPT TO:<@a>", "DATA", "Subject: \u{e9}\r\n\r\n.", "NOOP"]),
        Dialogue(
            kind: .loose,
            lines: [
                "LHLO x", "MAIL FROM:<a>", "RCPT TO:<@a>", "DATA",
                "Subject: big\r\n\r\n\(String(repeating: "0123456789\r\n", count: 400)).", "NOOP",
            ]),
        Dialogue(
            kind: .domains,
            lines: [
                "LHLO x", "MAIL FROM:<a>", "RCPT TO:<@A>", "RCPT TO:<@a@example.org>", "RCPT TO:<@a@EXAMPLE.ORG>", "RCPT TO:<@new>",
                "RCPT TO:<@new@other.org>", "RCPT TO:<+shared/open>", "RCPT TO:<+shared.open>", "RCPT TO:<+shared/open@other.org>",
                "RCPT TO:<@x.y>", "RCPT TO:<@new%x>", "RCPT TO:<@a+Sub/Deep>",
            ]),
    ]

    static let all: [Dialogue] =
        mailParameters.map { Dialogue(lines: ["LHLO x", "MAIL FROM:<a@b>\($0)", "MAIL FROM:<z>", "RCPT TO:<@a>"]) }
        + senders.map { Dialogue(lines: ["MAIL \($0)", "RCPT TO:<@a>"]) } + senders.map { Dialogue(kind: .loose, lines: ["MAIL \($0)"]) }
        + recipients.map {
            Dialogue(lines: [
                "LHLO x", "MAIL FROM:<>", "RCPT \($0)", "DATA", "Subject: t\r\nMessage-ID: <\(abs($0.hashValue))@x>\r\n\r\n.", "NOOP",
            ])
        } + others

    static func plain(_ user: String, _ password: String) -> String { Data("\0\(user)\0\(password)".utf8).base64EncodedString() }

    @Test(arguments: all.indices)
    func answersAreDebians(number: Int) throws {
        let dialogue = Self.all[number]
        let expected = try Self.transcript(dialogue, Instance.debian)
        let found = try Self.transcript(dialogue, Instance.ours)
        if expected != found {
            Issue.record("\(dialogue.lines.joined(separator: "\n"))\n--- Debian:\n\(expected)\n--- ours:\n\(found)")
        }
    }

    /// All answers to the lines, sent at once (RFC 2920), with QUIT behind them.
    static func transcript(_ dialogue: Dialogue, _ side: Instance.Side) throws -> String {
        let connection = try Instance.connect(side, dialogue.kind)
        if dialogue.kind == .login {
            // Nothing may be sent behind AUTH before its answer (RFC 4954 section 4).
            var answers = [try connection.reply()]
            for line in dialogue.lines { answers.append(try connection.command(ownNames(line, side))) }
            return Instance.normalized(answers.joined(separator: "\n"), side)
        }
        let text = (dialogue.lines + ["QUIT"]).map { ownNames($0, side) + "\r\n" }.joined()
        try connection.send(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
        return Instance.normalized(try connection.rest(), side)
    }

    /// `@a` is `da` for Debian's side and `oa` for ours, where no address's domain is meant.
    static func ownNames(_ line: String, _ side: Instance.Side) -> String {
        line.replacingOccurrences(
            of: "(^|[<.:\"\\\\)\u{e9}]|TO:)@(?=(a|A|q|m|x[.^]y|new)\\b)", with: "$1\(side.prefix)", options: .regularExpression)
    }
}
