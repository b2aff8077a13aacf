import DebianCyrus
import Foundation
import Testing

/// TLS and authentication of our imapd beside Debian's: the same conversations, word for word where words are the protocol's.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct SecurityTests {
    static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    /// Each a conversation of its own: AUTHENTICATE with its responses, and what is asked afterwards.
    static let conversations: [[String]] = [
        [
            "AUTHENTICATE PLAIN \(base64("\0alice\0secret"))", "AUTHENTICATE PLAIN \(base64("\0alice\0secret"))", "LOGIN alice secret",
            "NOOP",
        ],
        ["AUTHENTICATE PLAIN\r\n\(base64("\0alice\0secret"))", "NOOP"],
        [
            "AUTHENTICATE PLAIN \(base64("\0alice\0wrong"))", "AUTHENTICATE PLAIN \(base64("\0nobody\0secret"))", "LOGIN alice wrong",
            "NOOP",
        ],
        ["AUTHENTICATE PLAIN\r\n*", "AUTHENTICATE NOSUCH", "LOGIN alice secret"],
        ["AUTHENTICATE PLAIN \(base64("bob\0alice\0secret"))", "AUTHENTICATE PLAIN \(base64("bob\0cyrus\0secret"))", "NOOP"],
        ["AUTHENTICATE", "STARTTLS", "LOGIN anonymous x", "UNAUTHENTICATE"],
    ]

    @Test(arguments: conversations.indices) func authenticationIsAnsweredAsByDebian(index: Int) throws {
        let cyrus = try DebianCyrus(
            services: [.imap, .init("ours", command: OurPrograms.path("imapd"))], options: ["failedloginpause: 0"], users: ["alice", "bob"])
        defer { cyrus.stop() }
        let debian = try IMAPConnection(port: cyrus.port("imap"))
        let ours = try IMAPConnection(port: cyrus.port("ours"))
        for line in Self.conversations[index] {
            let expected = try Self.answer(debian, line)
            let found = try Self.answer(ours, line)
            #expect(found == expected, "\(line)")
        }
    }

    /// Debian's answers such a response with "another step is needed", and such an initial response with a challenge.
    @Test func whatIsNoBase64IsBad() throws {
        let cyrus = try DebianCyrus(services: [.imap, .init("ours", command: OurPrograms.path("imapd"))], users: ["alice"])
        defer { cyrus.stop() }
        let ours = try IMAPConnection(port: cyrus.port("ours"))
        for line in ["AUTHENTICATE PLAIN\r\n%%%", "AUTHENTICATE PLAIN %%%"] {
            #expect(try Self.answer(ours, line).last?.hasSuffix("BAD Invalid base64 string") == true)
        }
        try ours.login("alice")
    }

    /// Without what differs on purpose: the list of capabilities, and session ids.
    private static func answer(_ connection: IMAPConnection, _ line: String) throws -> [String] {
        try connection.command(line).map {
            String(decoding: $0, as: UTF8.self)
                .replacingOccurrences(of: "\\[CAPABILITY [^]]*\\]", with: "[CAPABILITY]", options: .regularExpression)
                .replacingOccurrences(of: "SESSIONID=<[^>]*>", with: "SESSIONID", options: .regularExpression)
        }
    }

    /// What a client of Python's imaplib finds before TLS, under it, and logged in.
    private static let client = """
        import imaplib, ssl, sys
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        def shown(words): return [w for w in words if w in ('STARTTLS', 'LOGINDISABLED', 'SASL-IR') or w.startswith('AUTH=')]
        def capabilities(c): return shown(c.capability()[1][0].decode().split())
        c = imaplib.IMAP4('127.0.0.1', int(sys.argv[1]))
        print(capabilities(c))
        try: c.login('alice', 'secret')
        except imaplib.IMAP4.error as e: print(e)
        print(c.starttls(context))
        print(capabilities(c), c.sock.version())
        try: print(c._simple_command('STARTTLS'))
        except imaplib.IMAP4.error as e: print(str(e).split(':', 1)[1])
        print(c.authenticate('PLAIN', lambda _: b'\\0alice\\0secret')[0])
        print(capabilities(c))
        print(c.select('INBOX'), c.logout()[0])
        c = imaplib.IMAP4_SSL('127.0.0.1', int(sys.argv[2]), ssl_context=context)
        print(capabilities(c), c.login('alice', 'secret')[0], capabilities(c), c.noop()[0], c.logout()[0])
        """

    @Test func tlsIsBegunByCommandAndFromTheStart() throws {
        let certificate = FileManager.default.temporaryDirectory.path + "/certificate-\(UUID().uuidString).pem"
        defer { try? FileManager.default.removeItem(atPath: certificate) }
        try DebianCyrus.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout", certificate, "-out",
                certificate + ".crt",
            ])
        defer { try? FileManager.default.removeItem(atPath: certificate + ".crt") }
        chmod(certificate, 0o644)
        let ours = OurPrograms.path("imapd")
        let cyrus = try DebianCyrus(
            services: [
                .imap, .init("debian", command: "imapd"), .init("debians", command: "imapd -s"), .init("ours", command: ours),
                .init("ourss", command: ours + " -s"),
            ],
            options: [
                "failedloginpause: 0", "tls_server_cert: \(certificate).crt", "tls_server_key: \(certificate)", "allowplaintext: no",
                "imap_allowplaintext: yes",
            ], users: ["alice"])
        defer { cyrus.stop() }
        func told(_ plain: String, _ tls: String) throws -> String {
            try DebianCyrus.run("/usr/bin/python3", ["-c", Self.client, "\(cyrus.port(plain))", "\(cyrus.port(tls))"])
        }
        let expected = try told("debian", "debians")
        #expect(expected.contains("TLSv1.3"))
        let found = try told("ours", "ourss")
        #expect(found == expected, "Debian: \(expected)\nours: \(found)")
    }
}
