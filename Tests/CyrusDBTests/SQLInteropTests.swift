import Bytes
import DebianCyrus
import Foundation
import Posix
import Testing

@testable import CyrusDB

/// One SQL database, used by us and by Debian's cyr_dbtool.
@Suite(.enabled(if: Debian.isWanted))
struct SQLInteropTests {
    struct Fixture {
        let folder: TemporaryFolder
        let path: String
        let kind: EngineUnderTest
        let options: [String]

        init(_ kind: EngineUnderTest) throws {
            self.kind = kind
            folder = try TemporaryFolder()
            path = folder.file(kind.fileName)
            options =
                kind == .sqlite
                ? ["sql_engine: sqlite", "sql_database: \(folder.path)/sql.sqlite", "sql_user: cyrus"]
                : try EngineUnderTest.server.get().options
        }

        func open(_ flags: OpenFlags = .create) throws -> Database {
            try kind.environment(folder.path).open(path, .sql, flags)
        }

        func debian(_ arguments: [String], input: String = "") throws -> Debian.Result {
            try Debian.run("cyr_dbtool", arguments, in: folder, input: bytes(input), options: options)
        }
    }

    @Test(arguments: EngineUnderTest.sql)
    func `Debian's tool shows our records, and changes them`(_ kind: EngineUnderTest) throws {
        let fixture = try Fixture(kind)
        let model = InteropTests.model(300)
        do {
            let database = try fixture.open()
            var transaction = try database.begin()
            for (key, value) in model { try transaction.store(bytes(key), bytes(value)) }
            try transaction.store(bytes("empty"), [])
            try transaction.commit()
        }
        var expected = model
        expected["empty"] = ""
        let shown = try fixture.debian([fixture.path, "sql", "show"])
        #expect(shown.output == InteropTests.listing(expected), "\(shown.errors)")
        let commands = "BEGIN\nSET new one\nSET empty full\nDELETE \(model.keys.sorted()[0])\nCOMMIT\n"
        let done = try fixture.debian([fixture.path, "sql", "batch"], input: commands)
        #expect(done.status == 0 && done.output.isEmpty, "\(done.output.text) \(done.errors)")
        expected["new"] = "one"
        expected["empty"] = "full"
        expected[model.keys.sorted()[0]] = nil
        let database = try fixture.open([])
        #expect(try Dictionary(uniqueKeysWithValues: database.records().map { ($0.key.text, $0.value.text) }) == expected)
        try database.checkConsistency()
    }

    @Test(arguments: EngineUnderTest.sql)
    func `we read and change a table that Debian's tool made`(_ kind: EngineUnderTest) throws {
        let fixture = try Fixture(kind)
        var model = InteropTests.model(300)
        let made = try fixture.debian(
            ["-n", fixture.path, "sql", "set"], input: String(decoding: InteropTests.listing(model), as: UTF8.self))
        #expect(made.status == 0, "\(made.errors)")
        do {
            let database = try fixture.open([])
            #expect(try Dictionary(uniqueKeysWithValues: database.records().map { ($0.key.text, $0.value.text) }) == model)
            let keys = model.keys.sorted()
            try database.store(bytes(keys[0]), bytes("changed"))
            try database.delete(bytes(keys[1]))
            try database.store(bytes("added"), bytes("x"))
            model[keys[0]] = "changed"
            model[keys[1]] = nil
            model["added"] = "x"
            try database.checkConsistency()
        }
        let shown = try fixture.debian([fixture.path, "sql", "show"])
        #expect(shown.output == InteropTests.listing(model), "\(shown.errors)")
    }
}
