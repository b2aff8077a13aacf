import Foundation
import Posix
import Testing

@testable import CyrusDB

@Suite(.enabled(if: Debian.isWanted))
struct InteropTests {
    static let engines: [DatabaseEngine] = [.twoskip, .skiplist]

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
}
