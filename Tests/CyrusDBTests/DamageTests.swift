import Bytes
import Foundation
import Testing

@testable import CyrusDB

/// Every byte of a small file flipped, zeroed, or cut off: a typed error or a right answer, never a trap, a hang, or (where there
/// are checksums) a value that was never stored.
struct DamageTests {
    enum Harm: CaseIterable { case flipped, zeroed, cut }

    struct Original {
        var bytes: [UInt8]
        var contents: [[UInt8]: [UInt8]]
        /// Every value that a key ever had.
        var history: [[UInt8]: Set<[UInt8]>]
    }

    static func original(_ engine: DatabaseEngine, _ folder: TemporaryFolder) throws -> Original {
        let path = folder.file("original.db")
        let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine, .create)
        var original = Original(bytes: [], contents: [:], history: [:])
        for round in 0..<3 {
            var transaction = try database.begin()
            for i in 0..<4 {
                let key = bytes("key \(i * 2 + round)")
                let value = bytes("value \(round) \(i)")
                try transaction.store(key, value)
                original.contents[key] = value
                original.history[key, default: []].insert(value)
            }
            if round > 0 {
                try transaction.delete(bytes("key \(round)"))
                original.contents[bytes("key \(round)")] = nil
            }
            try transaction.commit()
        }
        original.bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        return original
    }

    static func harmed(_ original: [UInt8], _ harm: Harm, at offset: Int) -> [UInt8]? {
        var bytes = original
        switch harm {
        case .flipped: bytes[offset] ^= 0xff
        case .zeroed:
            if bytes[offset] == 0 { return nil }
            bytes[offset] = 0
        case .cut: bytes.removeLast(bytes.count - offset)
        }
        return bytes
    }

    @Test(.timeLimit(.minutes(5)), arguments: [DatabaseEngine.twoskip, .skiplist, .flat], Harm.allCases)
    func `a damaged file gives typed errors or right answers`(_ engine: DatabaseEngine, _ harm: Harm) throws {
        let folder = try TemporaryFolder()
        let original = try Self.original(engine, folder)
        let path = folder.file("harmed.db")
        let environment = DatabaseEnvironment.quiet(folder.path)
        var kept = 0
        for offset in original.bytes.indices {
            guard let harmed = Self.harmed(original.bytes, harm, at: offset) else { continue }
            try Data(harmed).write(to: URL(fileURLWithPath: path))
            do throws(CyrusDBError) {
                let database = try environment.open(path, engine)
                for key in original.history.keys {
                    let value = try? database.value(key)
                    if engine == .twoskip, let value {
                        #expect(original.history[key]?.contains(value) == true, "offset \(offset)")
                    }
                }
                for record in (try? database.records()) ?? [] where engine == .twoskip {
                    #expect(original.history[record.key]?.contains(record.value) == true, "offset \(offset)")
                }
                try? database.checkConsistency()
                try? database.store(bytes("new"), bytes("value"))
                _ = try? database.delete(bytes("key 4"))
                try? database.checkpoint()
                try database.checkConsistency()
                kept += 1
            } catch {
                if case .damaged(let path, _, _, _) = error { #expect(path.hasSuffix("harmed.db") || path.hasSuffix("harmed.db.NEW")) }
            }
        }
        #expect(kept > 0)
    }

    @Test(.timeLimit(.minutes(5)), arguments: Harm.allCases)
    func `a rebuilt twoskip keeps every record that is whole`(_ harm: Harm) throws {
        let folder = try TemporaryFolder()
        let original = try Self.original(.twoskip, folder)
        let path = folder.file("harmed.db")
        for offset in original.bytes.indices where offset >= 20 {
            guard let harmed = Self.harmed(original.bytes, harm, at: offset) else { continue }
            if harm == .cut && offset < original.bytes.count - 40 { continue }
            try Data(harmed).write(to: URL(fileURLWithPath: path))
            do throws(CyrusDBError) {
                let database = try DatabaseEnvironment.quiet(folder.path).open(path, .twoskip)
                try database.rebuild()
                try database.checkConsistency()
                let records = try database.records()
                let found = Dictionary(uniqueKeysWithValues: records.map { ($0.key, $0.value) })
                // The record itself, and a deletion that was told by naming it.
                let wrong = Set(found.keys).union(original.contents.keys).filter { found[$0] != original.contents[$0] }
                #expect(wrong.count <= 2, "offset \(offset): \(wrong.map(\.text))")
                for record in records { #expect(original.history[record.key]?.contains(record.value) == true) }
            } catch {
                // Versions that are not known are refused rather than rebuilt; the header's CRC tells them from damage.
                Issue.record("offset \(offset): \(error)")
            }
        }
    }

    @Test(arguments: [DatabaseEngine.twoskip, .skiplist])
    func `lists that run in a circle end`(_ engine: DatabaseEngine) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("x.db")
        do {
            let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine, .create)
            for i in 0..<6 { try database.store(bytes("k\(i)"), bytes("v\(i)")) }
        }
        // Every pointer-sized word that is an offset of the file is led to every record in turn, its CRC made right.
        let image = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        let environment = DatabaseEnvironment.quiet(folder.path)
        for place in stride(from: 64, to: image.count - 8, by: 4) {
            for target in stride(from: 0, to: image.count, by: 24) {
                var harmed = image
                harmed.store(bigEndian: UInt32(target), at: engine == .twoskip ? place + 4 : place)
                try Data(harmed).write(to: URL(fileURLWithPath: path))
                guard let database = try? environment.open(path, engine, .noCRC) else { continue }
                _ = try? database.value(bytes("k5"))
                _ = try? database.records()
                try? database.checkConsistency()
            }
        }
    }
}
