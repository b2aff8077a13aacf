import Bytes
import Foundation
import Testing

@testable import CyrusDB

/// Random operations, against a dictionary.
struct ModelTests {
    /// Of 50,000 in all; the engines that write a file for each change get fewer. MODEL_OPERATIONS multiplies them for the soak.
    static let shares: [(EngineUnderTest, Int)] = [
        (.twoskip, 20_000), (.skiplist, 20_000), (.flat, 4_000), (.quotalegacy, 2_000), (.sqlite, 2_000), (.postgresql, 2_000),
    ].filter { EngineUnderTest.all.contains($0.0) }
    static let factor = Int(ProcessInfo.processInfo.environment["MODEL_OPERATIONS"] ?? "1") ?? 1

    @Test(arguments: shares)
    func `random operations agree with a dictionary`(_ kind: EngineUnderTest, _ count: Int) throws {
        let folder = try TemporaryFolder()
        let engine = kind.engine
        var environment = try kind.environment(folder.path)
        let path = folder.file(kind.fileName)
        var database = try environment.open(path, engine, .create)
        var random = Repeatable(UInt64(count))
        var model: [[UInt8]: [UInt8]] = [:]
        var done = 0

        func key() -> [UInt8] { bytes("user.\(Int.random(in: 0..<300, using: &random))") }
        func value() -> [UInt8] {
            bytes("%") + [UInt8](repeating: UInt8.random(in: 32...126, using: &random), count: Int.random(in: 0...90, using: &random))
        }

        while done < count * Self.factor {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<60:
                // A transaction of some operations, one in five aborted.
                let before = model
                var transaction = try database.begin()
                for _ in 0..<Int.random(in: 1...40, using: &random) {
                    let key = key()
                    switch Int.random(in: 0..<10, using: &random) {
                    case 0..<5:
                        let value = value()
                        try transaction.store(key, value)
                        model[key] = value
                    case 5..<6:
                        let value = value()
                        #expect(try transaction.create(key, value) == (model[key] == nil))
                        if model[key] == nil { model[key] = value }
                    case 6..<8: #expect(try transaction.delete(key) == (model.removeValue(forKey: key) != nil))
                    default: #expect(try transaction.value(key) == model[key])
                    }
                    done += 1
                }
                if Int.random(in: 0..<5, using: &random) == 0 {
                    try transaction.abort()
                    model = before
                } else {
                    try transaction.commit()
                }
            case 60..<80:
                let key = key()
                let value = value()
                try database.store(key, value)
                model[key] = value
                done += 1
            case 80..<90:
                let key = key()
                #expect(try database.delete(key) == (model.removeValue(forKey: key) != nil))
                done += 1
            case 90..<93:
                try database.checkpoint()
            case 93..<96:
                // The old handle is gone before the file is opened again.
                environment = try kind.environment(folder.path)
                database = try environment.open(path, engine)
            default:
                try database.checkConsistency()
                let prefix = bytes("user.\(Int.random(in: 0..<10, using: &random))")
                let records = try database.records(prefix: prefix)
                let expected = model.filter { $0.key.starts(with: prefix) }
                #expect(records.count == expected.count)
                for record in records { #expect(expected[record.key] == record.value) }
                for (a, b) in zip(records, records.dropFirst()) {
                    #expect(database.comparator.compare(a.key.span.bytes, b.key.span.bytes) < 0)
                }
                let key = key()
                #expect(try database.value(key) == model[key])
                done += 1
            }
        }
        #expect(try Dictionary(uniqueKeysWithValues: database.records().map { ($0.key, $0.value) }) == model)
    }
}
