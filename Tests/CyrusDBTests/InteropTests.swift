import Bytes
import Foundation
import Posix
import Testing

@testable import CyrusDB

@Suite(.enabled(if: Debian.isWanted))
struct InteropTests {
    static let engines: [DatabaseEngine] = [.twoskip, .skiplist, .flat]

    static func model(_ count: Int) -> [String: String] {
        var random = Repeatable(UInt64(count) + 7)
        var model: [String: String] = [:]
        for i in 0..<count {
            let length = Int.random(in: 0...60, using: &random)
            model["key-\(random.next() % 1_000_000)-\(i)"] = String(repeating: "v", count: length) + "\(i)"
        }
        return model
    }

    static func listing(_ model: [String: String]) -> [UInt8] {
        bytes(model.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }.map { "\($0)\t\($1)\n" }.joined())
    }

    @Test(arguments: engines, [0, 1, 7, 3000])
    func `Debian's tools list our file and find it consistent`(_ engine: DatabaseEngine, _ count: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("ours.db")
        let model = Self.model(count)
        do {
            let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine, .create)
            var transaction = try database.begin()
            for (key, value) in model { try transaction.store(bytes(key), bytes(value)) }
            try transaction.commit()
            try database.checkConsistency()
        }
        let shown = try Debian.run("cyr_dbtool", [path, engine.rawValue, "show"], in: folder)
        #expect(shown.output == Self.listing(model))
        try Self.expectConsistent(path, engine, folder)
    }

    static func expectConsistent(_ path: String, _ engine: DatabaseEngine, _ folder: TemporaryFolder) throws {
        // Debian's flat has no such check.
        if engine == .flat { return }
        let checked = try Debian.run("cyr_dbtool", [path, engine.rawValue, "consistent"], in: folder)
        #expect(checked.status == 0 && checked.output == bytes("Yes, consistent\n"), "\(checked.output.text) \(checked.errors)")
    }

    @Test(arguments: engines, [0, 1, 7, 3000])
    func `we read Debian's file`(_ engine: DatabaseEngine, _ count: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("theirs.db")
        let model = Self.model(count)
        let made = try Debian.run("cyr_dbtool", ["-n", path, engine.rawValue, "set"], in: folder, input: Self.listing(model))
        #expect(made.status == 0)
        let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine)
        try database.checkConsistency()
        let records = try database.records()
        #expect(Self.listing(Dictionary(uniqueKeysWithValues: records.map { ($0.key.text, $0.value.text) })) == Self.listing(model))
        #expect(records.count == model.count)
    }

    @Test(arguments: [DatabaseEngine.twoskip, .skiplist])
    func `a file goes back and forth, changed and rewritten by each in turn`(_ engine: DatabaseEngine) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("both.db")
        var model = Self.model(400)
        for round in 0..<4 {
            do {
                let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine, .create)
                var transaction = try database.begin()
                for (key, value) in model { try transaction.store(bytes(key), bytes(value)) }
                for key in model.keys.sorted().prefix(40) {
                    try transaction.delete(bytes(key))
                    model[key] = nil
                }
                try transaction.commit()
                if round % 2 == 1 { try database.checkpoint() }
                try database.checkConsistency()
            }
            try Self.expectConsistent(path, engine, folder)
            var commands = bytes("BEGIN\n")
            for i in 0..<50 {
                model["round-\(i)"] = "\(round)"
                commands += bytes("SET round-\(i) \(round)\n")
            }
            for key in model.keys.sorted().filter({ $0.hasPrefix("key") }).prefix(30) {
                model[key] = nil
                commands += bytes("DELETE \(key)\n")
            }
            commands += bytes("COMMIT\n")
            let done = try Debian.run("cyr_dbtool", [path, engine.rawValue, "batch"], in: folder, input: commands)
            #expect(done.status == 0 && done.output.isEmpty, "\(done.output.text) \(done.errors)")
            if round >= 2 { try Debian.run("cyr_dbtool", [path, engine.rawValue, "repack"], in: folder) }
            let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine)
            try database.checkConsistency()
            #expect(try Dictionary(uniqueKeysWithValues: database.records().map { ($0.key.text, $0.value.text) }) == model)
        }
    }

    /// INTEROP_RECORDS=100000 (or more) for the soak: a debug build takes a minute for that.
    static let manyRecords = Int(ProcessInfo.processInfo.environment["INTEROP_RECORDS"] ?? "10000") ?? 10_000

    @Test(arguments: [DatabaseEngine.twoskip, .skiplist])
    func `many records cross both ways`(_ engine: DatabaseEngine) throws {
        let folder = try TemporaryFolder()
        let ours = folder.file("ours.db")
        let model = Self.model(Self.manyRecords)
        let listing = Self.listing(model)
        do {
            let database = try DatabaseEnvironment.quiet(folder.path).open(ours, engine, .create)
            var transaction = try database.begin()
            for (key, value) in model { try transaction.store(bytes(key), bytes(value)) }
            try transaction.commit()
        }
        #expect(try Debian.run("cyr_dbtool", [ours, engine.rawValue, "show"], in: folder).output == listing)
        try Self.expectConsistent(ours, engine, folder)
        let theirs = folder.file("theirs.db")
        let other: DatabaseEngine = engine == .twoskip ? .skiplist : .twoskip
        try Debian.run("cvt_cyrusdb", [ours, engine.rawValue, theirs, other.rawValue], in: folder)
        let database = try DatabaseEnvironment.quiet(folder.path).open(theirs, other)
        try database.checkConsistency()
        try database.checkpoint()
        #expect(try Debian.run("cyr_dbtool", [theirs, other.rawValue, "show"], in: folder).output == listing)
        try Self.expectConsistent(theirs, other, folder)
    }

    @Test
    func `quota roots stand in the same files with the same bytes`() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("quotas.db")
        let roots = ["user.alice": "%(S (1299 10000) M (5 100))", "user.bob": "12 300", "shared": "%(S (0))", "user.Zoe.deep": ""]
        let database = try DatabaseEnvironment.quiet(folder.path).open(path, .quotalegacy, .create)
        for (root, value) in roots { try database.store(bytes(root), bytes(value)) }
        let shown = try Debian.run("cyr_dbtool", [path, "quotalegacy", "show"], in: folder)
        #expect(shown.output == Self.listing(roots), "\(shown.output.text) \(shown.errors)")
        try Debian.run("cyr_dbtool", [path, "quotalegacy", "set", "user.carol", "7 8"], in: folder)
        #expect(try database.value(bytes("user.carol")) == bytes("7 8"))
        #expect(try database.records().map(\.key.text) == ["shared", "user.Zoe.deep", "user.alice", "user.bob", "user.carol"])
    }

    @Test(arguments: [DatabaseEngine.twoskip, .skiplist])
    func `a dump is what Debian prints of the file`(_ engine: DatabaseEngine) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("x.db")
        try Debian.run("cyr_dbtool", ["-n", path, engine.rawValue, "set"], in: folder, input: Self.listing(Self.model(300)))
        // Without it both would recover, and rewrite, a skiplist at each open.
        try Self.writeStamp(folder)
        var ours = ""
        do {
            let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine)
            try database.store(bytes("a"), bytes("b"))
            try database.store(bytes("a"), bytes("c"))
            try database.delete(bytes("a"))
        }
        let theirs = try Debian.run("cyr_dbtool", [path, engine.rawValue, "dump"], in: folder).output
        let environment = DatabaseEnvironment.quiet(folder.path)
        try environment.open(path, engine).dump { ours += $0 + "\n" }
        #expect(ours == theirs.text)
    }

    /// So old that every skiplist was recovered since.
    static func writeStamp(_ folder: TemporaryFolder) throws {
        try FileSystem.makeDirectories(folder.file("db"))
        var stamp: [UInt8] = []
        stamp.append(bigEndian: UInt32(1000))
        try Data(stamp).write(to: URL(fileURLWithPath: folder.file("db/skipstamp")))
    }
}
