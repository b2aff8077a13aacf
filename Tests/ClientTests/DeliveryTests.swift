import DebianCyrus
import Foundation
import Testing

/// Programs that deliver by LMTP.
struct ClientDeliveryTests {
    private func body(_ user: String, _ number: Int) throws -> String {
        let imap = try Server.login(user)
        try imap.expectOK("EXAMINE INBOX")
        return String(decoding: try imap.expectOK("FETCH \(number) BODY.PEEK[TEXT]")[0], as: UTF8.self)
    }

    @Test(.enabled(if: Client.has("swaks")))
    func `swaks delivers to two recipients`() throws {
        let client = try Client()
        for user in ["swaks", "swakstoo"] { _ = try Server.login(user) }
        try client.write("message.eml", Server.message("by swaks"))
        let server = "swaks --protocol LMTP --server 127.0.0.1 --port \(try Server.lmtpPort()) --from ann@example.org"
        try client.expect("\(server) --to swaks,swakstoo --data @message.eml")
        for user in ["swaks", "swakstoo"] {
            #expect(try Server.contents(user, "INBOX") == [" by swaks"])
            #expect(try body(user, 1).contains("Grüße,\r\n.a line with a dot\r\n.\r\nthe end of by swaks\r\n"))
        }
        #expect(try client.run("\(server) --to nobody-here").text.contains("550"))
    }

    @Test(.enabled(if: Client.has("python3")))
    func `python's smtplib delivers to two recipients and hears of the third`() throws {
        let client = try Client()
        for user in ["lmtp", "lmtptoo"] { _ = try Server.login(user) }
        try client.write("message.eml", Server.message("by smtplib"))
        try client.write(
            "send.py",
            """
            import smtplib, sys
            with smtplib.LMTP("127.0.0.1", int(sys.argv[1])) as lmtp:
                refused = lmtp.sendmail("ann@example.org", ["lmtp", "nobody-here", "lmtptoo"], open("message.eml", "rb").read())
                # sendmail reads one answer to the message; LMTP has one for each recipient taken.
                assert lmtp.getreply()[0] == 250
                print({name: answer[0] for name, answer in refused.items()})

            """)
        #expect(try client.expect("python3 send.py \(try Server.lmtpPort())") == "{'nobody-here': 550}\n")
        for user in ["lmtp", "lmtptoo"] {
            #expect(try Server.contents(user, "INBOX") == [" by smtplib"])
            #expect(try body(user, 1).contains("Grüße,\r\n.a line with a dot\r\n.\r\nthe end of by smtplib\r\n"))
        }
    }
}
