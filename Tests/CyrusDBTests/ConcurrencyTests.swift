import Bytes
import Foundation
import Posix
import Testing

@testable import CyrusDB

/// Several processes on one file, ours and Debian's.
struct ConcurrencyTests {
    /// The worker program, built beside the tests.
    static func worker() throws -> URL {
        // Bundle paths differ between debug layouts; the products' folder is the one that holds the test bundle.
        var folder = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }?.deletingLastPathComponent()
        folder = folder ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        return try #require(folder).appendingPathComponent("database-worker")
    }

    static let engines = EngineUnderTest.all.filter { $0 != .quotalegacy }

    @Test(.timeLimit(.minutes(2)), arguments: engines)
    func `nothing that was committed is lost between processes`(_ kind: EngineUnderTest) async throws {
        let engine = kind.engine
        let folder = try TemporaryFolder()
        let path = folder.file(kind.fileName)
        _ = try kind.environment(folder.path).open(path, engine, .create)
        // Debian's flat and SQLite cannot be used by several at once.
        let isShared = Debian.isPresent && kind != .flat && kind != .sqlite
        let options = kind == .postgresql ? try EngineUnderTest.server.get().options : []
        // Without a stamp Debian's skiplist recovers at each open, and loses what others commit meanwhile (it does so among its own too).
        try InteropTests.writeStamp(folder)
        try Debian.openToAll(folder)
        let worker = try Self.worker()
        var running: [(Foundation.Process, Foundation.Pipe)] = []
        for name in ["one", "two", "three"] {
            let process = Foundation.Process()
            let output = Foundation.Pipe()
            process.executableURL = worker
            process.arguments = [path, engine.rawValue, name, "3"] + (try kind.workerOptions(folder.path))
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            running.append((process, output))
        }
        // Debian's tool meanwhile, a transaction a run.
        var theirs = 0
        while isShared && running.contains(where: { $0.0.isRunning }) {
            let commands = bytes("BEGIN\nSET debian-\(theirs) a\nSET debian-\(theirs)-more b\nCOMMIT\nGET debian-\(theirs)\n")
            let result = try Debian.run("cyr_dbtool", [path, engine.rawValue, "batch"], in: folder, input: commands, options: options)
            #expect(result.output == bytes("debian-\(theirs) a\n"), "\(result.output.text) \(result.errors)")
            theirs += 1
        }
        var committed: [Int] = []
        for (process, output) in running {
            let told = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            committed.append(try #require(Int(told.trimmingCharacters(in: .whitespacesAndNewlines)), "\(told)"))
        }
        #expect(committed.allSatisfy { $0 > 0 })
        let database = try kind.environment(folder.path).open(path, engine)
        try database.checkConsistency()
        #expect(try database.value(bytes("counter")) == bytes("\(committed.reduce(0, +))"))
        for (name, count) in zip(["one", "two", "three"], committed) {
            #expect(try database.records(prefix: bytes("\(name)-")).count == count)
        }
        #expect(try database.records(prefix: bytes("debian-")).count == 2 * theirs)
        if isShared {
            let checked = try Debian.run("cyr_dbtool", [path, engine.rawValue, "consistent"], in: folder, options: options)
            #expect(checked.output == bytes("Yes, consistent\n"))
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [DatabaseEngine.twoskip, .skiplist, .flat])
    func `a killed writer leaves whole transactions`(_ engine: DatabaseEngine) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("killed.db")
        let worker = try Self.worker()
        var random = Repeatable(3)
        for round in 0..<25 {
            let before = try FileSystem.status(path)?.changedNanoseconds
            let process = Foundation.Process()
            process.executableURL = worker
            process.arguments = [path, engine.rawValue, "run\(round)", "60"]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            // Killed after some changes of the file, at whatever it is doing then.
            var changes = Int.random(in: 1...40, using: &random)
            var last = before
            while changes > 0 {
                let now = try FileSystem.status(path)?.changedNanoseconds
                if now != last { changes -= 1 }
                last = now
            }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            // Every transaction counts one up and stores one key: both or neither.
            let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine)
            let records = try database.records(prefix: bytes("run")).count
            #expect(try (database.value(bytes("counter")) ?? bytes("0")) == bytes("\(records)"), "round \(round)")
            try database.checkConsistency()
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: EngineUnderTest.all)
    func `another process may write while a visitor is at work`(_ kind: EngineUnderTest) throws {
        let folder = try TemporaryFolder()
        let path = folder.file(kind.fileName)
        let database = try kind.environment(folder.path).open(path, kind.engine, .create)
        for i in 0..<20 { try database.store(bytes("k\(10 + i)"), bytes("%")) }
        var seen: [String] = []
        var others: [String] = []
        try database.forEach(prefix: bytes("k").span.bytes) { key, _ in
            seen.append(key.text)
            // It waits for the lock, and would for ever.
            if seen.count == 5 {
                do {
                    others = try [Self.output([path, kind.engine.rawValue, "other", "0.2"] + kind.workerOptions(folder.path))]
                } catch {
                    others = ["\(error)"]
                }
            }
            return .next
        }
        #expect(seen == (0..<20).map { "k\(10 + $0)" })
        let committed = try #require(Int(others.first ?? ""), "\(others)")
        #expect(committed > 0)
        #expect(try database.records(prefix: bytes("other-")).count == committed)
    }

    /// What the worker prints, without its line end.
    static func output(_ arguments: [String]) throws -> String {
        let process = Foundation.Process()
        let output = Foundation.Pipe()
        process.executableURL = try worker()
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let told = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return told.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
