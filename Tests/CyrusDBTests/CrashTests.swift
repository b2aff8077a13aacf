import Bytes
import Foundation
import Testing

@testable import CyrusDB

/// What a power loss may leave: any subset of the 512-byte sectors written and not synced yet.
/// After recovery all committed transactions are there whole, and nothing else.
struct CrashTests {
    typealias Contents = [[UInt8]: [UInt8]]

    /// Transactions with stores, replaces and deletes, some of them large enough to span blocks.
    static let transactions: [[(key: String, length: Int?)]] = [
        [("b", 10)],
        [("a", 700), ("c", 3), ("d", 40)],
        [("b", nil), ("e", 5)],
        [("a", 20), ("c", 600), ("f", 1), ("d", nil), ("g", 300)],
        [("c", nil)],
        [("b", 33), ("d", 0)],
        // Long enough to work on a draft of the file.
        (0..<40).map { ("l\($0 % 27)", $0 % 5 == 4 ? nil : 40 * ($0 % 9)) },
        [("l3", 12), ("a", nil)],
    ]

    /// What was written, in order, and what the contents were after each commit.
    struct Recording {
        var initial: [UInt8] = []
        var changes: [MappedFile.Change] = []
        /// Contents, with the number of changes made when its commit returned.
        var states: [(Contents, Int)] = []
    }

    static func record(_ engine: DatabaseEngine, _ folder: TemporaryFolder) throws -> Recording {
        let path = folder.file("recorded.db")
        let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine, .create)
        var contents: Contents = [:]
        for i in 0..<5 {
            contents[bytes("k\(i)")] = bytes("first \(i)")
            try database.store(bytes("k\(i)"), bytes("first \(i)"))
        }
        var recording = Recording(initial: Array(try Data(contentsOf: URL(fileURLWithPath: path))))
        recording.states.append((contents, 0))
        let file = (database.storage as? TwoSkip)?.file ?? (database.storage as? SkipList)?.file
        // A sector is written or not; of a longer write any may be missing.
        file?.observer = { change in
            guard case .write(var offset, let written) = change else { return recording.changes.append(change) }
            var rest = written[...]
            while !rest.isEmpty {
                let sector = rest.prefix(512 - offset % 512)
                recording.changes.append(.write(offset: offset, bytes: Array(sector)))
                rest = rest.dropFirst(sector.count)
                offset += sector.count
            }
        }
        for (number, operations) in transactions.enumerated() {
            var transaction = try database.begin()
            for (key, length) in operations {
                if let length {
                    let value = [UInt8](repeating: UInt8(ascii: "0") + UInt8(number), count: length)
                    try transaction.store(bytes(key), value)
                    contents[bytes(key)] = value
                } else {
                    try transaction.delete(bytes(key))
                    contents[bytes(key)] = nil
                }
            }
            try transaction.commit()
            recording.states.append((contents, recording.changes.count))
            // An aborted one in between leaves nothing.
            var aborted = try database.begin()
            try aborted.store(bytes("aborted"), bytes("x"))
            try aborted.delete(bytes("k1"))
            if number % 3 == 1 {
                for i in 0..<30 { try aborted.store(bytes("aborted \(i)"), [UInt8](repeating: 1, count: 20 * i)) }
            }
            try aborted.abort()
        }
        file?.observer = nil
        return recording
    }

    static func apply(_ change: MappedFile.Change, to image: inout [UInt8]) {
        switch change {
        case .write(let offset, let written):
            if image.count < offset + written.count {
                image += [UInt8](repeating: 0, count: offset + written.count - image.count)
            }
            image.replaceSubrange(offset..<offset + written.count, with: written)
        case .truncate(let size):
            if image.count > size { image.removeLast(image.count - size) }
        case .sync: break
        }
    }

    @Test(arguments: [DatabaseEngine.twoskip, .skiplist])
    func `every state that a power loss may leave recovers to committed transactions`(_ engine: DatabaseEngine) throws {
        let folder = try TemporaryFolder()
        let recording = try Self.record(engine, folder)
        var random = Repeatable(11)
        var synced = recording.initial
        var pending: [MappedFile.Change] = []
        var tried = 0

        func check(_ image: [UInt8], at moment: Int, _ note: String) throws {
            tried += 1
            let path = folder.file("crashed.db")
            try Data(image).write(to: URL(fileURLWithPath: path))
            let acknowledged = recording.states.last { $0.1 <= moment }
            let next = recording.states.first { $0.1 > moment }
            let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine)
            let found = try Dictionary(uniqueKeysWithValues: database.records().map { ($0.key, $0.value) })
            #expect(found == acknowledged?.0 || found == next?.0, "at change \(moment), \(note)")
            try database.checkConsistency()
            try database.store(bytes("afterwards"), bytes("works"))
            try database.checkConsistency()
        }

        for (index, change) in recording.changes.enumerated() {
            if case .sync = change {
                for change in pending { Self.apply(change, to: &synced) }
                pending.removeAll()
                continue
            }
            pending.append(change)
            let moment = index + 1
            let subsets =
                pending.count <= 4
                ? (0..<(1 << pending.count)).map { subset in pending.indices.map { subset >> $0 & 1 == 1 } }
                : (0..<24).map { _ in pending.indices.map { _ in Bool.random(using: &random) } }
            for subset in subsets {
                var image = synced
                for (change, isThere) in zip(pending, subset) where isThere { Self.apply(change, to: &image) }
                try check(image, at: moment, "writes \(subset.map { $0 ? "1" : "0" }.joined())")
            }
        }
        #expect(tried > 300)
    }

    @Test(.enabled(if: Debian.isWanted), arguments: [DatabaseEngine.twoskip, .skiplist])
    func `Debian recovers what our crash leaves`(_ engine: DatabaseEngine) throws {
        let folder = try TemporaryFolder()
        let recording = try Self.record(engine, folder)
        let path = folder.file("crashed.db")
        // After every third change, with all before it written: a killed process rather than a power loss.
        var image = recording.initial
        for (index, change) in recording.changes.enumerated() {
            Self.apply(change, to: &image)
            guard index % 3 == 0 else { continue }
            try Data(image).write(to: URL(fileURLWithPath: path))
            let shown = try Debian.run("cyr_dbtool", [path, engine.rawValue, "show"], in: folder)
            func listing(_ contents: Contents?) -> [UInt8] {
                (contents ?? [:]).sorted { $0.key.span.bytes.compare($1.key.span.bytes) < 0 }.flatMap { $0 + [9] + $1 + [10] }
            }
            let acknowledged = recording.states.last { $0.1 <= index + 1 }
            let next = recording.states.first { $0.1 > index + 1 }
            #expect(shown.output == listing(acknowledged?.0) || shown.output == listing(next?.0), "at change \(index)")
            #expect(try Debian.run("cyr_dbtool", [path, engine.rawValue, "consistent"], in: folder).output == bytes("Yes, consistent\n"))
        }
    }

    @Test(.enabled(if: Debian.isWanted), arguments: [DatabaseEngine.twoskip, .skiplist])
    func `a file that Debian's tool died in the midst of writing recovers`(_ engine: DatabaseEngine) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("x.db")
        let listing = bytes((100..<200).map { "key \($0)\tvalue \($0)\n" }.joined())
        try Debian.run("cyr_dbtool", ["-n", path, engine.rawValue, "set"], in: folder, input: listing)
        try Debian.run("cyr_dbtool", [path, engine.rawValue, "damage"], in: folder, input: bytes("key 150\tother\nkey 999\tnew\n"))
        let database = try DatabaseEnvironment.quiet(folder.path).open(path, engine)
        #expect(try database.records().map(\.value.text) == (100..<200).map { "value \($0)" })
        try database.checkConsistency()
        let checked = try Debian.run("cyr_dbtool", [path, engine.rawValue, "consistent"], in: folder)
        #expect(checked.output == bytes("Yes, consistent\n"))
    }
}
