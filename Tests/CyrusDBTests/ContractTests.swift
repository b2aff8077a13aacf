import Bytes
import Posix
import Testing

@testable import CyrusDB

/// What holds in every engine.
struct ContractTests {
    static let engines = EngineUnderTest.all
    /// Those whose keys may be any bytes.
    static let binary = engines.filter { $0 != .quotalegacy }
    static let files: [EngineUnderTest] = [.twoskip, .skiplist, .flat]

    /// A database in a folder of its own.
    final class Fixture {
        let folder: TemporaryFolder
        let environment: DatabaseEnvironment
        let path: String
        let engine: DatabaseEngine

        init(_ engine: EngineUnderTest) throws {
            folder = try TemporaryFolder()
            environment = try engine.environment(folder.path)
            path = folder.file(engine.fileName)
            self.engine = engine.engine
        }

        func open(_ flags: OpenFlags = .create) throws -> Database { try environment.open(path, engine, flags) }
    }

    static func keys(_ database: Database, _ prefix: String = "") throws -> [String] {
        try database.records(prefix: bytes(prefix)).map(\.key.text)
    }

    @Test(arguments: engines)
    func `what was stored is fetched, also by another handle later`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        do {
            let database = try fixture.open()
            try database.store(bytes("user.alice"), bytes("%one"))
            try database.store(bytes("user.alice"), bytes("%two"))
            #expect(try database.value(bytes("user.alice")) == bytes("%two"))
            #expect(try database.value(bytes("user.bob")) == nil)
        }
        #expect(try fixture.open().value(bytes("user.alice")) == bytes("%two"))
    }

    @Test(arguments: binary)
    func `a missing file is an error, and nil where that is asked for`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        #expect(throws: CyrusDBError.self) { try fixture.open([]) }
        #expect(try fixture.environment.openIfPresent(fixture.path, engine.engine) == nil)
    }

    @Test(arguments: engines)
    func `an empty value is there, and differs from none`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        try database.store(bytes("a"), [])
        #expect(try database.value(bytes("a")) == [])
        #expect(try database.value(bytes("b")) == nil)
    }

    @Test(arguments: engines)
    func `an empty key is refused`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        #expect(throws: CyrusDBError.self) { try database.store([], bytes("x")) }
        #expect(throws: CyrusDBError.self) { try database.value([]) }
        #expect(throws: CyrusDBError.self) { try database.delete([]) }
    }

    @Test(arguments: engines)
    func `create keeps what is there`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        #expect(try database.create(bytes("a"), bytes("%1")))
        #expect(try !database.create(bytes("a"), bytes("%2")))
        #expect(try database.value(bytes("a")) == bytes("%1"))
    }

    @Test(arguments: engines)
    func `delete tells whether there was something`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        try database.store(bytes("a"), bytes("%1"))
        #expect(try database.delete(bytes("a")))
        #expect(try !database.delete(bytes("a")))
        #expect(try database.value(bytes("a")) == nil)
        try database.checkConsistency()
    }

    @Test(arguments: binary)
    func `keys and values may be any bytes`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let all = (0...255).map { UInt8($0) }
        do {
            let database = try fixture.open()
            for byte in all { try database.store([byte, 0, 0xff, byte], all) }
            try database.store(all + all, [0, 9, 10, 13, 255])
        }
        let database = try fixture.open()
        for byte in all { #expect(try database.value([byte, 0, 0xff, byte]) == all) }
        #expect(try database.value(all + all) == [0, 9, 10, 13, 255])
        #expect(try database.records().count == 257)
        try database.checkConsistency()
    }

    @Test(arguments: engines.filter { $0 != .flat && $0 != .quotalegacy })
    func `long keys and values`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        for length in [1, 7, 8, 9, 65534, 65535, 65536, 300_000] {
            let database = try fixture.open()
            let key = [UInt8](repeating: 0x6b, count: length)
            let value = [UInt8](repeating: 0x76, count: length * 3)
            try database.store(key, value)
            #expect(try database.value(key) == value)
            try database.checkConsistency()
        }
        let database = try fixture.open()
        try database.checkpoint()
        try database.checkConsistency()
        #expect(try database.records().map(\.key.count) == [1, 7, 8, 9, 65534, 65535, 65536, 300_000])
    }

    @Test(arguments: engines)
    func `the next record after a key`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        for key in ["b", "d", "f"] { try database.store(bytes(key), bytes("%\(key)")) }
        func next(_ key: String) throws -> String? { try database.fetchNext(bytes(key).span.bytes) { key, _ in key.text } }
        #expect(try next("") == "b")
        #expect(try next("a") == "b")
        #expect(try next("b") == "d")
        #expect(try next("c") == "d")
        #expect(try next("f") == nil)
    }

    // MARK: walking

    @Test(arguments: engines)
    func `a walk visits a prefix in order, filtered, until stopped`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        for i in 0..<600 { try database.store(bytes("k\(1000 + i)"), bytes("%\(i)")) }
        try database.store(bytes("j"), bytes("%"))
        try database.store(bytes("l"), bytes("%"))
        #expect(try Self.keys(database, "k") == (0..<600).map { "k\(1000 + $0)" })
        #expect(try Self.keys(database, "k15") == (1500..<1600).map { "k\($0)" })
        #expect(try Self.keys(database, "z") == [])
        var seen: [String] = []
        let visit = try database.forEach(prefix: bytes("k").span.bytes, filter: { key, _ in key.text.hasSuffix("7") }) { key, _ in
            seen.append(key.text)
            return seen.count == 12 ? .stop : .next
        }
        #expect(visit == .stop)
        #expect(seen == (0..<12).map { "k\(1007 + 10 * $0)" })
    }

    @Test(arguments: engines)
    func `a walk sees what its visitor inserts ahead, and not what it inserts behind`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        for key in ["A", "B", "C"] { try database.store(bytes(key), bytes("%")) }
        var seen: [String] = []
        try database.forEach(prefix: bytes("").span.bytes) { key, _ throws(CyrusDBError) in
            seen.append(key.text)
            if key.text == "B" {
                try database.store(bytes("AA"), bytes("%"))
                try database.store(bytes("BB"), bytes("%"))
            }
            return .next
        }
        #expect(seen == ["A", "B", "BB", "C"])
        #expect(try Self.keys(database) == ["A", "AA", "B", "BB", "C"])
    }

    @Test(arguments: engines)
    func `a visitor may delete what it visits`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        for i in 0..<100 { try database.store(bytes("k\(100 + i)"), bytes("%\(i)")) }
        var seen = 0
        try database.forEach(prefix: bytes("k").span.bytes) { key, value throws(CyrusDBError) in
            let copy = key.array
            let before = value.array
            try database.delete(key)
            // What was lent stays what it was.
            #expect(key.array == copy && value.array == before)
            seen += 1
            return .next
        }
        #expect(seen == 100)
        #expect(try Self.keys(database) == [])
        try database.checkConsistency()
    }

    @Test(arguments: engines)
    func `a visitor may replace the file`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        for i in 0..<100 { try database.store(bytes("k\(100 + i)"), bytes("%\(i)")) }
        var seen: [String] = []
        try database.forEach(prefix: bytes("k").span.bytes) { key, value throws(CyrusDBError) in
            if seen.count % 10 == 3 { try database.checkpoint() }
            seen.append(key.text + value.text)
            return .next
        }
        #expect(seen == (0..<100).map { "k\(100 + $0)%\($0)" })
    }

    @Test(arguments: engines)
    func `a record and its children are visited without its neighbours`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        for key in ["folder", "folder-x", "folder.a", "folder.b", "folderish"] { try database.store(bytes(key), bytes("%")) }
        var seen: [String] = []
        try database.forOne(bytes("folder").span.bytes) { key, _ in
            seen.append(key.text)
            return .next
        }
        try database.forEach(prefix: bytes("folder.").span.bytes) { key, _ in
            seen.append(key.text)
            return .next
        }
        #expect(seen == ["folder", "folder.a", "folder.b"])
    }

    // MARK: transactions

    @Test(arguments: engines)
    func `a transaction sees its own writes, and they are kept when it commits`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        try database.store(bytes("a"), bytes("%old"))
        var transaction = try database.begin()
        try transaction.store(bytes("a"), bytes("%new"))
        try transaction.store(bytes("b"), bytes("%b"))
        #expect(try transaction.value(bytes("a")) == bytes("%new"))
        #expect(try transaction.create(bytes("b"), bytes("%c")) == false)
        #expect(try transaction.delete(bytes("b")))
        #expect(try transaction.value(bytes("b")) == nil)
        var seen: [String] = []
        try transaction.forEach(prefix: bytes("").span.bytes) { transaction, key, _ throws(CyrusDBError) in
            seen.append(key.text)
            if key.text == "a" { try transaction.store(bytes("c"), bytes("%c")) }
            return .next
        }
        #expect(seen == ["a", "c"])
        try transaction.commit()
        #expect(try Self.keys(database) == ["a", "c"])
        #expect(try database.value(bytes("a")) == bytes("%new"))
        try database.checkConsistency()
    }

    @Test(arguments: engines)
    func `an aborted transaction leaves nothing`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        for i in 0..<20 { try database.store(bytes("k\(10 + i)"), bytes("%\(i)")) }
        let before = try database.records()
        for dropped in [false, true] {
            var transaction = try database.begin()
            for i in 0..<40 {
                try transaction.store(bytes("k\(5 + i)"), bytes("%x"))
                if i % 3 == 0 { try transaction.delete(bytes("k\(10 + i)")) }
            }
            if dropped {
                _ = consume transaction
            } else {
                try transaction.abort()
            }
            let after = try database.records()
            #expect(after.map(\.key) == before.map(\.key) && after.map(\.value) == before.map(\.value))
            try database.checkConsistency()
        }
    }

    @Test(arguments: engines)
    func `what this process has locked is an error to lock again`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        let transaction = try database.begin()
        #expect(throws: CyrusDBError.self) { try database.store(bytes("a"), bytes("%")) }
        #expect(throws: CyrusDBError.self) { try database.checkpoint() }
        #expect(throws: CyrusDBError.self) { try fixture.open() }
        do {
            _ = try database.begin()
            Issue.record("a second transaction began")
        } catch {}
        try transaction.commit()
        try database.store(bytes("a"), bytes("%"))
    }

    @Test(arguments: engines)
    func `opening twice shares the handle`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let first = try fixture.open()
        #expect(try fixture.open() === first)
    }

    @Test(arguments: engines)
    func `a shared transaction reads and does not write`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        try database.store(bytes("a"), bytes("%1"))
        var transaction = try database.beginShared()
        #expect(try transaction.value(bytes("a")) == bytes("%1"))
        var refused = false
        do {
            try transaction.store(bytes("a"), bytes("%2"))
        } catch {
            if case .readOnly = error { refused = true }
        }
        #expect(refused)
        try transaction.commit()
        #expect(try database.value(bytes("a")) == bytes("%1"))
    }

    // MARK: engines of files

    @Test(arguments: files, files)
    func `a file of another engine is opened as it is, or converted`(_ made: EngineUnderTest, _ asked: EngineUnderTest) throws {
        let fixture = try Fixture(made)
        do {
            let database = try fixture.open()
            for i in 0..<50 { try database.store(bytes("key \(i)"), [UInt8(i), 0, 10]) }
        }
        if made == .flat && asked != .flat {
            // Text has no magic to tell it by.
            #expect(throws: CyrusDBError.self) { try fixture.environment.open(fixture.path, asked.engine) }
            return
        }
        do {
            let database = try fixture.environment.open(fixture.path, asked.engine)
            #expect(database.engine == made.engine)
            #expect(try database.records().count == 50)
        }
        let database = try fixture.environment.open(fixture.path, asked.engine, .convert)
        #expect(database.engine == asked.engine)
        #expect(try database.value(bytes("key 7")) == [7, 0, 10])
        #expect(try database.records().count == 50)
        try database.checkConsistency()
    }

    @Test(arguments: [EngineUnderTest.twoskip, .skiplist])
    func `a checkpoint keeps all records, and pays when it is asked for`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let database = try fixture.open()
        for round in 0..<10 {
            var transaction = try database.begin()
            for i in 0..<100 { try transaction.store(bytes("key \(i)"), bytes("value \(round * i)")) }
            try transaction.commit()
        }
        #expect(database.needsCheckpoint)
        let before = try database.records()
        try database.checkpoint()
        #expect(!database.needsCheckpoint)
        #expect(try database.records().map(\.value) == before.map(\.value))
        try database.checkConsistency()
        try database.store(bytes("after"), bytes("x"))
        try database.checkConsistency()
    }

    @Test(arguments: files)
    func `a file that was removed is made anew when it is opened again`(_ engine: EngineUnderTest) throws {
        let fixture = try Fixture(engine)
        let old = try fixture.open()
        try old.store(bytes("a"), bytes("1"))
        try FileSystem.unlink(fixture.path)
        #expect(throws: CyrusDBError.self) { try old.store(bytes("b"), bytes("2")) }
        #expect(try fixture.environment.openIfPresent(fixture.path, engine.engine) == nil)
        let new = try fixture.open()
        #expect(try new.records().isEmpty)
        try new.store(bytes("b"), bytes("2"))
        #expect(try Self.keys(new) == ["b"])
    }

    @Test
    func `a skiplist not recovered since the stamp is recovered when it is opened`() throws {
        let fixture = try Fixture(.skiplist)
        func lastRecovery() throws -> UInt32 {
            let storage = try DatabaseEnvironment.quiet(fixture.folder.path).open(fixture.path, .skiplist).storage
            return (storage as? SkipList)?.header.lastRecovery ?? 0
        }
        func stamp(_ time: UInt32) throws {
            try FileSystem.makeDirectories(fixture.folder.file("db"))
            var bytes: [UInt8] = []
            bytes.append(bigEndian: time)
            try File(fixture.folder.file("db/skipstamp"), .readWrite, create: .ifMissing).write(bytes, at: 0)
        }
        try stamp(1000)
        _ = try fixture.environment.open(fixture.path, .skiplist, .create)
        // As if it had last been recovered long ago.
        try File(fixture.path, .readWrite).write([0, 0, 7, 0xd0], at: 44)
        #expect(try lastRecovery() == 2000)
        try stamp(2001)
        #expect(try lastRecovery() > 2001)
    }
}
