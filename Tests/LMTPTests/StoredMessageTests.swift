import DebianCyrus
import Foundation
import Testing

/// The same contents through Debian's lmtpd and ours: the same answers and, byte for byte, the same files.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct StoredMessageTests {
    static let contents: [String] = [
        "", "\r\n", "Subject: only a header\r\n", "Subject: x\r\n\r\n", "Subject: x\r\n\r\nbody\r\n", "\r\nbody without a header\r\n",
        "body only\r\n",
        "Subject: bare\nX: y\n\nbare\nlf\r\n..dot\r\n...\r\n", "Subject: lone cr\r\n\r\nb\rc\r\n\r\r\nd\r\n",
        "Subject: cr\rx: y\r\n\r\nb\r\n", "Subject: cr\r folded\r\n\r\nb\r\n", "Subject: cr\rx\r\n\r\nb\r\n",
        "Return-Path: <old>\r\nreturn-path: <old2>\r\nSubject: rp\r\n folded\r\nX: 1\r\n\r\nReturn-Path: body\r\n",
        "From x Sat\r\nSubject: mbox\r\n\r\nb\r\n", " starts folded\r\nSubject: x\r\n\r\nb\r\n",
        "Received: from z by y; Fri, 20 Nov 2026 01:02:03 +0100\r\nX-DeliveredInternalDate: Thu, 19 Nov 2026 01:02:03 +0000\r\nSubject: idate\r\n\r\nb\r\n",
        "Resent-Message-ID: <r1@x>\r\nMessage-ID: <SIDE-m7@x>\r\nMessage-ID: <m8@x>\r\nDate: bad\r\nDate: two\r\nX-Sieve: old\r\nX-Cyrus-Session-Id: old\r\n\r\nb\r\n",
        "Resent-Message-ID: <SIDE-r2@x>\r\nSubject: resent only\r\n\r\nb\r\n",
        "Resent-Message-ID: <SIDE-r2@x>\r\nSubject: resent only, again\r\n\r\nb\r\n", "Message-ID:\r\nSubject: empty id\r\n\r\nb\r\n",
        "Message-ID: <>\r\nSubject: <>\r\n\r\nb\r\n", "Date:\r\nSubject: empty date\r\n\r\nb\r\n",
        "message-id: SIDE-noangle\r\nDATE: Sat, 21 Nov 2026\r\n 08:00:00 +0000\r\nSubject: fold\r\n\r\nb\r\n",
        "Message-ID:\r\n <SIDE-folded@x>\r\nSubject: x\r\n\r\nb\r\n", "X-Empty:\r\nX-Blank: \r\n\r\nb\r\n", "X Y: z\r\n\r\nb\r\n",
        "X : z\r\n\r\nb\r\n", "X\t: z\r\n\r\nb\r\n", ":x\r\n\r\nb\r\n",
        "X-8\u{e9}: y\r\n\r\nb\r\n", "X-ctl\u{1}: y\r\n\r\nb\r\n", "X: a\r\n\t\r\n b\r\n\r\nb\r\n", "X:\r\n y\r\n\r\nb\r\n",
        "X:y\r\n\r\nb\r\n", "Subject: \u{e9}t\u{e9}\r\n\r\nh\u{e9}\r\n", "X: \u{7f}\u{1}\r\n\r\nb\r\n", "Subject: x\0\r\n\r\nb\r\n",
        "Subject: x\r\n\r\nb\0\r\n",
        "Subject: twice\r\nMessage-ID: <SIDE-twice@x>\r\n\r\nb\r\n", "Subject: twice\r\nMessage-ID: <SIDE-twice@x>\r\n\r\nb\r\n",
        "Subject: twice, later\r\nMessage-ID: <SIDE-d@x>\r\nDate: x\r\n\r\nb\r\n",
        "Subject: twice, later\r\nMessage-ID: <SIDE-d@x>\r\nDate: y\r\n\r\nb\r\n", "X: no end",
        "Subject: long\r\n\r\n" + String(repeating: "a line of the body, which is stored as it is\r\n", count: 60_000),
        "Subject: one line\r\n\r\n" + String(repeating: "x", count: 300_000) + "\r\n",
        "X: " + String(repeating: "h", count: 200_000) + "\r\n\r\nb\r\n", (0..<3000).map { "X-\($0): y\r\n" }.joined() + "\r\nb\r\n",
    ]

    @Test func filesAreDebians() throws {
        let (debian, ours) = (Instance.debian, Instance.ours)
        var answers: [[String]] = []
        for side in [debian, ours] {
            let connection = try Instance.connect(side)
            _ = try connection.reply()
            var said = [Instance.normalized(try connection.command("LHLO client.example"), side)]
            for content in Self.contents {
                _ = try connection.command("MAIL FROM:<sender@example.com>")
                _ = try connection.command("RCPT TO:<\(side.prefix)files>")
                _ = try connection.command("DATA")
                let text = content.replacingOccurrences(of: "SIDE", with: side.name)
                try connection.send(
                    (text + (text.isEmpty || text.hasSuffix("\n") ? "" : "\r\n") + ".\r\n").unicodeScalars.map {
                        UInt8(truncatingIfNeeded: $0.value)
                    })
                said.append(Instance.normalized(try connection.reply(), side) + "  for \(content.prefix(60))")
            }
            answers.append(said)
        }
        #expect(answers[0] == answers[1])
        let expected = try Instance.messages("user.dfiles")
        let found = try Instance.messages("user.ofiles")
        #expect(expected.count == found.count)
        for (old, new) in zip(expected, found) {
            let oldText = Self.text(old.bytes, debian)
            let newText = Self.text(new.bytes, ours)
            if oldText != newText {
                Issue.record("Debian:\n\(oldText.prefix(900).debugDescription)\nours:\n\(newText.prefix(900).debugDescription)")
            }
            let times = try [old, new].map { try FileManager.default.attributesOfItem(atPath: $0.path)[.modificationDate] as? Date }
            let apart = try #require(times[0]).timeIntervalSince(#require(times[1]))
            #expect(abs(apart) < 60, "internal dates of \(new.path)")
        }
    }

    static func text(_ bytes: [UInt8], _ side: Instance.Side) -> String {
        let latin = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        return Instance.normalized(latin.replacingOccurrences(of: side.name + "-", with: "SIDE-"), side)
    }

    /// One DATA for several mailboxes: one file with as many names, and reconstruct finds nothing to repair.
    @Test func manyRecipientsShareOneFile() throws {
        let connection = try Instance.connect(Instance.ours)
        _ = try connection.reply()
        _ = try connection.command("MAIL FROM:<a@b>")
        for recipient in ["oa", "oa+Sub", "ox.y", "+shared.open", "nobody", "oa+Sub.Deep"] {
            _ = try connection.command("RCPT TO:<\(recipient)>")
        }
        _ = try connection.command("DATA")
        var answers = [try connection.command("Subject: shared file\r\nMessage-ID: <shared-file@x>\r\n\r\nb\r\n.")]
        for _ in 1..<5 { answers.append(try connection.reply()) }
        #expect(answers.allSatisfy { $0.hasPrefix("250 2.1.5 Success") })
        #expect(try connection.command("NOOP") == "250 2.0.0 ok")
        var inodes: Set<UInt64> = []
        for mailbox in ["user.oa", "user.oa.Sub", "user.ox^y", "shared.open", "user.oa.Sub.Deep"] {
            let message = try #require(
                try Instance.messages(mailbox).first { String(decoding: $0.bytes, as: UTF8.self).contains("<shared-file@x>") })
            let attributes = try FileManager.default.attributesOfItem(atPath: message.path)
            inodes.insert((attributes[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0)
        }
        #expect(inodes.count == 1)
    }

    /// Marks of one side suppress deliveries of the other.
    @Test func duplicatesAreSharedWithDebian() throws {
        let message = "Subject: d\r\nMessage-ID: <both-sides@x>\r\nDate: Sat, 21 Nov 2026 08:00:00 +0000\r\n\r\nb"
        for side in [Instance.ours, Instance.debian, Instance.ours] {
            let connection = try Instance.connect(side)
            _ = try connection.reply()
            #expect(try connection.deliver(message, to: "+user.oa.Sub.Deep").hasPrefix("250 2.1.5 Success"))
        }
        let second = message.replacingOccurrences(of: "both", with: "other")
        for side in [Instance.debian, Instance.ours] {
            let connection = try Instance.connect(side)
            _ = try connection.reply()
            #expect(try connection.deliver(second, to: "+user.oa.Sub.Deep").hasPrefix("250 2.1.5 Success"))
        }
        for id in ["both", "other"] {
            #expect(
                try Instance.messages("user.oa.Sub.Deep").count { String(decoding: $0.bytes, as: UTF8.self).contains("<\(id)-sides@x>") }
                    == 1)
        }
    }
}
