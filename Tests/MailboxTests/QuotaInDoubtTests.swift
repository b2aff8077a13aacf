import Bytes
import Mailbox
import Posix
import Testing

/// What a process that ended between index and quota leaves is put right by the next change.
@Suite struct QuotaInDoubtTests {
    private static let root = "user.alice"

    private static func make() throws -> TemporaryStore {
        let here = try TemporaryStore()
        try here.makeUser("alice")
        let lock = try here.store.lock(user: "alice", .exclusive)
        try here.store.create(MailboxName("user.alice.sub"), as: nil, under: lock)
        try here.store.setQuota(root, [.storage: 1000], under: lock)
        return here
    }

    private static func used(_ here: TemporaryStore) throws -> QuotaUsage { try #require(try here.store.quotas.find(root)).used }

    private static func header(_ here: TemporaryStore, _ name: String = "user.alice") throws -> IndexHeader {
        let bytes = try FileSystem.read(try here.store.mailbox(named: MailboxName(name)).watchPath) ?? []
        return try IndexHeader(bytes.span.bytes, path: name)
    }

    /// Writes the header with the mark, as a process leaves it that ends before it has told the quota.
    private static func mark(_ here: TemporaryStore, _ name: String = "user.alice") throws {
        let path = try here.store.mailbox(named: MailboxName(name)).watchPath
        var marked = try header(here, name)
        marked.quotaInDoubt = true
        var bytes: [UInt8] = []
        marked.encode(into: &bytes)
        try File(path, .readWrite).write(bytes, at: 0)
    }

    @Test func noMarkIsLeftByWholeChanges() throws {
        let here = try Self.make()
        try here.append(TemporaryStore.message, to: "user.alice")
        try here.append(TemporaryStore.message, to: "user.alice.sub")
        for name in ["user.alice", "user.alice.sub"] { #expect(try !Self.header(here, name).quotaInDoubt) }
        let size = Int64(TemporaryStore.message.utf8.count)
        #expect(try Self.used(here) == QuotaUsage(storage: 2 * size, messages: 2, folders: 2))
    }

    @Test func usageIsCountedAnewFromAllMailboxesOfTheRoot() throws {
        let here = try Self.make()
        try here.append(TemporaryStore.message, to: "user.alice")
        try here.append(TemporaryStore.message, to: "user.alice.sub")
        for wrong in [QuotaUsage(), QuotaUsage(storage: 12345, messages: 77, folders: 9)] {
            var quota = try #require(try here.store.quotas.find(Self.root))
            quota.used = wrong
            try here.store.quotas.put(quota)
            try Self.mark(here)
            let lock = try here.store.lock(user: "alice", .exclusive)
            do { _ = try here.store.mailbox(named: MailboxName("user.alice")).change(under: lock) }
            let size = Int64(TemporaryStore.message.utf8.count)
            #expect(try Self.used(here) == QuotaUsage(storage: 2 * size, messages: 2, folders: 2))
            #expect(try Self.used(here) != wrong)
            #expect(try !Self.header(here).quotaInDoubt)
            #expect(try here.store.quotas.find(Self.root)?.limits == [.storage: 1000])
        }
    }

    @Test func aQuotaThatCannotBeWrittenLeavesTheChangeAndTheMark() throws {
        let here = try Self.make()
        let file = here.path + "/conf/quota/a/user.alice"
        let before = try #require(try FileSystem.read(file))
        // A record that cannot be read: adding to it fails.
        try FileSystem.replace(file, with: Array("%(broken\n".utf8))
        try here.append(TemporaryStore.message, to: "user.alice")
        #expect(try Self.header(here).exists == 1)
        #expect(try Self.header(here).quotaInDoubt)
        try FileSystem.replace(file, with: before)
        try here.append(TemporaryStore.message, to: "user.alice")
        let size = Int64(TemporaryStore.message.utf8.count)
        #expect(try Self.used(here) == QuotaUsage(storage: 2 * size, messages: 2, folders: 2))
        #expect(try !Self.header(here).quotaInDoubt)
    }

    /// mailboxes.db has the new name, cyrus.header the old root.
    @Test func aRenameOutOfTheRootThatWasCutShortIsFinished() throws {
        let here = try Self.make()
        try here.append(TemporaryStore.message, to: "user.alice.sub")
        let store = here.store
        let lock = try store.lock(user: "alice", .exclusive)
        let entry = try #require(try store.list.find(MailboxName("user.alice.sub")))
        try Self.mark(here, "user.alice.sub")
        var moved = entry
        moved.name = entry.name.deleted(at: 1_795_248_474)
        var tombstone = entry
        tombstone.type.state.insert(.deleted)
        try store.list.update(moved, tombstone: tombstone)
        let mailbox = try store.mailbox(try #require(try store.list.find(moved.name)))
        do { _ = try mailbox.change(under: lock) }
        #expect(try Self.used(here) == QuotaUsage(folders: 1))
        let view = try mailbox.read(under: lock)
        #expect(view.headerFile.quotaRoot == nil && view.headerFile.name == moved.name && !view.header.quotaInDoubt)
    }

    @Test func creatingDeletingAndRemovingCountFolders() throws {
        let here = try Self.make()
        let lock = try here.store.lock(user: "alice", .exclusive)
        let entry = try here.store.create(MailboxName("user.alice.more"), as: nil, under: lock)
        #expect(try Self.used(here)[.folders] == 3 && !Self.header(here, "user.alice.more").quotaInDoubt)
        try here.store.delete(entry, force: true, under: lock)
        #expect(try Self.used(here)[.folders] == 2)
        #expect(throws: MailboxError.self) { _ = try here.store.mailbox(named: MailboxName("user.alice.more")) }
        let sub = try #require(try here.store.list.find(MailboxName("user.alice.sub")))
        try here.store.delete(sub, under: lock)
        #expect(try Self.used(here)[.folders] == 1)
    }
}
