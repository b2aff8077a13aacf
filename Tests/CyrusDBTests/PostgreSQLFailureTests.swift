import Bytes
import DebianCyrus
import Foundation
import Posix
import Testing

@testable import CyrusDB

/// A server that goes away, comes back, or says nothing.
@Suite(.enabled(if: PostgreSQLServer.isInstalled))
struct PostgreSQLFailureTests {
    @Test
    func `a host that does not answer is passed over, and the password is in no error`() throws {
        let folder = try TemporaryFolder()
        let server = try EngineUnderTest.server.get()
        let path = folder.file(EngineUnderTest.postgresql.fileName)
        let nobody = try DebianCyrus.freePort()
        var options = SQLOptions(server)
        options.hostnames = "127.0.0.1:\(nobody), \(server.folder):\(server.port)"
        try SQLTests.environment(folder, options).open(path, .sql, .create).store(bytes("a"), bytes("1"))
        options.hostnames = "127.0.0.1:\(nobody)"
        let absent = SQLTests.message { _ = try SQLTests.environment(folder, options).open(path, .sql) }
        #expect(absent.hasPrefix("pgsql 127.0.0.1:\(nobody)/cyrus: connect: "), "\(absent)")
        options.hostnames = "127.0.0.1:\(server.port)"
        options.password = "not-the-password"
        let refused = SQLTests.message { _ = try SQLTests.environment(folder, options).open(path, .sql) }
        #expect(refused.contains("password authentication failed"), "\(refused)")
        #expect(!refused.contains("not-the-password") && !absent.contains(PostgreSQLServer.password))
        // The server of the tests speaks no TLS.
        options = SQLOptions(server)
        options.usesTLS = true
        let plain = SQLTests.message { _ = try SQLTests.environment(folder, options).open(path, .sql) }
        #expect(plain.contains("SSL"), "\(plain)")
    }

    @Test(.timeLimit(.minutes(2)))
    func `a connection lost between transactions is made anew, and one lost within is an error`() throws {
        let folder = try TemporaryFolder()
        let server = try PostgreSQLServer()
        defer { server.stop() }
        let database = try SQLTests.environment(folder, SQLOptions(server)).open(folder.file("x.db"), .sql, .create)
        try database.store(bytes("a"), bytes("1"))
        func restart() throws {
            server.kill()
            try server.start()
        }
        try restart()
        #expect(try database.value(bytes("a")) == bytes("1"))
        try restart()
        try database.store(bytes("b"), bytes("2"))
        try restart()
        #expect(try database.records().count == 2)

        var transaction = try database.begin()
        try transaction.store(bytes("a"), bytes("lost"))
        try restart()
        // What fails first ends it; then it can only be aborted.
        var told = ""
        do {
            try transaction.commit()
        } catch {
            told = "\(error)"
        }
        #expect(told.contains("pgsql 127.0.0.1:\(server.port)/cyrus: INSERT: connection lost: "), "\(told)")
        #expect(try database.value(bytes("a")) == bytes("1"))
        try database.store(bytes("c"), bytes("3"))

        server.kill()
        let down = SQLTests.message { try database.store(bytes("d"), bytes("4")) }
        #expect(down.contains("connect: "), "\(down)")
        try server.start()
        #expect(try database.records().map(\.key.text) == ["a", "b", "c"])
    }

    @Test(.timeLimit(.minutes(1)))
    func `a server that says nothing is given up`() throws {
        let folder = try TemporaryFolder()
        let server = try PostgreSQLServer()
        defer { server.stop() }
        var options = SQLOptions(server)
        options.answerSeconds = 1
        options.connectSeconds = 2
        let database = try SQLTests.environment(folder, options).open(folder.file("x.db"), .sql, .create)
        try database.store(bytes("a"), bytes("1"))
        let processes = try server.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'cyrus'")
            .split(separator: "\n").compactMap { Int32($0) }
        #expect(processes.count == 1)
        for process in processes { kill(process, SIGSTOP) }
        defer { for process in processes { kill(process, SIGCONT) } }
        // Asked again on a new connection.
        #expect(try database.value(bytes("a")) == bytes("1"))
    }

    @Test(.timeLimit(.minutes(3)))
    func `a server killed and started again under load loses nothing it has acknowledged`() throws {
        let folder = try TemporaryFolder()
        let server = try PostgreSQLServer()
        defer { server.stop() }
        let database = try SQLTests.environment(folder, SQLOptions(server)).open(folder.file("x.db"), .sql, .create)
        var running: [(Foundation.Process, Foundation.Pipe)] = []
        let names = ["one", "two", "three"]
        for name in names {
            let process = Foundation.Process()
            let output = Foundation.Pipe()
            process.executableURL = try ConcurrencyTests.worker()
            let options = SQLOptions(server)
            process.arguments = [
                folder.file("x.db"), "sql", name, "8", "sql_engine=pgsql", "sql_hostnames=\(options.hostnames)", "sql_user=cyrus",
                "sql_passwd=\(PostgreSQLServer.password)", "sql_database=cyrus", "through-errors",
            ]
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            running.append((process, output))
        }
        // Killed each time when some more has been committed.
        var kills = 0
        while running.contains(where: { $0.0.isRunning }), kills < 4 {
            let before = try SQLTests.counter(database)
            while running.contains(where: { $0.0.isRunning }) {
                if try SQLTests.counter(database) > before + 20 { break }
            }
            server.kill()
            try server.start()
            kills += 1
        }
        #expect(kills > 1)
        var acknowledged = 0
        for (name, (process, output)) in zip(names, running) {
            let told = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            let words = told.split { $0 == " " || $0 == "\n" }
            let split = try #require(words.firstIndex(of: "longest"), "\(told)")
            for number in words[..<split] {
                acknowledged += 1
                #expect(try database.value(bytes("\(name)-\(number)")) != nil, "\(name)-\(number) was acknowledged")
            }
            #expect(try #require(Int(words[split + 1])) < 40_000)
        }
        // Each transaction counts one up and stores one key. One whose COMMIT got no answer may be there too.
        let kept = try names.map { try database.records(prefix: bytes("\($0)-")).count }.reduce(0, +)
        #expect(try database.value(bytes("counter")) == bytes("\(kept)"))
        #expect(kept >= acknowledged && kept <= acknowledged + names.count * kills)
        #expect(acknowledged > 20)
    }
}
