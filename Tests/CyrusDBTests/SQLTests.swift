import Bytes
import DebianCyrus
import Foundation
import Logging
import Posix
import Testing

@testable import CyrusDB

/// What the sql engine does besides the contract of all engines.
struct SQLTests {
    static func environment(_ folder: TemporaryFolder, _ options: SQLOptions) -> DatabaseEnvironment {
        var all = DatabaseEnvironment.Options()
        all.sql = options
        return DatabaseEnvironment(
            configDirectory: folder.path, options: all, logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
    }

    static func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    /// What database-worker counts.
    static func counter(_ database: Database) throws -> UInt64 {
        try database.fetch(bytes("counter").span.bytes) { value in value.decimal ?? 0 } ?? 0
    }

    // MARK: options

    @Test
    func `hosts are those of the list, in its order`() {
        let table: [(String, [(String, String)])] = [
            ("", [("", "")]), ("a", [("a", "")]), ("a:1 b,c:2", [("a", "1"), ("b", ""), ("c", "2")]), ("[::1]:5", [("::1", "5")]),
            ("[::1]", [("::1", "")]), ("fe80::1", [("fe80::1", "")]), ("/run/pg:7", [("/run/pg", "7")]), (" , ", [("", "")]),
            ("[", [("[", "")]),
            (":", [("", "")]),
        ]
        for (text, hosts) in table {
            var options = SQLOptions()
            options.hostnames = text
            #expect(options.hosts == hosts.map { SQLOptions.Host(name: $0.0, port: $0.1) }, "\(text)")
        }
    }

    @Test
    func `an engine that is not built in is refused by the option's name`() throws {
        let folder = try TemporaryFolder()
        var options = SQLOptions()
        options.engine = "mysql"
        options.database = "x"
        let told = Self.message { _ = try Self.environment(folder, options).open(folder.file("x.db"), .sql, .create) }
        #expect(told == "sql: connect: sql_engine: mysql in imapd.conf is not built in (sqlite and pgsql are)")
        options.engine = "sqlite"
        options.database = nil
        let unnamed = Self.message { _ = try Self.environment(folder, options).open(folder.file("x.db"), .sql, .create) }
        #expect(unnamed == "sqlite: open: sql_database in imapd.conf names no file")
    }

    @Test
    func `tables are named as Cyrus names them, and files of users share one`() {
        func table(_ path: String) -> SQLTable { SQLTable(path: path, configDirectory: "/var/lib/cyrus") }
        #expect(table("/var/lib/cyrus/mailboxes.db").name == "mailboxes_db")
        #expect(table("/var/lib/cyrus/mailboxes.db").file == nil)
        #expect(table("/run/x/a.b.Db").name == "a.b_db")
        #expect(table("/x/we\"ird.db").quoted == "\"we\"\"ird_db\"")
        let seen = table("/var/lib/cyrus/user/uuid/a/b/abc/seen.db")
        #expect(seen.name == "cyrusdb_files" && seen.file == bytes("user/uuid/a/b/abc/seen.db"))
        #expect(table("/var/lib/cyrus/domain/e/example.org/user/a/al.sub").file == bytes("domain/e/example.org/user/a/al.sub"))
        #expect(table("/srv/mail/uuid/a/b/abc/cyrus.annotations").file == bytes("/srv/mail/uuid/a/b/abc/cyrus.annotations"))
        #expect(seen.number != table("/var/lib/cyrus/user/uuid/a/b/abd/seen.db").number)
    }

    // MARK: files of users

    @Test(arguments: EngineUnderTest.sql)
    func `files of users with the same name are apart, and can be removed and copied`(_ kind: EngineUnderTest) throws {
        let folder = try TemporaryFolder()
        let environment = try kind.environment(folder.path)
        let own = UUID().uuidString
        let paths = ["alice", "bob"].map { folder.file("user/\(own)/\($0)/seen.db") }
        for path in paths {
            let database = try environment.open(path, .sql, .create)
            try database.store(bytes("who"), bytes(path))
            try database.store([0, 0xff], [0])
        }
        for path in paths {
            let records = try environment.open(path, .sql).records()
            #expect(records.map(\.key) == [[0, 0xff], bytes("who")])
            #expect(records[1].value == bytes(path))
        }
        try environment.remove(paths[0], .sql)
        #expect(try environment.openIfPresent(paths[0], .sql) == nil)
        #expect(try !environment.isPresent(paths[0], .sql) && environment.isPresent(paths[1], .sql))
        try environment.copyRecords(paths[1], to: paths[0], .sql)
        #expect(try environment.open(paths[0], .sql).value(bytes("who")) == bytes(paths[1]))
        try environment.copyRecords(paths[1], to: paths[0], .sql)
        #expect(try environment.open(paths[0], .sql).records().count == 2)
        for path in paths { try environment.remove(path, .sql) }
        try environment.remove(paths[0], .sql)
    }

    @Test(arguments: EngineUnderTest.sql)
    func `a file of another engine is opened as it is, and moved into the SQL database when asked`(_ kind: EngineUnderTest) throws {
        let folder = try TemporaryFolder()
        let path = folder.file(kind.fileName)
        let environment = try kind.environment(folder.path)
        // What an older use of the table left in it.
        try environment.open(path, .sql, .create).store(bytes("stale"), bytes("x"))
        do {
            let database = try environment.open(path + ".made", .twoskip, .create)
            for i in 0..<50 { try database.store(bytes("key \(i)"), [UInt8(i), 0, 10]) }
        }
        try FileSystem.rename(path + ".made", to: path)
        do {
            let found = try kind.environment(folder.path).open(path, .sql, .create)
            #expect(found.engine == .twoskip)
        }
        let database = try kind.environment(folder.path).open(path, .sql, .convert)
        #expect(database.engine == .sql)
        #expect(try database.records().count == 50)
        #expect(try database.value(bytes("key 7")) == [7, 0, 10])
        #expect(!FileSystem.exists(path) && FileSystem.exists(path + ".OLD"))
        // And back.
        try environment.copy(database, to: folder.file("back.db"), .twoskip)
        #expect(try environment.open(folder.file("back.db"), .twoskip).records().count == 50)
    }

    @Test(arguments: EngineUnderTest.sql)
    func `a file that cannot be told is not passed over`(_ kind: EngineUnderTest) throws {
        let folder = try TemporaryFolder()
        let path = folder.file(kind.fileName)
        let environment = try kind.environment(folder.path)
        try environment.open(path, .flat, .create).store(bytes("key"), bytes("value"))
        let told = Self.message { _ = try kind.environment(folder.path).open(path, .sql, [.create, .convert]) }
        #expect(told.contains("a flat one?"), "\(told)")
        // Converted to another name, and moved away.
        let target = folder.file("b" + kind.fileName)
        try environment.copy(try environment.open(path, .flat), to: target, .sql)
        #expect(try environment.open(target, .sql).value(bytes("key")) == bytes("value"))
    }

    // MARK: transactions

    @Test(arguments: EngineUnderTest.sql)
    func `transactions on two databases of one process do not wait for each other`(_ kind: EngineUnderTest) throws {
        let folder = try TemporaryFolder()
        let environment = try kind.environment(folder.path)
        let first = try environment.open(folder.file(kind.fileName), .sql, .create)
        let second = try environment.open(folder.file("b" + kind.fileName), .sql, .create)
        var outer = try first.begin()
        try outer.store(bytes("a"), bytes("1"))
        var inner = try second.begin()
        try inner.store(bytes("b"), bytes("2"))
        try inner.commit()
        // The inner one is there, whatever becomes of the outer.
        let other = try kind.environment(folder.path)
        #expect(try other.open(second.path, .sql).value(bytes("b")) == bytes("2"))
        #expect(try other.open(first.path, .sql).value(bytes("a")) == nil)
        try outer.abort()
        #expect(try second.value(bytes("b")) == bytes("2"))
        #expect(try first.records().isEmpty)
    }

    @Test(.timeLimit(.minutes(1)), arguments: EngineUnderTest.sql)
    func `the wait for another's transaction ends, and readers do not wait`(_ kind: EngineUnderTest) throws {
        let folder = try TemporaryFolder()
        let path = folder.file(kind.fileName)
        let holder = try kind.environment(folder.path).open(path, .sql, .create)
        try holder.store(bytes("a"), bytes("old"))
        var options = try kind.sqlOptions(folder.path)
        options.lockSeconds = 1
        let environment = Self.environment(folder, options)
        let waiting = try environment.open(path, .sql)
        var transaction = try holder.begin()
        try transaction.store(bytes("a"), bytes("new"))
        #expect(try waiting.value(bytes("a")) == bytes("old"))
        #expect(try waiting.records().count == 1)
        let told = Self.message { try waiting.store(bytes("b"), bytes("x")) }
        #expect(told.contains(kind == .sqlite ? "has held the database for 1 s" : "lock timeout"), "\(told)")
        try transaction.commit()
        try waiting.store(bytes("b"), bytes("x"))
        #expect(try waiting.value(bytes("a")) == bytes("new"))
    }

    @Test(arguments: EngineUnderTest.sql)
    func `a large transaction sees what it has sent already, and leaves nothing when aborted`(_ kind: EngineUnderTest) throws {
        let folder = try TemporaryFolder()
        let database = try kind.environment(folder.path).open(folder.file(kind.fileName), .sql, .create)
        try database.store(bytes("before"), bytes("x"))
        for isAborted in [true, false] {
            var transaction = try database.begin()
            for i in 0..<25_000 { try transaction.store(bytes("k\(100_000 + i)"), bytes("\(i)")) }
            for i in 0..<25_000 where i % 5 == 0 { try transaction.delete(bytes("k\(100_000 + i)")) }
            #expect(try transaction.value(bytes("k100001")) == bytes("1"))
            #expect(try transaction.value(bytes("k100005")) == nil)
            var count = 0
            try transaction.forEach(prefix: bytes("k").span.bytes) { _, _, _ in
                count += 1
                return .next
            }
            #expect(count == 20_000)
            if isAborted { try transaction.abort() } else { try transaction.commit() }
            #expect(try database.records().count == (isAborted ? 1 : 20_001))
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: EngineUnderTest.sql)
    func `a killed writer leaves whole transactions`(_ kind: EngineUnderTest) throws {
        let folder = try TemporaryFolder()
        let path = folder.file(kind.fileName)
        let database = try kind.environment(folder.path).open(path, .sql, .create)
        var random = Repeatable(5)
        for round in 0..<10 {
            let process = Foundation.Process()
            process.executableURL = try ConcurrencyTests.worker()
            process.arguments = [path, "sql", "run\(round)", "60"] + (try kind.workerOptions(folder.path))
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            let target = try SQLTests.counter(database) + UInt64.random(in: 1...15, using: &random)
            try process.run()
            while try SQLTests.counter(database) < target, process.isRunning {}
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            // The lock went with the process: this waits for what the server may still be doing.
            let transaction = try database.begin()
            let records = try database.records(prefix: bytes("run")).count
            #expect(try database.value(bytes("counter")) == bytes("\(records)"), "round \(round)")
            try transaction.commit()
        }
    }

    @Test
    func `a damaged SQLite file is an error that names it`() throws {
        let folder = try TemporaryFolder()
        let kind = EngineUnderTest.sqlite
        try FileSystem.replace(folder.file("sql.sqlite"), with: Array(repeating: 0x41, count: 8192))
        let told = Self.message { _ = try kind.environment(folder.path).open(folder.file("x.db"), .sql, .create) }
        #expect(told.contains("\(folder.path)/sql.sqlite: damaged at offset 0"), "\(told)")
    }

    @Test(.enabled(if: PostgreSQLServer.isInstalled), .timeLimit(.minutes(1)))
    func `a walk on the server reads each record once`() throws {
        let folder = try TemporaryFolder()
        let server = try EngineUnderTest.server.get()
        let database = try EngineUnderTest.postgresql.environment(folder.path).open(folder.file("walk.db"), .sql, .create)
        let count = 20_000
        var transaction = try database.begin()
        for i in 0..<count { try transaction.store(bytes("user.\(100_000 + i)"), bytes("\(i)")) }
        try transaction.commit()
        func read() throws -> Int {
            let told = try server.query("SELECT coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'walk_db'")
            return Int(told.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        }
        #expect(try database.records(prefix: bytes("user.")).count == count)
        // The server counts a while later, when the connection is idle or used again.
        let deadline = Date(timeIntervalSinceNow: 30)
        while try read() < count, Date() < deadline { _ = try database.value(bytes("none")) }
        #expect(try (count..<count * 2).contains(read()))
    }
}
