import Bytes
import CyrusDB
import Index
import Mailbox
import Message
import Posix
import Testing

/// What a power loss can leave of an index is put right at the next opening.
@Suite struct RepairTests {
    static func message(_ number: Int) -> String {
        TemporaryStore.message.replacing("<x@y>", with: "<\(number)@y>") + String(repeating: "line\r\n", count: number)
    }

    /// A mailbox of `count` messages; the path of its index.
    private static func fill(_ here: TemporaryStore, _ count: Int) throws -> String {
        try here.makeUser("alice")
        for number in 1...count { try here.append(message(number), to: "user.alice", flags: number % 2 == 0 ? .seen : []) }
        return try here.store.mailbox(named: MailboxName("user.alice")).watchPath
    }

    /// Opens as a process of its own would; sizes by UID, having read each message's cache record and file.
    private static func open(_ here: TemporaryStore) throws -> (header: IndexHeader, records: [IndexRecord]) {
        let store = MailStore(here.store.configuration, logger: here.store.logger)
        let mailbox = try store.mailbox(named: MailboxName("user.alice"))
        let lock = try store.lock(user: "alice", .shared)
        let view = try mailbox.read(under: lock)
        var records: [IndexRecord] = []
        for number in 1..<(view.recordCount + 1) {
            let record = try view.record(number)
            let crc = try mailbox.withCache(record) { bytes in (try? CacheView(bytes))?.crc32 }
            #expect(crc == record.cacheCRC)
            let content = try FileSystem.read(mailbox.messagePath(record)) ?? []
            #expect(GUID(of: content.span.bytes) == record.guid && UInt64(content.count) == record.size)
            records.append(record)
        }
        return (view.header, records)
    }

    private static func expectSums(_ opened: (header: IndexHeader, records: [IndexRecord])) {
        let (header, records) = opened
        #expect(header.exists == UInt32(records.count { !$0.isExpunged }))
        #expect(header.unseenCount == UInt32(records.count { !$0.isExpunged && !$0.flags.contains(.seen) }))
        #expect(header.quotaUsed == records.filter { !$0.isExpunged }.reduce(0) { $0 + $1.size })
        #expect(records.allSatisfy { $0.modSeq <= header.highestModSeq && $0.uid <= header.lastUID })
    }

    @Test(arguments: [1, 56, 111, 112, 113, 224, 400])
    func aCountAheadOfTheFileIsMadeTrueFromTheMessages(missing: Int) throws {
        let here = try TemporaryStore()
        let path = try Self.fill(here, 5)
        let bytes = try FileSystem.read(path) ?? []
        try FileSystem.replace(path, with: Array(bytes.dropLast(missing)))
        let opened = try Self.open(here)
        #expect(opened.records.map(\.uid.rawValue) == [1, 2, 3, 4, 5])
        Self.expectSums(opened)
    }

    @Test func recordsOfZerosAreMadeFromTheMessages() throws {
        let here = try TemporaryStore()
        let path = try Self.fill(here, 6)
        for first in 0..<6 {
            var bytes = try FileSystem.read(path) ?? []
            let start = 160 + first * 112
            bytes.replaceSubrange(start..<min(bytes.count, start + 224), with: [UInt8](repeating: 0, count: min(224, bytes.count - start)))
            try FileSystem.replace(path, with: bytes)
            let opened = try Self.open(here)
            #expect(opened.records.map(\.uid.rawValue) == [1, 2, 3, 4, 5, 6])
            Self.expectSums(opened)
        }
    }

    @Test func aRecordWithoutAMessageIsDropped() throws {
        let here = try TemporaryStore()
        let path = try Self.fill(here, 4)
        var bytes = try FileSystem.read(path) ?? []
        bytes.replaceSubrange((160 + 3 * 112)..., with: [UInt8](repeating: 0, count: 112))
        try FileSystem.replace(path, with: bytes)
        let mailbox = try here.store.mailbox(named: MailboxName("user.alice"))
        _ = try FileSystem.unlink("\(mailbox.dataDirectory)/4.")
        let opened = try Self.open(here)
        #expect(opened.records.map(\.uid.rawValue) == [1, 2, 3])
        Self.expectSums(opened)
        // The next message does not get a UID that was told to somebody.
        #expect(try here.append(Self.message(9), to: "user.alice").rawValue == 5)
    }

    /// All that a power loss may leave of a change to twelve messages and the delivery of a thirteenth: each 512-byte sector of the index
    /// old or new.
    private static func everyMix(_ here: TemporaryStore, _ body: (_ mix: Int, _ path: String) throws -> Void) throws {
        let path = try fill(here, 12)
        let before = try FileSystem.read(path) ?? []
        do {
            let mailbox = try here.store.mailbox(named: MailboxName("user.alice"))
            let lock = try here.store.lock(user: "alice", .exclusive)
            var change = try mailbox.change(under: lock)
            for number in 1...12 { try change.update(number) { $0.flags.formSymmetricDifference([.seen, .flagged]) } }
            try change.commit()
        }
        try here.append(Self.message(13), to: "user.alice")
        let after = try FileSystem.read(path) ?? []
        let sectors = (after.count + 511) / 512
        for mix in 0..<(1 << sectors) {
            var bytes = before
            for sector in 0..<sectors where mix >> sector & 1 == 1 {
                let range = (sector * 512)..<min(after.count, (sector + 1) * 512)
                if bytes.count < range.upperBound { bytes += [UInt8](repeating: 0, count: range.upperBound - bytes.count) }
                bytes.replaceSubrange(range, with: after[range])
            }
            try FileSystem.replace(path, with: bytes)
            try body(mix, path)
        }
    }

    @Test func everyMixOfOldAndNewSectorsOpensWhole() throws {
        let here = try TemporaryStore()
        try Self.everyMix(here) { mix, path in
            let opened = try Self.open(here)
            #expect(Array(opened.records.map(\.uid.rawValue).prefix(12)) == Array(1...12), "\(mix)")
            #expect(opened.records.count == 12 || opened.records.last?.uid == UID(13), "\(mix)")
            Self.expectSums(opened)
            // Nothing is left to repair.
            let repaired = try FileSystem.read(path)
            _ = try Self.open(here)
            #expect(try FileSystem.read(path) == repaired, "\(mix)")
        }
    }

    /// A repack renames index and cache; in different directories a power loss may keep either name alone.
    @Test(arguments: [["cyrus.index"], ["cyrus.cache"]], [false, true])
    func eitherNameOfARepackMayBeLost(lost: [String], flagged: Bool) throws {
        let here = try TemporaryStore()
        let path = try Self.fill(here, 5)
        let folder = FileSystem.parent(of: path)
        func read() throws -> [String: [UInt8]] {
            var files: [String: [UInt8]] = [:]
            for name in ["cyrus.index", "cyrus.cache"] { files[name] = try FileSystem.read("\(folder)/\(name)") }
            return files
        }
        let before = try read()
        do {
            let lock = try here.store.lock(user: "alice", .exclusive)
            #expect(try here.store.mailbox(named: MailboxName("user.alice")).repack(under: lock, force: true))
        }
        let after = try read()
        for name in lost {
            try FileSystem.replace("\(folder)/\(name)", with: try #require(before[name]))
            try FileSystem.replace("\(folder)/\(name).NEW", with: try #require(after[name]))
        }
        let store = MailStore(here.store.configuration, logger: here.store.logger)
        let mailbox = try store.mailbox(named: MailboxName("user.alice"))
        do {
            let lock = try store.lock(user: "alice", .exclusive)
            var change = try mailbox.change(under: lock)
            // A change that the index left beside knows nothing of.
            if flagged { try change.update(2) { $0.flags.insert(.answered) } }
            try change.commit()
        }
        try here.append(Self.message(6), to: "user.alice")
        let opened = try Self.open(here)
        #expect(opened.records.map(\.uid.rawValue) == [1, 2, 3, 4, 5, 6])
        #expect(opened.records[1].flags.contains(.answered) == flagged)
        Self.expectSums(opened)
        // What a repack was left with never passes for the cache of another.
        #expect(opened.header.generation >= (lost == ["cyrus.index"] ? 2 : 1))
    }

    /// SELECT looks through the index while it reads it.
    @Test func everyMixIsSelectedWhole() throws {
        let here = try TemporaryStore()
        try Self.everyMix(here) { mix, path in
            let store = MailStore(here.store.configuration, logger: here.store.logger)
            let mailbox = try store.mailbox(named: MailboxName("user.alice"))
            let view = try IndexView(store, mailbox, as: Identity(user: "alice"), readWrite: false)
            #expect(Array(view.messages.map(\.uid).prefix(12)) == Array(1...12), "\(mix)")
            #expect(UInt32(view.count) == view.header.exists, "\(mix)")
            #expect(UInt32(view.messages.count { !$0.flags.contains(.seen) }) == view.header.unseenCount, "\(mix)")
            let found = try view.withRecords { records throws(MailboxError) in
                try (0..<view.count).map { place throws(MailboxError) in try view.record(place, records)?.uid.rawValue }
            }
            #expect(found == view.messages.map(\.uid), "\(mix)")
            // Nothing is left to repair.
            let repaired = try FileSystem.read(path)
            _ = try Self.open(here)
            #expect(try FileSystem.read(path) == repaired, "\(mix)")
        }
    }

    /// STATUS looks at the ends only: it tells of one of the two states, the one before the change or the one after it, and a change
    /// either works or is refused and works when tried again.
    @Test func everyMixTellsAStatusAndTakesChanges() throws {
        let here = try TemporaryStore()
        try Self.everyMix(here) { mix, path in
            let store = MailStore(here.store.configuration, logger: here.store.logger)
            let mailbox = try store.mailbox(named: MailboxName("user.alice"))
            let lock = try store.lock(user: "alice", .exclusive)
            do {
                let header = try mailbox.read(under: lock, checking: .ends).header
                #expect([12, 13].contains(header.exists) && header.lastUID.rawValue >= header.exists, "\(mix)")
            }
            func flagAll() throws(MailboxError) {
                var change = try mailbox.change(under: lock)
                for number in 1...12 { try change.update(number) { $0.flags.insert(.answered) } }
                try change.commit()
            }
            do { try flagAll() } catch { try flagAll() }
            let opened = try Self.open(here)
            #expect(opened.records.prefix(12).allSatisfy { $0.flags.contains(.answered) }, "\(mix)")
            Self.expectSums(opened)
        }
    }
}
