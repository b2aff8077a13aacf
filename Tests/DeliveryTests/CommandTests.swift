import Bytes
import Testing

@testable import Delivery

@Suite struct CommandTests {
    static func command(_ line: String, strict: Bool = true) -> LMTPCommand { LMTPCommand(Array(line.utf8), strict: strict) }

    @Test(arguments: [
        ("data", LMTPCommand.data), ("DATA", .data), ("DATA ", .unknown), ("RSET", .reset), ("NOOP", .noOperation), ("QUIT", .quit),
        ("STARTTLS", .startTLS), ("VRFY x", .verify), ("VRFY", .unknown),
        ("LHLO x y", .hello(Array("x y".utf8))), ("LHLO", .unknown), ("EHLO x", .unknown), ("", .unknown), ("MFOO", .mail(nil)),
        ("AUTH PLAIN", .authenticate(mechanism: Array("PLAIN".utf8), initial: nil)),
        ("AUTH PLAIN =", .authenticate(mechanism: Array("PLAIN".utf8), initial: Array("=".utf8))),
        ("auth ", .authenticate(mechanism: [], initial: nil)),
    ])
    func linesAreUnderstood(line: String, expected: LMTPCommand) {
        #expect(Self.command(line) == expected)
    }

    @Test(arguments: [
        ("<a@b>", "a@b", true), ("<>", "", true), ("<\"a b\"@c>", "\"a b\"@c", true), ("<@x,@y:a@b>", "a@b", true), ("<@x:a>", "a", true),
        ("<a\\ b>", "a\\ b", true), ("<a@[1.2.3.4]>", "a@[1.2.3.4]", true),
        ("<a", nil, true), ("a>", nil, true), ("<a b>", nil, true), ("<a@b_c>", nil, true), ("<a\\", nil, true), ("<\"a", nil, true),
        ("<\"a\\", nil, true), ("<a,b>", nil, true), ("<@a>", nil, true), ("<@", nil, true),
        ("<@[1", nil, true), ("<a@[1.x]>", nil, true), ("<\u{e9}>", nil, true), ("<\u{e9}>", "\u{e9}", false), ("<a>b", nil, true),
        ("", nil, true), ("<", nil, true),
    ])
    func pathsAreScanned(text: String, mailbox: String?, strict: Bool) {
        let bytes = Array(text.utf8)
        let found = EnvelopeAddress.scan(bytes.span.bytes, from: 0, strict: strict)?.address.mailbox.text
        #expect(found == mailbox)
    }

    /// Whatever comes, nothing traps.
    @Test func noLineTraps() {
        var generator = SystemRandomNumberGenerator()
        let pieces = [
            "MAIL FROM:", "RCPT TO:", "<", ">", "@", ":", ",", "[", "]", "\"", "\\", " ", "a", "1.2", "SIZE=", "AUTH=+4", "BODY=", "AUTH ",
            "LHLO ", "=", "\u{e9}", "\0",
        ]
        for _ in 0..<20_000 {
            let line = (0..<Int.random(in: 0...12, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            _ = Self.command(line)
            _ = Self.command(line, strict: false)
        }
    }

    @Test func authParameterIsDecoded() {
        guard case .mail(let arguments?) = Self.command("MAIL FROM:<a> AUTH=c+2Bd@e") else {
            Issue.record("no MAIL")
            return
        }
        #expect(arguments.authenticatedAs == "c+d@e")
    }
}

@Suite struct TransactionTests {
    static func transaction(isAuthenticated: Bool = true) -> LMTPTransaction<String> {
        LMTPTransaction(.init(), isAuthenticated: isAuthenticated)
    }

    @Test func orderIsKept() {
        var state = Self.transaction()
        #expect(state.receive(CommandTests.command("RCPT TO:<a>")) == .reply(.needsMail))
        #expect(state.receive(CommandTests.command("DATA")) == .reply(.noRecipients))
        #expect(state.receive(CommandTests.command("MAIL FROM:<a>")) == .reply(.senderAccepted))
        #expect(state.receive(CommandTests.command("MAIL FROM:<a>")) == .reply(.nested))
        guard case .resolve(let address, ignoresQuota: true) = state.receive(CommandTests.command("RCPT TO:<b> IGNOREQUOTA")) else {
            Issue.record("no recipient")
            return
        }
        #expect(address.mailbox.text == "b")
        #expect(state.receive(CommandTests.command("DATA")) == .reply(.noRecipients))
        state.accept("b")
        #expect(state.receive(CommandTests.command("DATA")) == .receiveMessage)
        #expect(state.receive(CommandTests.command("RSET")) == .reset)
        #expect(state.recipients.isEmpty)
        #expect(state.receive(CommandTests.command("RCPT TO:<b>")) == .reply(.needsMail))
    }

    @Test func mailNeedsAuthentication() {
        var state = Self.transaction(isAuthenticated: false)
        #expect(state.receive(CommandTests.command("MAIL FROM:<a>")) == .reply(.authenticationRequired(soft: true)))
        state.isAuthenticated = true
        #expect(state.receive(CommandTests.command("MAIL FROM:<a>")) == .reply(.senderAccepted))
    }

    @Test func recipientsAreLimited() {
        var settings = LMTPTransaction<String>.Settings()
        settings.recipientLimit = 1
        var state = LMTPTransaction<String>(settings, isAuthenticated: true)
        _ = state.receive(CommandTests.command("MAIL FROM:<a>"))
        state.accept("b")
        #expect(state.receive(CommandTests.command("RCPT TO:<c>")) == .reply(.tooManyRecipients))
    }

    @Test func aSenderWithAWrongParameterStands() {
        var state = Self.transaction()
        #expect(state.receive(CommandTests.command("MAIL FROM:<a> FOO")) == .reply(.unknownParameter))
        #expect(state.receive(CommandTests.command("MAIL FROM:<a>")) == .reply(.nested))
    }
}
