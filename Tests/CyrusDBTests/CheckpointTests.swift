import Bytes
import Foundation
import Posix
import Testing

@testable import CyrusDB

/// A checkpoint copies the file while others change it, and brings their changes over.
struct CheckpointTests {
    typealias Contents = [[UInt8]: [UInt8]]

    static func key(_ random: inout Repeatable) -> [UInt8] {
        // Few keys, so that neighbours come and go.
        let letters = bytes("abcdef")
        return (0..<Int.random(in: 1...2, using: &random)).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] }
    }

    static func change(_ database: Database, _ contents: inout Contents, _ count: Int, _ random: inout Repeatable) throws {
        var left = count
        while left > 0 {
            var after = contents
            var transaction = try database.begin()
            for _ in 0..<Int.random(in: 1...min(left, 30), using: &random) {
                left -= 1
                let key = key(&random)
                if Bool.random(using: &random) {
                    try transaction.delete(key)
                    after[key] = nil
                } else {
                    let value = [UInt8](repeating: UInt8.random(in: 0...255, using: &random), count: Int.random(in: 0...40, using: &random))
                    try transaction.store(key, value)
                    after[key] = value
                }
            }
            if Int.random(in: 0..<6, using: &random) == 0 {
                try transaction.abort()
            } else {
                try transaction.commit()
                contents = after
            }
        }
    }

    /// Has `body` run when the next checkpoint has made its copy.
    static func whenCopied(_ database: Database, _ body: @escaping () throws -> Void) throws {
        func typed() throws(CyrusDBError) {
            do {
                try body()
            } catch let error as CyrusDBError {
                throw error
            } catch {
                throw .stopped(reason: "\(error)")
            }
        }
        if let storage = database.storage as? TwoSkip { storage.whileCopied = typed }
        if let storage = database.storage as? SkipList { storage.whileCopied = typed }
    }

    static func broughtOver(_ database: Database) -> Int {
        (database.storage as? TwoSkip)?.lastBroughtOver ?? (database.storage as? SkipList)?.lastBroughtOver ?? -1
    }

    static func expect(_ database: Database, _ contents: Contents, _ note: String) throws {
        try database.checkConsistency()
        let found = try Dictionary(uniqueKeysWithValues: database.records().map { ($0.key, $0.value) })
        #expect(found == contents, "\(note)")
    }

    static let engines: [DatabaseEngine] = [.twoskip, .skiplist]

    @Test(arguments: engines) func `what is changed while the copy is made is in it`(_ engine: DatabaseEngine) throws {
        var random = Repeatable(5)
        for round in 0..<150 {
            let folder = try TemporaryFolder()
            let path = folder.file("x.db")
            let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine, .create)
            var contents: Contents = [:]
            try Self.change(database, &contents, 60, &random)
            var copied = false
            try Self.whenCopied(database) {
                copied = true
                try Self.change(database, &contents, Int.random(in: 1...80, using: &random), &random)
            }
            try database.checkpoint()
            try Self.whenCopied(database) {}
            #expect(copied)
            try Self.expect(database, contents, "round \(round)")
            #expect(!FileManager.default.fileExists(atPath: path + ".REPACK"))
            // It goes on as any file.
            try Self.change(database, &contents, 20, &random)
            try Self.expect(try DatabaseEnvironment.quiet(folder.path).open(path, engine), contents, "round \(round), opened again")
        }
    }

    @Test(.enabled(if: Debian.isWanted), arguments: engines) func `so is what Debian changes`(_ engine: DatabaseEngine) throws {
        let folder = try TemporaryFolder()
        try InteropTests.writeStamp(folder)
        let path = folder.file("x.db")
        let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine, .create)
        for i in 100..<400 { try database.store(bytes("key \(i)"), bytes("value \(i)")) }
        var contents = try Dictionary(uniqueKeysWithValues: database.records().map { ($0.key, $0.value) })
        var commands = "BEGIN\n"
        for i in 100..<400 where i % 3 != 1 || i > 390 {
            if i % 3 == 0 {
                commands += "SET \"key \(i)\" new\n"
                contents[bytes("key \(i)")] = bytes("new")
            } else {
                commands += "DELETE \"key \(i)\"\n"
                contents[bytes("key \(i)")] = nil
            }
            if i % 50 == 0 { commands += "COMMIT\nBEGIN\n" }
        }
        commands += "SET \"key 250.5\" between\nCOMMIT\n"
        contents[bytes("key 250.5")] = bytes("between")
        try Debian.openToAll(folder)
        try Self.whenCopied(database) {
            let result = try Debian.run("cyr_dbtool", [path, engine.rawValue, "batch"], in: folder, input: bytes(commands))
            #expect(result.errors.isEmpty, "\(result.errors)")
        }
        try database.checkpoint()
        try Self.expect(database, contents, "Debian")
        #expect(try Debian.run("cyr_dbtool", [path, engine.rawValue, "consistent"], in: folder).output == bytes("Yes, consistent\n"))
    }

    /// Whoever finds the copy locked, or the file rewritten meanwhile, leaves it alone.
    @Test(arguments: engines) func `a file rewritten meanwhile stays as it is`(_ engine: DatabaseEngine) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("x.db")
        let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine, .create)
        for i in 100..<200 { try database.store(bytes("key \(i)"), bytes("value \(i)")) }
        var rewritten: FileStatus?
        try Self.whenCopied(database) {
            try database.rebuild()
            rewritten = try FileSystem.status(path)
        }
        try database.checkpoint()
        let now = try #require(try FileSystem.status(path))
        #expect(rewritten.map { now.isSameFile(as: $0) } == true)
        #expect(try database.records().count == 100)
        #expect(!FileManager.default.fileExists(atPath: path + ".REPACK"))
    }

    /// The exclusive lock is held as long for a large file as for a small one.
    @Test(arguments: engines) func `the pause does not grow with the file`(_ engine: DatabaseEngine) throws {
        let folder = try TemporaryFolder()
        // What is looked up under the lock stands for its time, which a busy machine makes as long as it likes.
        var under: [Int] = []
        for count in [1000, 30_000] {
            let database = try DatabaseEnvironment.quiet(folder.path).open(folder.file("\(count).db"), engine, .create)
            var transaction = try database.begin()
            for i in 0..<count { try transaction.store(bytes("key \(i)"), bytes("value \(i)")) }
            try transaction.commit()
            try Self.whenCopied(database) {
                for i in 0..<20 { try database.store(bytes("meanwhile \(i)"), bytes("x")) }
            }
            try database.checkpoint()
            under.append(Self.broughtOver(database))
        }
        #expect(under[0] == under[1] && under[0] > 0, "\(under)")
    }
}
