import Bytes
import Foundation
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

    static func expect(_ database: Database, _ contents: Contents, _ note: String) throws {
        try database.checkConsistency()
        let found = try Dictionary(uniqueKeysWithValues: database.records().map { ($0.key, $0.value) })
        #expect(found == contents, "\(note)")
    }

    @Test func `what is changed while the copy is made is in it`() throws {
        var random = Repeatable(5)
        for round in 0..<150 {
            let folder = try TemporaryFolder()
            let path = folder.file("x.db")
            let database = try DatabaseEnvironment.quiet(folder.path).open(path, .twoskip, .create)
            var contents: Contents = [:]
            try Self.change(database, &contents, 60, &random)
            let storage = try #require(database.storage as? TwoSkip)
            let before = storage.header.generation
            storage.whileCopied = { () throws(CyrusDBError) in
                do {
                    try Self.change(database, &contents, Int.random(in: 1...80, using: &random), &random)
                } catch let error as CyrusDBError {
                    throw error
                } catch {
                    throw .stopped(reason: "\(error)")
                }
            }
            try database.checkpoint()
            storage.whileCopied = nil
            #expect(storage.header.generation == before + 1)
            try Self.expect(database, contents, "round \(round)")
            #expect(!FileManager.default.fileExists(atPath: path + ".REPACK"))
            // It goes on as any file.
            try Self.change(database, &contents, 20, &random)
            try Self.expect(try DatabaseEnvironment.quiet(folder.path).open(path, .twoskip), contents, "round \(round), opened again")
        }
    }

    @Test(.enabled(if: Debian.isWanted)) func `so is what Debian changes`() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("x.db")
        let database = try DatabaseEnvironment.quiet(folder.path).open(path, .twoskip, .create)
        for i in 100..<400 { try database.store(bytes("key \(i)"), bytes("value \(i)")) }
        var contents = try Dictionary(uniqueKeysWithValues: database.records().map { ($0.key, $0.value) })
        let storage = try #require(database.storage as? TwoSkip)
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
        storage.whileCopied = { () throws(CyrusDBError) in
            do {
                let result = try Debian.run("cyr_dbtool", [path, "twoskip", "batch"], in: folder, input: bytes(commands))
                #expect(result.errors.isEmpty, "\(result.errors)")
            } catch {
                throw .stopped(reason: "\(error)")
            }
        }
        try database.checkpoint()
        try Self.expect(database, contents, "Debian")
        #expect(try Debian.run("cyr_dbtool", [path, "twoskip", "consistent"], in: folder).output == bytes("Yes, consistent\n"))
    }

    /// Whoever finds the copy locked, or the file rewritten meanwhile, leaves it alone.
    @Test func `a file rewritten meanwhile stays as it is`() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("x.db")
        let database = try DatabaseEnvironment.quiet(folder.path).open(path, .twoskip, .create)
        for i in 100..<200 { try database.store(bytes("key \(i)"), bytes("value \(i)")) }
        let storage = try #require(database.storage as? TwoSkip)
        storage.whileCopied = { () throws(CyrusDBError) in try storage.rebuild() }
        let before = storage.header.generation
        try database.checkpoint()
        #expect(storage.header.generation == before + 1)
        #expect(try database.records().count == 100)
        #expect(!FileManager.default.fileExists(atPath: path + ".REPACK"))
    }

    /// The exclusive lock is held as long for a large file as for a small one.
    @Test func `the pause does not grow with the file`() throws {
        let folder = try TemporaryFolder()
        // Bytes read and written under the lock stand for its time, which a busy machine makes as long as it likes.
        var under: [Int] = []
        for count in [1000, 30_000] {
            let database = try DatabaseEnvironment.quiet(folder.path).open(folder.file("\(count).db"), .twoskip, .create)
            var transaction = try database.begin()
            for i in 0..<count { try transaction.store(bytes("key \(i)"), bytes("value \(i)")) }
            try transaction.commit()
            let storage = try #require(database.storage as? TwoSkip)
            storage.whileCopied = { () throws(CyrusDBError) in
                for i in 0..<20 { try database.store(bytes("meanwhile \(i)"), bytes("x")) }
            }
            try database.checkpoint()
            under.append(storage.lastBroughtOver)
        }
        #expect(under[0] == under[1] && under[0] > 0, "\(under)")
    }
}
