import DebianCyrus
import Foundation

/// Our master with our imapd and lmtpd, once for all tests. Each test has users of its own.
enum Server {
    static let users = ["mbsync", "offline", "fetch", "curl", "mutt", "python", "lmtp", "lmtptoo", "swaks", "swakstoo", "postfix"]
    /// The password of all users.
    static let password = "secret"

    nonisolated(unsafe) private static let instance: Result<DebianCyrus, any Error> = Result {
        try DebianCyrus(
            services: [
                .init("mail", command: OurPrograms.path("imapd"), prefork: 1), .init("lmtp", command: "\(OurPrograms.path("lmtpd")) -a"),
            ],
            options: ["unixhierarchysep: yes", "altnamespace: yes", "autocreate_quota: 0", "sasl_mech_list: PLAIN LOGIN"],
            users: users, programs: OurPrograms.folder)
    }

    static func imapPort() throws -> UInt16 { try instance.get().port("mail") }
    static func lmtpPort() throws -> UInt16 { try instance.get().port("lmtp") }

    /// Logs in, which makes the INBOX at the first time.
    static func login(_ user: String) throws -> IMAPConnection {
        let connection = try IMAPConnection(port: imapPort())
        try connection.login(user)
        return connection
    }

    /// What is in a mailbox: `flags subject` of each message, sorted.
    static func contents(_ user: String, _ mailbox: String) throws -> [String] {
        let connection = try login(user)
        let opened = try connection.expectOK("EXAMINE \"\(mailbox)\"")
        // A FETCH that matches nothing is answered with NO.
        if opened.contains(Array("* 0 EXISTS".utf8)) { return [] }
        return try connection.expectOK("FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])").compactMap { line in
            let text = String(decoding: line, as: UTF8.self)
            guard let flags = text.range(of: "FLAGS ("), let subject = text.range(of: "Subject: ") else { return nil }
            let words = text[flags.upperBound...].prefix { $0 != ")" }.split(separator: " ").filter { $0 != "\\Recent" }.sorted()
            return words.joined(separator: " ") + " " + text[subject.upperBound...].prefix { !$0.isNewline }
        }.sorted()
    }

    /// A message with a subject, with bytes outside ASCII and a line that starts with a dot.
    static func message(_ subject: String) -> String {
        """
        From: Ann <ann@example.org>\r
        To: bob@example.org\r
        Subject: \(subject)\r
        Date: Sat, 21 Nov 2026 10:00:00 +0000\r
        Message-ID: <\(subject.replacingOccurrences(of: " ", with: "."))@example.org>\r
        MIME-Version: 1.0\r
        Content-Type: text/plain; charset=utf-8\r
        Content-Transfer-Encoding: 8bit\r
        \r
        Grüße,\r
        .a line with a dot\r
        .\r
        the end of \(subject)\r

        """
    }
}
