import DebianCyrus
import Foundation
import Testing

/// offlineimap with folders in folders, both ways, for each way in which Cyrus names them.
@Suite(.enabled(if: Client.has("offlineimap"))) struct NestedFolderTests {
    /// Folders as the server is told (modified UTF-7), and as offlineimap names them here.
    private static let there = [("Entw&APw-rfe", "Entwürfe"), ("Far/One/Two", "Far/One/Two"), ("&ZeVnLIqe-/&U9dP4Q-", "日本語/受信")]
    private static let here = [("Near", "Near"), ("Near/B&AOQ-r", "Near/Bär"), ("Near/B&AOQ-r/Tief", "Near/Bär/Tief")]

    @Test(arguments: [true, false], [true, false])
    func `offlineimap keeps nested folders equal`(slash: Bool, alternate: Bool) throws {
        let cyrus = try DebianCyrus(
            services: [.init("mail", command: OurPrograms.path("imapd"), prefork: 1)],
            options: [
                "unixhierarchysep: \(slash ? "yes" : "no")", "altnamespace: \(alternate ? "yes" : "no")", "autocreate_quota: 0",
                "sasl_mech_list: PLAIN LOGIN",
            ],
            users: ["ann"], programs: OurPrograms.folder)
        defer { cyrus.stop() }
        let imap = try IMAPConnection(port: cyrus.port("mail"))
        try imap.login("ann")
        let client = try Client()
        func remote(_ name: String) -> String {
            name == "INBOX" ? name : ((alternate ? "" : "INBOX/") + name).replacingOccurrences(of: "/", with: slash ? "/" : ".")
        }
        func local(_ name: String) -> String { name == "INBOX" ? name : (alternate ? "" : "INBOX/") + name }
        // A dot is part of a name when it does not separate.
        let dotted = slash ? [("v1.2/x.y", "v1.2/x.y")] : []
        for (name, _) in Self.there + dotted {
            try imap.expectOK("CREATE \(remote(name))")
            #expect(try imap.append(message("there \(name)"), to: remote(name), date: "21-Nov-2026 10:00:00 +0000").hasPrefix("OK"))
        }
        for (name, path) in Self.here {
            for part in ["cur", "new", "tmp"] {
                try FileManager.default.createDirectory(
                    atPath: "\(client.folder)/mail/\(local(path))/\(part)", withIntermediateDirectories: true)
            }
            try write(client, local(path), "here \(name)")
        }
        try client.write("offlineimaprc", configuration(client, port: cyrus.port("mail")))
        let command = "offlineimap -c offlineimaprc -o -u basic"
        func expectEqual(_ step: String, _ extra: [String: [String]] = [:]) throws {
            for (side, folders) in [("there", Self.there + dotted), ("here", Self.here)] {
                for (name, path) in folders {
                    let subjects = (["\(side) \(name)"] + (extra[name] ?? [])).sorted()
                    #expect(try self.subjects(imap, remote(name)) == subjects, "\(step): \(remote(name))")
                    #expect(try self.subjects(client, "mail/\(local(path))") == subjects, "\(step): \(path)")
                }
            }
        }
        try client.expect(command)
        try expectEqual("first")
        // One more on each side, in folders that came from the other; and a folder below one of them.
        #expect(try imap.append(message("late"), to: remote("Near/B&AOQ-r/Tief"), date: "21-Nov-2026 10:00:00 +0000").hasPrefix("OK"))
        try write(client, local("日本語/受信"), "late")
        try imap.expectOK("CREATE \(remote("Near/B&AOQ-r/Grand"))")
        try client.expect(command)
        try expectEqual("second", ["Near/B&AOQ-r/Tief": ["late"], "&ZeVnLIqe-/&U9dP4Q-": ["late"]])
        #expect(FileManager.default.fileExists(atPath: "\(client.folder)/mail/\(local("Near/Bär/Grand"))/cur"))
    }

    private func message(_ subject: String) -> [UInt8] { Array(Server.message(subject).utf8) }

    private func write(_ client: Client, _ folder: String, _ subject: String) throws {
        let name = "1700000000.\(subject.utf8.count)_\(client.files("\(folder)/cur").count).here:2,S"
        try client.write("mail/\(folder)/cur/\(name)", Server.message(subject).replacingOccurrences(of: "\r\n", with: "\n"))
    }

    private func subjects(_ imap: IMAPConnection, _ mailbox: String) throws -> [String] {
        try imap.expectOK("EXAMINE \(mailbox)")
        defer { _ = try? imap.command("UNSELECT") }
        return try imap.command("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]").compactMap {
            Self.subject(String(decoding: $0, as: UTF8.self))
        }
        .sorted()
    }

    private func subjects(_ client: Client, _ folder: String) throws -> [String] {
        try ["cur", "new"].flatMap { part in
            try client.files("\(folder)/\(part)").compactMap { Self.subject(try client.read("\(folder)/\(part)/\($0)")) }
        }.sorted()
    }

    private static func subject(_ text: String) -> String? {
        text.range(of: "Subject: ").map { String(text[$0.upperBound...].prefix { !$0.isNewline }) }
    }

    private func configuration(_ client: Client, port: UInt16) -> String {
        """
        [general]
        accounts = all
        metadata = \(client.folder)/state
        socktimeout = 30
        [Account all]
        localrepository = here
        remoterepository = there
        utf8foldernames = yes
        [Repository here]
        type = Maildir
        localfolders = \(client.folder)/mail
        sep = /
        [Repository there]
        type = IMAP
        remotehost = 127.0.0.1
        remoteport = \(port)
        remoteuser = ann
        remotepass = \(Server.password)
        ssl = no
        starttls = no
        auth_mechanisms = PLAIN, LOGIN

        """
    }
}
