import DebianCyrus
import Foundation
import Testing

/// What Debian's tools say of a spool that our programs wrote to: nothing to repair, nothing inconsistent, no sum that is off.
struct SpoolCheck {
    let cyrus: DebianCyrus
    let conversations: Bool

    init(_ cyrus: DebianCyrus, conversations: Bool) {
        self.cyrus = cyrus
        self.conversations = conversations
    }

    /// `atLeast`: how many mailboxes there must be, so that an empty list is no success.
    func expectNothingToRepair(users: [String], atLeast count: Int) throws {
        let names = try mailboxes()
        #expect(names.count >= count)
        let told = try cyrus.tool("reconstruct", ["-n", "-r", "user", "shared", "DELETED"]).split(separator: "\n").map(String.init)
        let complaints = told.filter { !names.contains($0) }
        #expect(complaints.isEmpty, "reconstruct -n: \(complaints.prefix(5))")
        let quota = try cyrus.tool("quota", ["-f", "-n", "-q"])
        #expect(!quota.contains("usage was"), "quota -f -n: \(quota)")
        for database in ["mailboxes.db", "annotations.db"] { try expectConsistent("\(cyrus.folder)/conf/\(database)") }
        try expectSameSums(names)
        if conversations { try expectSoundConversations(of: users) }
    }

    /// The audit of each user's conversations makes them anew from the mailboxes and compares.
    func expectSoundConversations(of users: [String]) throws {
        for user in users {
            guard let path = try conversationsPath(user) else { continue }
            let audit = try cyrus.tool("ctl_conversationsdb", ["-A", "-v", user])
            #expect(audit.contains("\(user) is OK"), "ctl_conversationsdb -A \(user): \(audit.prefix(2000))")
            try expectConsistent(path)
        }
    }

    /// Regular mailboxes and deleted ones, by internal name.
    private func mailboxes() throws -> [String] {
        try cyrus.tool("ctl_mboxlist", ["-d"]).split(separator: "\n").compactMap { line -> String? in
            guard line.hasPrefix("\""), !line.contains("\"mbtype\": \"ed\"") else { return nil }
            return String(line.dropFirst().prefix { $0 != "\"" })
        }
    }

    private func expectConsistent(_ path: String) throws {
        let answer = try cyrus.tool("cyr_dbtool", [path, "twoskip", "consistent"])
        #expect(answer.contains("Yes, consistent"), "\(path): \(answer)")
    }

    /// conversations.db of a user; nil when he has no mailbox.
    private func conversationsPath(_ user: String) throws -> String? {
        guard let text = try? cyrus.tool("mbpath", ["-j", "-u", user]) else { return nil }
        let record = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let files = record?["user"] as? [String: Any]
        return try #require(files?["conversations"] as? String, "\(text)")
    }

    /// The index's digests over all records, as they stand in the header, are those that Debian's reconstruct computes.
    private func expectSameSums(_ names: [String]) throws {
        func sums() throws -> [String: String] {
            let admin = try IMAPConnection(port: cyrus.port("imap"))
            try admin.login("cyrus")
            var found: [String: String] = [:]
            for name in names {
                let lines = try admin.command("GETMETADATA \"\(name)\" (/shared/vendor/cmu/cyrus-imapd/synccrcs)")
                found[name] = String(decoding: lines[0], as: UTF8.self)
            }
            return found
        }
        let stored = try sums()
        try cyrus.tool("reconstruct", ["-r", "user", "shared", "DELETED"])
        let computed = try sums()
        let different = names.filter { stored[$0] != computed[$0] }
        #expect(different.isEmpty, "synccrcs: \(different.prefix(3).map { "\($0): \(stored[$0] ?? "") then \(computed[$0] ?? "")" })")
        #expect(stored.values.contains { $0.contains("synccrcs") })
    }
}
