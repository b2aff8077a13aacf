import Bytes
import CyrusDB
import Message
import Posix
import Testing

@testable import Mailbox

/// conversations.db and mail when something goes wrong.
@Suite struct ConversationsTests {
    private func append(_ here: TemporaryStore, _ id: String, _ more: String = "", subject: String = "hello") throws -> IndexRecord {
        let text = "From: a@b\r\nSubject: \(subject)\r\nMessage-ID: <\(id)@x>\r\n\(more)\r\nbody\r\n"
        let uid = try here.append(text, to: "user.alice")
        let mailbox = try here.store.mailbox(named: MailboxName("user.alice"))
        let lock = try here.store.lock(user: "alice", .shared)
        let view = try mailbox.read(under: lock)
        return try view.record(view.firstRecord(atLeast: uid))
    }

    private func database(_ here: TemporaryStore) throws -> Database {
        try here.store.databases.open(try here.store.userPath(.conversations, user: "alice"), .skiplist)
    }

    @Test func aReplyIsInTheConversationOfItsParentAndTheIndexDigestsKnowIt() throws {
        let here = try TemporaryStore(["conversations: yes"])
        try here.makeUser("alice")
        let first = try append(here, "one")
        let second = try append(here, "two", "In-Reply-To: <ONE@x>\r\n", subject: "Re: hello")
        let other = try append(here, "three", "In-Reply-To: <one@x>\r\n", subject: "bye")
        #expect(first.cid == ConversationID(content: first.guid) && second.cid == first.cid && other.cid != first.cid)
        let mailbox = try here.store.mailbox(named: MailboxName("user.alice"))
        let lock = try here.store.lock(user: "alice", .shared)
        let view = try mailbox.read(under: lock)
        var digest = SyncChecksum.annotationsStart
        for number in 1...3 { digest ^= SyncChecksum.virtualAnnotations(try view.record(number)) }
        #expect(view.header.annotationsCRC == digest)
    }

    @Test func withoutTheOptionThereIsNoFile() throws {
        let here = try TemporaryStore()
        try here.makeUser("alice")
        #expect(try append(here, "one").cid == .none)
        #expect(!FileSystem.exists(try here.store.userPath(.conversations, user: "alice")))
    }

    @Test func aDamagedFileDoesNotStopDelivery() throws {
        let here = try TemporaryStore(["conversations: yes"])
        try here.makeUser("alice")
        let first = try append(here, "one")
        let path = try here.store.userPath(.conversations, user: "alice")
        try FileSystem.replace(path, with: Array("this is no database, but long enough to look for one".utf8))
        here.store.openedConversations = nil
        let second = try append(here, "two")
        #expect(second.uid > first.uid)
    }

    @Test func aDamagedValueDoesNotStopDelivery() throws {
        let here = try TemporaryStore(["conversations: yes"])
        try here.makeUser("alice")
        let first = try append(here, "one")
        try database(here).store(ConversationsDatabase.key(first.cid), Array("1 (nonsense".utf8))
        let second = try append(here, "two", "References: <one@x>\r\n")
        #expect(second.uid > first.uid)
        #expect(try database(here).value(Array("<two@x>".utf8)) == nil)
    }

    @Test func aChangeThatIsNotCommittedIsNotInTheConversations() throws {
        let here = try TemporaryStore(["conversations: yes"])
        try here.makeUser("alice")
        _ = try append(here, "one")
        let before = try database(here).records().map(\.value)
        let mailbox = try here.store.mailbox(named: MailboxName("user.alice"))
        do {
            let lock = try here.store.lock(user: "alice", .exclusive)
            var change = try mailbox.change(under: lock)
            try change.update(1) { $0.flags.insert(.seen) }
            try change.pending.updateConversations()
            #expect(change.pending.conversations != nil)
        }
        #expect(try database(here).records().map(\.value) == before)
    }

    @Test func identicalMessagesAreRefusedAboveTheLimitAndLeaveNothing() throws {
        let here = try TemporaryStore(["conversations: yes", "conversations_max_guidinfolder: 2"])
        try here.makeUser("alice")
        for _ in 0..<2 { _ = try append(here, "same") }
        #expect(throws: MailboxError.self) { try append(here, "same") }
        #expect(try append(here, "another").uid == UID(3))
    }

    @Test func allMessagesOfAMailboxFollowItToAnotherUser() throws {
        let here = try TemporaryStore(["conversations: yes"])
        try here.makeUser("alice")
        try here.makeUser("bob")
        let lock = try here.store.lock(user: "alice", .exclusive)
        let second = try here.store.lock(user: "bob", .exclusive)
        let entry = try here.store.create(MailboxName("user.alice.a"), as: nil, under: lock)
        for _ in 0..<2 { try here.append(TemporaryStore.message, to: "user.alice.a") }
        try here.store.rename(entry, to: MailboxName("user.bob.a"), under: lock)
        #expect(second.user == "bob")
        let theirs = try here.store.databases.open(try here.store.userPath(.conversations, user: "bob"), .skiplist)
        let quota = try theirs.value(Array("Q".utf8)).flatMap { ConversationQuota($0) }
        #expect(quota?.emails == 1)
        let mine = try database(here)
        let left = try mine.value(Array("Q".utf8)).flatMap { ConversationQuota($0) }
        #expect(left?.emails == 0)
        #expect(try mine.records(prefix: Array("B".utf8)).isEmpty)
    }
}
