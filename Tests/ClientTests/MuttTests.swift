import DebianCyrus
import Foundation
import Testing

/// mutt, with its keys pressed by `push` and a terminal made by script(1).
@Suite(.enabled(if: Client.has("mutt"))) struct MuttTests {
    /// Runs mutt on a mailbox and presses the keys.
    private func press(_ client: Client, _ mailbox: String, _ keys: String...) throws {
        try client.write(
            "rc",
            """
            set imap_user=mutt imap_pass=\(Server.password) imap_authenticators="plain:login"
            set ssl_starttls=no ssl_force_tls=no imap_idle=no
            set quit=yes delete=yes confirmappend=no confirmcreate=no move=no wait_key=no pipe_decode=no sort=mailbox-order
            set folder=imap://mutt@127.0.0.1:\(Server.imapPort())/
            push '\(keys.joined())<sync-mailbox><quit>'

            """)
        try client.expect(
            "script --quiet --return --command 'mutt -n -F rc -f imap://mutt@127.0.0.1:\(Server.imapPort())/\(mailbox)' terminal </dev/null"
        )
    }

    @Test func `mutt reads, flags, saves, deletes`() throws {
        let client = try Client()
        let imap = try Server.login("mutt")
        for subject in ["one", "two", "three", "four"] {
            let answer = try imap.append(Array(Server.message(subject).utf8), to: "INBOX", date: "21-Nov-2026 10:00:00 +0000")
            #expect(answer.hasPrefix("OK"))
        }
        try imap.expectOK("CREATE Saved/Deep")
        try press(
            client, "INBOX", "<first-entry><pipe-message>cat > read<enter>", "<first-entry><flag-message>",
            "<first-entry><next-entry><save-message><kill-line>=Saved/Deep<enter>", "<last-entry><delete-message>")
        #expect(try client.read("read") == Server.message("one").replacingOccurrences(of: "\r\n", with: "\n"))
        // mutt marks what it has listed as Old.
        #expect(try Server.contents("mutt", "INBOX") == ["Old \\Flagged one", "Old three"])
        #expect(try Server.contents("mutt", "Saved/Deep") == [" two"])

        try press(client, "Saved/Deep", "<pipe-message>cat > read<enter>", "<save-message><kill-line>=INBOX<enter>")
        #expect(try client.read("read") == Server.message("two").replacingOccurrences(of: "\r\n", with: "\n"))
        #expect(try Server.contents("mutt", "Saved/Deep").isEmpty)
        #expect(try Server.contents("mutt", "INBOX") == [" two", "Old \\Flagged one", "Old three"])
    }
}
