import DebianCyrus
import Foundation
import Testing

/// Programs that keep a Maildir and a server equal.
struct SyncTests {
    private static let letters: [(letter: Character, flag: String)] = [
        ("D", "\\Draft"), ("F", "\\Flagged"), ("R", "\\Answered"), ("S", "\\Seen"), ("T", "\\Deleted"),
    ]

    /// 30 messages in three folders, each with other flags.
    private func fill(_ client: Client, folders: [String]) throws {
        for (place, folder) in folders.enumerated() {
            for part in ["cur", "new", "tmp"] {
                try FileManager.default.createDirectory(atPath: "\(client.folder)/\(folder)/\(part)", withIntermediateDirectories: true)
            }
            for number in 0..<10 {
                let flags = ["", "S", "FS", "RS", "DF"][number % 5]
                let text = Server.message("message \(place) \(number)").replacingOccurrences(of: "\r\n", with: "\n")
                try client.write("\(folder)/cur/17000000\(place)\(number).\(place)_\(number).here:2,\(flags)", text)
            }
        }
    }

    /// A Maildir's messages as `Server.contents` gives them.
    private func contents(_ client: Client, _ folder: String) throws -> [String] {
        try ["cur", "new"].flatMap { part in
            try client.files("\(folder)/\(part)").map { name in
                let letters = name.components(separatedBy: ":2,").dropFirst().first ?? ""
                let flags = Self.letters.filter { letters.contains($0.letter) }.map(\.flag).sorted()
                let text = try client.read("\(folder)/\(part)/\(name)")
                let subject = text.components(separatedBy: "Subject: ").dropFirst().first?.prefix { !$0.isNewline } ?? ""
                return flags.joined(separator: " ") + " " + subject
            }
        }.sorted()
    }

    /// Fills the Maildir, synchronizes, changes both sides, synchronizes twice more, and compares the sides each time.
    private func synchronize(_ client: Client, user: String, folders: [(here: String, there: String)], command: String) throws {
        func expectEqual(_ step: String, counts: [Int]) throws {
            for (folder, count) in zip(folders, counts) {
                let there = try Server.contents(user, folder.there)
                #expect(there.count == count, "\(step): \(folder.there)")
                #expect(try contents(client, folder.here) == there, "\(step): \(folder.there)")
            }
        }
        try fill(client, folders: folders.map(\.here))
        let imap = try Server.login(user)
        try client.expect(command)
        try expectEqual("first", counts: [10, 10, 10])

        // There: a flag set, a flag cleared, one message gone, two new.
        try imap.expectOK("SELECT INBOX")
        try imap.expectOK("STORE 1 +FLAGS (\\Answered)")
        try imap.expectOK("STORE 3 -FLAGS (\\Flagged)")
        try imap.expectOK("STORE 5 +FLAGS.SILENT (\\Deleted)")
        try imap.expectOK("EXPUNGE")
        for name in ["there 1", "there 2"] {
            #expect(try imap.append(Array(Server.message(name).utf8), to: "INBOX", date: "21-Nov-2026 10:00:00 +0000").hasPrefix("OK"))
        }
        try imap.expectOK("UNSELECT")
        // Here, in another folder: a flag set, one message gone, one new.
        let cur = "\(folders[1].here)/cur"
        let mine = client.files(cur)
        let plain = try #require(mine.first { $0.hasSuffix("2,S") })
        try FileManager.default.moveItem(
            atPath: "\(client.folder)/\(cur)/\(plain)", toPath: "\(client.folder)/\(cur)/\(plain.dropLast())FS")
        let gone = try #require(mine.first { $0.hasSuffix("2,RS") })
        try FileManager.default.removeItem(atPath: "\(client.folder)/\(cur)/\(gone)")
        try client.write("\(cur)/1800000000.1_1.here:2,S", Server.message("here 1").replacingOccurrences(of: "\r\n", with: "\n"))

        try client.expect(command)
        try expectEqual("second", counts: [11, 10, 10])
        try client.expect(command)
        try expectEqual("third", counts: [11, 10, 10])
    }

    @Test(.enabled(if: Client.has("mbsync")))
    func `mbsync keeps both sides equal`() throws {
        let client = try Client()
        let version = try client.expect("mbsync --version")
        let plain = version.contains(" 1.5") || version.contains(" 1.6") ? "TLSType" : "SSLType"
        try client.write(
            "mbsyncrc",
            """
            IMAPStore there
            Host 127.0.0.1
            Port \(Server.imapPort())
            User mbsync
            Pass \(Server.password)
            \(plain) None
            AuthMechs LOGIN

            MaildirStore here
            Path \(client.folder)/mail/
            Inbox \(client.folder)/mail/INBOX
            SubFolders Verbatim

            Channel all
            Far :there:
            Near :here:
            Patterns *
            Create Both
            Expunge Both
            SyncState *

            """)
        try synchronize(
            client, user: "mbsync", folders: [("mail/INBOX", "INBOX"), ("mail/Work", "Work"), ("mail/Old/Deep", "Old/Deep")],
            command: "mbsync -c mbsyncrc -a")
    }

    @Test(.enabled(if: Client.has("offlineimap")))
    func `offlineimap keeps both sides equal`() throws {
        let client = try Client()
        try client.write(
            "offlineimaprc",
            """
            [general]
            accounts = all
            metadata = \(client.folder)/state
            socktimeout = 30
            [Account all]
            localrepository = here
            remoterepository = there
            [Repository here]
            type = Maildir
            localfolders = \(client.folder)/mail
            sep = /
            [Repository there]
            type = IMAP
            remotehost = 127.0.0.1
            remoteport = \(Server.imapPort())
            remoteuser = offline
            remotepass = \(Server.password)
            ssl = no
            starttls = no
            auth_mechanisms = PLAIN, LOGIN

            """)
        try synchronize(
            client, user: "offline", folders: [("mail/INBOX", "INBOX"), ("mail/Work", "Work"), ("mail/Old", "Old")],
            command: "offlineimap -c offlineimaprc -o -u basic")
    }
}
