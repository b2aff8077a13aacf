import DebianCyrus
import Foundation
import Testing

/// Postfix as most installations of Cyrus have it: it takes mail by SMTP and hands it to lmtpd.
@Suite(.enabled(if: MailExchanger.canRun), .serialized) struct PostfixTests {
    @Test func `mail arrives over a unix socket and over TCP, in folders too`() throws {
        let mail = try MailExchanger()
        let ann = try mail.login("ann")
        try ann.expectOK("CREATE Work")
        try ann.expectOK("SETACL Work anyone p")
        try mail.submit("by SMTP, local", from: "bob@local.example", to: ["ann@local.example"])
        try mail.submit("by SMTP, virtual", from: "bob@local.example", to: ["ann@virtual.example"])
        try mail.submit("by SMTP, relay", from: "bob@local.example", to: ["ann@relay.example", "bob@relay.example"])
        try mail.sendmail("by sendmail", from: "bob@local.example", to: ["ann@local.example"])
        try mail.submit("for a folder", from: "bob@local.example", to: ["ann+Work@local.example"])
        try mail.submit("for a folder over TCP", from: "bob@local.example", to: ["ann+Work@virtual.example"])
        try mail.wait("the queue's end") { try mail.isQueueEmpty }
        #expect(try mail.subjects("ann") == ["by SMTP, local", "by SMTP, relay", "by SMTP, virtual", "by sendmail"])
        #expect(try mail.subjects("ann", "Work") == ["for a folder", "for a folder over TCP"])
        #expect(try mail.subjects("bob") == ["by SMTP, relay"])
        let text = try mail.text("bob")
        #expect(text.contains("Return-Path: <bob@local.example>\r\n"))
        #expect(text.hasSuffix("Grüße,\r\n.a line with a dot\r\n.\r\nthe end of by SMTP, relay\r\n)"))
    }

    @Test func `a message to many recipients arrives at each`() throws {
        let mail = try MailExchanger()
        let users = (0..<20).map { "user\($0)" }
        try mail.submit("to many", from: "bob@local.example", to: users.map { "\($0)@virtual.example" } + ["nobody@virtual.example"])
        try mail.wait("the queue's end") { try mail.isQueueEmpty }
        for user in users { #expect(try mail.subjects(user) == ["to many"], "\(user)") }
        // One of them was unknown: the sender hears of that one alone.
        let bounce = try mail.text("bob")
        #expect(bounce.contains("Status: 5.1.1"))
        #expect(bounce.contains("Final-Recipient: rfc822; nobody@virtual.example"))
        #expect(!bounce.contains("Final-Recipient: rfc822; user"))
    }

    @Test func `unknown users and full mailboxes are told with their codes`() throws {
        let mail = try MailExchanger()
        let admin = try mail.login("cyrus")
        try admin.expectOK("SETQUOTA user/full (MESSAGE 1)")
        // A mailbox is full when it is above its limit: one message may pass it.
        for subject in ["the first", "the last"] {
            try mail.submit(subject, from: "bob@local.example", to: ["full@virtual.example"])
            try mail.wait("the queue's end") { try mail.isQueueEmpty }
        }
        #expect(try mail.subjects("full") == ["the first", "the last"])

        try mail.submit("unknown", from: "bob@local.example", to: ["nobody@local.example"])
        try mail.waitForLog("to=<nobody@local.example>", "dsn=5.1.1", "status=bounced", "User unknown")
        try mail.wait("the queue's end") { try mail.isQueueEmpty }
        #expect(try mail.text("bob").contains("Status: 5.1.1"))

        // Temporary by default: the mail waits until there is room.
        try mail.submit("the second", from: "carol@local.example", to: ["full@virtual.example"])
        try mail.waitForLog("to=<full@virtual.example>", "dsn=4.2.2", "status=deferred", "Over quota")
        #expect(try !mail.isQueueEmpty)
        try admin.expectOK("SETQUOTA user/full (MESSAGE 2)")
        try mail.wait("the queue's end") {
            try mail.flush()
            return try mail.isQueueEmpty
        }
        #expect(try mail.subjects("full") == ["the first", "the last", "the second"])

        // With lmtp_over_quota_perm_failure it is refused for good.
        try mail.submit("the third", from: "carol@local.example", to: ["full@strict.example"])
        try mail.waitForLog("to=<full@strict.example>", "dsn=5.2.2", "status=bounced", "Over quota")
        try mail.wait("the queue's end") { try mail.isQueueEmpty }
        let bounce = try mail.text("carol")
        #expect(bounce.contains("Status: 5.2.2"))
        #expect(bounce.contains("Subject: the third"))
    }

    @Test func `mail waits while lmtpd is away, and arrives once`() throws {
        let mail = try MailExchanger()
        try mail.setDelivery(false)
        try mail.wait("lmtpd's end") { mail.deliverers().isEmpty && DebianCyrus.isFree(mail.cyrus.port("lmtptcp")) }
        for domain in ["local.example", "virtual.example"] {
            try mail.submit("held for \(domain)", from: "bob@local.example", to: ["ann@\(domain)"])
            try mail.waitForLog("to=<ann@\(domain)>", "status=deferred")
        }
        #expect(try mail.subjects("ann").isEmpty)
        try mail.setDelivery(true)
        try mail.wait("the queue's end") {
            try mail.flush()
            return try mail.isQueueEmpty
        }
        #expect(try mail.subjects("ann") == ["held for local.example", "held for virtual.example"])
    }

    /// lmtpd notes what it has delivered after it has delivered it: a kill in between costs a second copy, never the first.
    @Test func `no mail is lost when lmtpd is killed in the middle of it`() throws {
        let mail = try MailExchanger()
        let count = ProcessInfo.processInfo.environment["SOAK"] == nil ? 40 : 2000
        var kills = 0
        for number in 0..<count {
            let domain = number.isMultiple(of: 2) ? "local.example" : "virtual.example"
            try mail.sendmail(String(format: "number %04d", number), from: "bob@local.example", to: ["ann@\(domain)", "carol@\(domain)"])
            guard number.isMultiple(of: 5) else { continue }
            for pid in mail.deliverers() {
                kill(pid, SIGKILL)
                kills += 1
            }
        }
        try mail.wait("the queue's end") {
            try mail.flush()
            return try mail.isQueueEmpty
        }
        let expected = (0..<count).map { String(format: "number %04d", $0) }
        for user in ["ann", "carol"] {
            let found = try mail.subjects(user)
            #expect(Set(found) == Set(expected), "\(user)")
            #expect(found.count - expected.count <= kills, "\(user)")
        }
    }
}
