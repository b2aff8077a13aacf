import Bytes
import Mailbox
import Message
import Posix
import Testing

@Suite struct MailboxTests {
    @Test func anAppendedMessageIsThereWithItsRecordAndCache() throws {
        let here = try TemporaryStore()
        try here.makeUser("alice")
        let uid = try here.append(TemporaryStore.message, to: "user.alice", flags: .flagged, keywords: ["$Label1"])
        #expect(uid == UID(1))
        let mailbox = try here.store.mailbox(named: MailboxName("user.alice"))
        let lock = try here.store.lock(user: "alice", .shared)
        let view = try mailbox.read(under: lock)
        let header = view.header
        #expect(header.exists == 1 && header.flaggedCount == 1 && header.unseenCount == 1)
        #expect(header.lastUID == uid && header.quotaUsed == UInt64(TemporaryStore.message.utf8.count))
        let record = try view.record(1)
        #expect(record.flags == .flagged && record.userFlags[0])
        #expect(record.guid == GUID(of: Array(TemporaryStore.message.utf8).span.bytes))
        let subject = try mailbox.withCache(record) { bytes in (try? CacheView(bytes))?[.subject].text }
        #expect(subject == "\"hello\"")
        let stored = try FileSystem.read(mailbox.messagePath(record))
        #expect(stored?.text == TemporaryStore.message)
    }

    @Test func theLockOfAnotherUserOpensNothing() throws {
        let here = try TemporaryStore()
        try here.makeUser("alice")
        try here.makeUser("bob")
        let mailbox = try here.store.mailbox(named: MailboxName("user.alice"))
        let lock = try here.store.lock(user: "bob", .exclusive)
        func expectRefusal(_ body: () throws(MailboxError) -> Void) {
            do {
                try body()
                Issue.record("went through")
            } catch {
                #expect(error.description == "locked: \(Self.refused)", "\(error)")
            }
        }
        expectRefusal { () throws(MailboxError) in _ = try mailbox.read(under: lock) }
        expectRefusal { () throws(MailboxError) in _ = try mailbox.change(under: lock) }
        do {
            try here.store.create(MailboxName("user.alice.new"), as: nil, under: lock)
            Issue.record("went through")
        } catch {
            #expect("\(error)".contains("not its owner's"), "\(error)")
        }
    }
    private static let refused = "user.alice: the lock that is held is that of user bob, not its owner's"

    /// A session of the former owner's still has it open.
    @Test func aMailboxThatWentToAnotherUserIsGone() throws {
        let here = try TemporaryStore()
        try here.makeUser("alice")
        try here.makeUser("bob")
        let entry: MailboxEntry
        do {
            let lock = try here.store.lock(user: "alice", .exclusive)
            entry = try here.store.create(MailboxName("user.alice.x"), as: nil, under: lock)
        }
        let mailbox = try here.store.mailbox(entry)
        let other = MailStore(here.store.configuration, logger: here.store.logger)
        do {
            let lock = try other.lock(user: "alice", .exclusive)
            try other.rename(entry, to: MailboxName("user.bob.x"), under: lock)
        }
        let lock = try here.store.lock(user: "alice", .shared)
        do {
            _ = try mailbox.read(under: lock)
            Issue.record("went through")
        } catch MailboxError.nonexistent(let name) {
            #expect(name == "user.alice.x")
        }
        // The lock of the new owner's opens it.
        let bobs = try here.store.lock(user: "bob", .shared)
        #expect(try mailbox.read(under: bobs).recordCount == 0)
    }

    @Test func aChangeThatIsNotCommittedLeavesNothing() throws {
        let here = try TemporaryStore()
        try here.makeUser("alice")
        let mailbox = try here.store.mailbox(named: MailboxName("user.alice"))
        do {
            let bytes = Array(TemporaryStore.message.utf8)
            let staged = try here.store.stage(bytes.span.bytes, parsed: Message.parse(bytes), partition: "default")
            let lock = try here.store.lock(user: "alice", .exclusive)
            var change = try mailbox.change(under: lock)
            _ = try change.append(staged, AppendAttributes(internalDate: 1))
        }
        let lock = try here.store.lock(user: "alice", .shared)
        let count = try mailbox.read(under: lock).recordCount
        #expect(count == 0)
        #expect(!FileSystem.exists(mailbox.dataDirectory + "/1."))
        #expect(try FileSystem.list(here.path + "/spool/stage.").isEmpty)
    }

    @Test func flagsAndExpungeMoveTheModSeqAndTheCounts() throws {
        let here = try TemporaryStore()
        try here.makeUser("alice")
        for _ in 0..<3 { try here.append(TemporaryStore.message, to: "user.alice") }
        let mailbox = try here.store.mailbox(named: MailboxName("user.alice"))
        let lock = try here.store.lock(user: "alice", .exclusive)
        var change = try mailbox.change(under: lock)
        try change.update(2) { $0.flags.formUnion([.seen, .deleted]) }
        try change.expunge(2)
        try change.update(3) { $0.flags.insert(.answered) }
        try change.commit()
        let view = try mailbox.read(under: lock)
        let header = view.header
        #expect(header.exists == 2 && header.unseenCount == 2 && header.answeredCount == 1 && header.deletedCount == 0)
        let second = try view.record(2)
        let third = try view.record(3)
        #expect(second.isExpunged && second.modSeq < third.modSeq && third.modSeq == header.highestModSeq)
    }

    @Test func aCopySharesTheFileAndTheCacheRecord() throws {
        let here = try TemporaryStore()
        try here.makeUser("alice")
        try here.makeUser("bob")
        try here.append(TemporaryStore.message, to: "user.alice")
        let from = try here.store.mailbox(named: MailboxName("user.alice"))
        let to = try here.store.mailbox(named: MailboxName("user.bob"))
        let sourceLock = try here.store.lock(user: "alice", .shared)
        let view = try from.read(under: sourceLock)
        let record = try view.record(1)
        let targetLock = try here.store.lock(user: "bob", .exclusive)
        var change = try to.change(under: targetLock)
        let uid = try change.copy(record, from: from, AppendAttributes(internalDate: record.internalDate))
        try change.commit()
        let links = try FileSystem.status(to.dataDirectory + "/\(uid).")?.links
        #expect(links == 2)
        let copied = try to.read(under: targetLock).record(1)
        #expect(copied.cacheCRC == record.cacheCRC && copied.guid == record.guid)
    }

    @Test func aRepackDropsUnlinkedRecordsAndKeepsTheOthersReadable() throws {
        let here = try TemporaryStore(["expunge_mode: immediate"])
        try here.makeUser("alice")
        for _ in 0..<3 { try here.append(TemporaryStore.message, to: "user.alice") }
        let mailbox = try here.store.mailbox(named: MailboxName("user.alice"))
        let lock = try here.store.lock(user: "alice", .exclusive)
        var change = try mailbox.change(under: lock)
        try change.expunge(1)
        let gone = try change.record(1)
        try change.commit()
        #expect(try mailbox.repack(under: lock))
        let view = try mailbox.read(under: lock)
        #expect(view.header.generation == 1 && view.header.recordCount == 2 && view.header.deletedModSeq == gone.modSeq)
        #expect(!FileSystem.exists(mailbox.dataDirectory + "/1."))
        let record = try view.record(1)
        let crc = try mailbox.withCache(record) { bytes in (try? CacheView(bytes))?.crc32 }
        #expect(record.uid == UID(2) && crc == record.cacheCRC)
    }

    @Test func renamingLeavesATombstoneAndKeepsTheMessages() throws {
        let here = try TemporaryStore()
        try here.makeUser("alice")
        let lock = try here.store.lock(user: "alice", .exclusive)
        let entry = try here.store.create(MailboxName("user.alice.a"), as: nil, under: lock)
        try here.append(TemporaryStore.message, to: "user.alice.a")
        try here.store.rename(entry, to: MailboxName("user.alice.b"), under: lock)
        #expect(try here.store.list.find(MailboxName("user.alice.a"))?.type.isDeleted == true)
        let now = try here.store.mailbox(named: MailboxName("user.alice.b"))
        let view = try now.read(under: lock)
        #expect(view.header.exists == 1 && view.headerFile.name.text == "user.alice.b")
        let history = try here.store.list.find(try #require(now.entry.uniqueID))?.history.map(\.name.text)
        #expect(history == ["user.alice.a"])
    }

    @Test func deletingDelayedMovesTheMailboxUnderDELETED() throws {
        let here = try TemporaryStore(["delete_mode: delayed"])
        try here.makeUser("alice")
        let lock = try here.store.lock(user: "alice", .exclusive)
        let entry = try here.store.create(MailboxName("user.alice.a"), as: nil, under: lock)
        try here.store.delete(entry, under: lock)
        #expect(throws: MailboxError.self) { try here.store.mailbox(named: MailboxName("user.alice.a")) }
        let names = try here.store.list.below(MailboxName("DELETED")).map(\.name)
        #expect(names.count == 1 && names[0].deletedTime != nil && names[0].user == "alice")
    }

    @Test func theQuotaFollowsEveryChange() throws {
        let here = try TemporaryStore()
        try here.makeUser("alice")
        try here.store.quotas.setLimits("user.alice", [.storage: 10], modSeq: nil)
        let lock = try here.store.lock(user: "alice", .exclusive)
        try here.store.create(MailboxName("user.alice.a"), as: nil, under: lock)
        try here.append(TemporaryStore.message, to: "user.alice.a")
        let size = Int64(TemporaryStore.message.utf8.count)
        #expect(try here.store.quotas.find("user.alice")?.used == QuotaUsage(storage: size, messages: 1, folders: 1))
        let mailbox = try here.store.mailbox(named: MailboxName("user.alice.a"))
        try here.store.delete(mailbox.entry, force: true, under: lock)
        #expect(try here.store.quotas.find("user.alice")?.used == QuotaUsage())
    }
}
