import DebianCyrus
import Foundation
import Testing

/// Programs that read mailboxes.
struct ReadingTests {
    private func append(_ user: String, _ subjects: [String], to mailbox: String = "INBOX") throws {
        let imap = try Server.login(user)
        for subject in subjects {
            let answer = try imap.append(Array(Server.message(subject).utf8), to: mailbox, date: "21-Nov-2026 10:00:00 +0000")
            #expect(answer.hasPrefix("OK"))
        }
    }

    @Test(.enabled(if: Client.has("curl")))
    func `curl lists, appends, fetches, searches`() throws {
        let client = try Client()
        try append("curl", ["one", "two"])
        let (account, url) = ("-sS -u curl:\(Server.password)", "imap://127.0.0.1:\(try Server.imapPort())")
        try client.write("three.eml", Server.message("three"))
        try client.expect("curl \(account) -T three.eml '\(url)/INBOX'")
        #expect(try client.expect("curl \(account) '\(url)/'").contains("\"/\" INBOX"))
        #expect(try client.expect("curl \(account) '\(url)/INBOX;MAILINDEX=3'") == Server.message("three"))
        #expect(try client.expect("curl \(account) '\(url)/INBOX;UID=2;SECTION=HEADER.FIELDS%20(SUBJECT)'") == "Subject: two\r\n\r\n")
        #expect(try client.expect("curl \(account) '\(url)/INBOX?SUBJECT%20three'") == "* SEARCH 3\r\n")
        #expect(try client.expect("curl \(account) '\(url)/INBOX' -X 'STORE 1 +FLAGS (\\Flagged)'").contains("\\Flagged"))
        #expect(try client.expect("curl \(account) '\(url)/' -X 'STATUS INBOX (MESSAGES)'") == "* STATUS INBOX (MESSAGES 3)\r\n")
    }

    @Test(.enabled(if: Client.has("fetchmail")))
    func `fetchmail fetches all and leaves nothing`() throws {
        let client = try Client()
        let subjects = (1...10).map { "letter \($0)" }
        try append("fetch", subjects)
        try client.write("agent", "#!/bin/sh\nexec cat > \"$(mktemp \(client.folder)/got-XXXXXX)\"\n", mode: 0o700)
        try client.write(
            "fetchmailrc",
            """
            poll 127.0.0.1 protocol IMAP port \(Server.imapPort()) auth password
              user "fetch" password "\(Server.password)" sslproto "" mda "\(client.folder)/agent" fetchall

            """)
        let command = "fetchmail -f fetchmailrc --nodetach --nosyslog --pidfile \(client.folder)/pid -i \(client.folder)/ids"
        try client.expect(command)
        let got = try client.files(".").filter { $0.hasPrefix("got-") }.map { try client.read($0) }
        #expect(got.count == 10)
        for subject in subjects {
            #expect(got.contains { $0.contains("Subject: \(subject)\n") && $0.contains("\n.\nthe end of \(subject)") }, "\(subject)")
        }
        #expect(try Server.contents("fetch", "INBOX").isEmpty)
        // "No mail" is status 1.
        #expect(try client.run(command).status == 1)
    }

    @Test(.enabled(if: Client.has("python3")))
    func `python's imaplib does a session`() throws {
        let client = try Client()
        try client.write("session.py", Self.session)
        #expect(try client.expect("python3 session.py \(try Server.imapPort()) python \(Server.password)") == "done\n")
    }

    private static let session = """
        import imaplib, sys
        port, user, password = sys.argv[1:]
        def ok(answer):
            assert answer[0] in ("OK", "BYE"), answer
            return answer[1]
        imap = imaplib.IMAP4("127.0.0.1", int(port), timeout=30)
        ok(imap.login(user, password))
        ok(imap.create("Work"))
        ok(imap.subscribe("Work"))
        assert any(b"Work" in line for line in ok(imap.list()))
        assert any(b"Work" in line for line in ok(imap.lsub()))
        text = b"Subject: hello\\r\\n\\r\\nGr\\xc3\\xbc\\xc3\\x9fe\\r\\n.\\r\\nend\\r\\n"
        for flags in ("", "\\\\Seen", "\\\\Flagged"):
            ok(imap.append("Work", flags, None, text))
        assert ok(imap.select("Work")) == [b"3"]
        assert ok(imap.search(None, "UNSEEN")) == [b"1 3"]
        assert ok(imap.uid("SEARCH", "SUBJECT", "hello")) == [b"1 2 3"]
        assert ok(imap.fetch("2", "(BODY.PEEK[])"))[0][1] == text
        assert b"\\\\Deleted" in ok(imap.store("2", "+FLAGS", "\\\\Deleted"))[0]
        ok(imap.copy("1", "INBOX"))
        assert ok(imap.expunge()) == [b"2"]
        assert b"MESSAGES 1" in ok(imap.status("INBOX", "(MESSAGES UIDNEXT)"))[0]
        # IDLE tells of what another session appends.
        imap.send(b"x1 IDLE\\r\\n")
        assert imap.readline().startswith(b"+ ")
        other = imaplib.IMAP4("127.0.0.1", int(port), timeout=30)
        ok(other.login(user, password))
        ok(other.append("Work", "", None, text))
        while imap.readline().strip() != b"* 3 EXISTS":
            pass
        imap.send(b"DONE\\r\\n")
        while not (line := imap.readline()).startswith(b"x1 "):
            pass
        assert line.startswith(b"x1 OK"), line
        ok(other.noop())
        ok(other.logout())
        ok(imap.close())
        ok(imap.logout())
        print("done")

        """
}
