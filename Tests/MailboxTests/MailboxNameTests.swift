import Bytes
import Mailbox
import Testing

@Suite struct MailboxNameTests {
    /// As mailboxes.db of Debian's Cyrus has them: a `.` inside a component, `^` in internal names, is a plain dot there.
    @Test(arguments: [
        ("user.a^b.Sub", "user\u{1f}a.b\u{1f}Sub"), ("example.org!user.x", "example.org\u{1d}user\u{1f}x"), ("shared", "shared"),
    ])
    func databaseKeysAreCyruss(name: String, key: String) {
        #expect(MailboxName(name).databaseKey == Array(key.utf8))
        let bytes = Array(key.utf8)
        let back = MailboxName(databaseKey: bytes.span.bytes).text
        #expect(back == name)
    }
}
