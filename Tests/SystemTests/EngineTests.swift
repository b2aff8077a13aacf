import Bytes
import CyrusDB
import DebianCyrus
import Foundation
import Logging
import Testing

/// The whole server with every database on one engine.
struct EngineTests {
    enum Kind: String, CaseIterable {
        case twoskip, skiplist, sqlite, postgresql

        static let all = allCases.filter { $0 != .postgresql || PostgreSQLServer.isInstalled }
        var engine: DatabaseEngine { DatabaseEngine(rawValue: rawValue) ?? .sql }
    }

    /// A server of our programs with every `*_db` option on one engine.
    final class Fixture {
        let kind: Kind
        let server: DebianCyrus
        /// Where SQLite's file is; empty for the others.
        let data: String
        private let postgresql: PostgreSQLServer?

        static let options = [
            "mboxlist", "annotation", "quota", "duplicate", "conversations", "seenstate", "subscription", "statuscache", "mboxkey",
            "userdeny",
            "tls_sessions",
        ]

        init(_ kind: Kind) throws {
            self.kind = kind
            let data = FileManager.default.temporaryDirectory.appendingPathComponent("engines-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            chmod(data, 0o777)
            self.data = data
            do {
                postgresql = kind == .postgresql ? try PostgreSQLServer() : nil
                var options = Self.options.map { "\($0)_db: \(kind.engine.rawValue)" }
                options += ["conversations: yes", "statuscache: yes", "delete_mode: delayed"]
                if kind == .sqlite { options += ["sql_engine: sqlite", "sql_database: \(data)/cyrus.sqlite"] }
                options += postgresql?.options ?? []
                server = try DebianCyrus(
                    services: [
                        .init("imap", command: OurPrograms.path("imapd"), prefork: 1),
                        .init("lmtp", command: "\(OurPrograms.path("lmtpd")) -a"),
                    ],
                    options: options, users: ["alice", "bob"], programs: OurPrograms.folder)
            } catch {
                try? FileManager.default.removeItem(atPath: data)
                throw error
            }
        }

        func stop() {
            server.stop()
            postgresql?.stop()
            try? FileManager.default.removeItem(atPath: data)
        }

        /// Opens one of the server's databases beside it.
        func open(_ file: String) throws -> Database {
            var options = DatabaseEnvironment.Options()
            options.sql.engine = kind == .sqlite ? "sqlite" : "pgsql"
            options.sql.database = kind == .sqlite ? "\(data)/cyrus.sqlite" : "cyrus"
            options.sql.hostnames = "127.0.0.1:\(postgresql?.port ?? 0)"
            options.sql.user = "cyrus"
            options.sql.password = PostgreSQLServer.password
            let directory = "\(server.folder)/conf"
            return try DatabaseEnvironment(configDirectory: directory, options: options).open("\(directory)/\(file)", kind.engine)
        }

        /// How many records the SQL database has of files whose path holds the id of a mailbox.
        func recordsOfFiles(_ id: String) throws -> Int {
            let count = "SELECT count(*) FROM cyrusdb_files WHERE"
            let told =
                if let postgresql {
                    try postgresql.query("\(count) position('\(id)' in convert_from(dbfile, 'UTF8')) > 0")
                } else {
                    try DebianCyrus.run(
                        "/usr/bin/python3",
                        [
                            "-c", "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])",
                            "\(data)/cyrus.sqlite", "\(count) instr(CAST(dbfile AS TEXT), '\(id)') > 0",
                        ])
                }
            return Int(told.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
        }

        func imap(_ user: String) throws -> IMAPConnection {
            let connection = try IMAPConnection(port: server.port("imap"))
            try connection.login(user)
            return connection
        }

        func tool(_ name: String, _ arguments: [String]) throws -> String {
            try DebianCyrus.run(OurPrograms.path(name), ["-C", server.configuration] + arguments, complaints: true)
        }
    }

    private static func text(_ lines: [[UInt8]]) -> String { lines.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n") }

    private static func message(_ number: Int, year: Int = 2026) -> String {
        "From: a@b.example\r\nSubject: message \(number)\r\nMessage-ID: <\(number)@b.example>\r\nDate: 21 Nov \(year) 10:00:00 +0000\r\n\r\nText.\r\n"
    }

    @Test(.timeLimit(.minutes(3)), arguments: Kind.all)
    func `a server with every database on one engine`(_ kind: Kind) throws {
        let fixture = try Fixture(kind)
        defer { fixture.stop() }
        let alice = try fixture.imap("alice")
        for name in ["Old", "Old.below", "Exp", "Gone"] { try alice.expectOK("CREATE INBOX.\(name)") }
        try alice.expectOK("SETACL INBOX bob lrs")
        let admin = try fixture.imap("cyrus")
        try admin.expectOK("SETQUOTA user.alice (STORAGE 1000)")

        // Delivered, the second time not again.
        let lmtp = try LMTPConnection(port: fixture.server.port("lmtp"))
        _ = try lmtp.reply()
        _ = try lmtp.command("LHLO test")
        for number in [1, 2, 3, 2] { #expect(try lmtp.deliver(Self.message(number), to: "alice").hasPrefix("250")) }
        _ = try lmtp.command("QUIT")
        #expect(Self.text(try alice.expectOK("SELECT INBOX")).contains("* 3 EXISTS"))
        #expect(Self.text(try alice.expectOK("FETCH 2 BODY[HEADER.FIELDS (SUBJECT)]")).contains("Subject: message 2"))
        #expect(Self.text(try admin.expectOK("GETQUOTA user.alice")).contains("STORAGE 1 1000"))

        // Seen state of another user, kept over a connection.
        do {
            let bob = try fixture.imap("bob")
            try bob.expectOK("SELECT user.alice")
            try bob.expectOK("STORE 1:2 +FLAGS.SILENT (\\Seen)")
            try bob.expectOK("LOGOUT")
        }
        let bob = try fixture.imap("bob")
        #expect(Self.text(try bob.expectOK("STATUS user.alice (UNSEEN)")).contains("UNSEEN 1"))
        try bob.expectOK("SELECT user.alice")
        #expect(Self.text(try bob.expectOK("SEARCH SEEN")).contains("* SEARCH 1 2\n"))

        // Subscriptions, a rename of a branch, and a deletion.
        for name in ["INBOX", "INBOX.Old", "INBOX.Exp"] { try alice.expectOK("SUBSCRIBE \(name)") }
        #expect(try alice.append(Array(Self.message(7).utf8), to: "INBOX.Old.below", date: "21-Nov-2026 10:00:00 +0000").hasPrefix("OK"))
        try alice.expectOK("RENAME INBOX.Old INBOX.New")
        try alice.expectOK("DELETE INBOX.Gone")
        let listed = Self.text(try alice.expectOK("LIST \"\" INBOX*"))
        #expect(listed.contains("INBOX.New.below") && !listed.contains("INBOX.Old") && !listed.contains("INBOX.Gone"))
        #expect(Self.text(try alice.expectOK("LSUB \"\" *")).contains("INBOX.Exp"))
        #expect(Self.text(try alice.expectOK("SELECT INBOX.New.below")).contains("* 1 EXISTS"))

        // An annotation by which cyr_expire removes an old message.
        #expect(
            try alice.append(Array(Self.message(8, year: 2020).utf8), to: "INBOX.Exp", date: "01-Jan-2020 10:00:00 +0000").hasPrefix("OK"))
        let id = try #require(Self.uniqueID(try fixture.open("mailboxes.db"), "user\u{1f}alice\u{1f}Exp"))
        try fixture.open("annotations.db").store(
            Array("\(id)\0/vendor/cmu/cyrus-imapd/expire\0\0".utf8),
            [0, 0, 0, 1, 0, 0, 0, 0] + Array("1\0text/plain\0".utf8) + [UInt8](repeating: 0, count: 17))
        let told = try fixture.tool("cyr_expire", ["-E", "3", "-X", "0", "-D", "0", "-v"])
        #expect(Self.text(try alice.expectOK("SELECT INBOX.Exp")).contains("* 0 EXISTS"), "\(told)")
        #expect(Self.text(try admin.expectOK("LIST \"\" DELETED.*")).contains("DELETED") == false)

        // Recovery and archives beside the running server.
        _ = try fixture.tool("ctl_cyrusdb", ["-r"])
        _ = try fixture.tool("ctl_cyrusdb", ["-c"])
        #expect(Self.text(try alice.expectOK("SELECT INBOX")).contains("* 3 EXISTS"))

        // Everything is where the options say, and a new master finds it there.
        let isSQL = kind.engine == .sql
        let files = try DebianCyrus.run("/usr/bin/find", ["\(fixture.server.folder)/conf", "-name", "*.db", "-type", "f"])
            .split(separator: "\n").filter { !$0.hasSuffix("/counters.db") }
        #expect(files.isEmpty == isSQL, "\(files)")
        for name in ["mailboxes.db", "annotations.db", "deliver.db", "quotas.db"] {
            let database = try fixture.open(name)
            #expect(database.engine == kind.engine)
            #expect(try !database.records().isEmpty, "\(name)")
            try database.checkConsistency()
        }
        try fixture.server.replaceMaster()
        // The last master's services may still have the address.
        let deadline = Date(timeIntervalSinceNow: 60)
        var bobAgain = try? fixture.imap("bob")
        while bobAgain == nil, Date() < deadline { bobAgain = try? fixture.imap("bob") }
        let again = try #require(bobAgain)
        try again.expectOK("SELECT user.alice")
        #expect(Self.text(try again.expectOK("SEARCH SEEN")).contains("* SEARCH 1 2\n"))

        // A user removed takes what is his with him.
        let inbox = try #require(Self.uniqueID(try fixture.open("mailboxes.db"), "user\u{1f}alice"))
        if isSQL { #expect(try fixture.recordsOfFiles(inbox) > 0) }
        let remover = try fixture.imap("cyrus")
        try remover.expectOK("SETACL user.alice cyrus x")
        try remover.expectOK("DELETE user.alice")
        _ = try fixture.tool("cyr_expire", ["-D", "0"])
        if isSQL { #expect(try fixture.recordsOfFiles(inbox) == 0) }
    }

    @Test(.timeLimit(.minutes(1)))
    func `ctl_cyrusdb moves the mailbox list into the SQL database`() throws {
        let fixture = try Fixture(.twoskip)
        defer { fixture.stop() }
        let directory = "\(fixture.server.folder)/conf"
        let records = try fixture.open("mailboxes.db").records()
        #expect(!records.isEmpty)
        let text = try String(contentsOfFile: fixture.server.configuration, encoding: .utf8)
            .replacingOccurrences(of: "mboxlist_db: twoskip", with: "mboxlist_db: sql")
        let configuration = "\(fixture.data)/imapd.conf"
        try (text + "sql_engine: sqlite\nsql_database: \(fixture.data)/cyrus.sqlite\n").write(
            toFile: configuration, atomically: false, encoding: .utf8)
        chmod(configuration, 0o644)
        try DebianCyrus.run(OurPrograms.path("ctl_cyrusdb"), ["-C", configuration, "-r"])
        var options = DatabaseEnvironment.Options()
        options.sql.engine = "sqlite"
        options.sql.database = "\(fixture.data)/cyrus.sqlite"
        let environment = DatabaseEnvironment(configDirectory: directory, options: options)
        let moved = try environment.open("\(directory)/mailboxes.db", .sql).records()
        #expect(moved.map(\.key) == records.map(\.key) && moved.map(\.value) == records.map(\.value))
        #expect(try environment.open("\(directory)/mailboxes.db.OLD", .twoskip).records().count == records.count)
        // Once more changes nothing.
        try DebianCyrus.run(OurPrograms.path("ctl_cyrusdb"), ["-C", configuration, "-r"])
        #expect(try environment.open("\(directory)/mailboxes.db", .sql).records().count == records.count)
    }

    /// From a record of mailboxes.db.
    private static func uniqueID(_ list: Database, _ name: String) throws -> String? {
        let value = try list.value(Array("N\(name)".utf8)) ?? []
        let words = String(decoding: value, as: UTF8.self).split { " ()%".contains($0) }
        return words.firstIndex(of: "I").flatMap { $0 + 1 < words.count ? String(words[$0 + 1]) : nil }
    }
}
