import Bytes
import Configuration
import Foundation
import Logging
import Mailbox
import Message
import Posix
import Testing

@testable import Delivery

/// A mail store in a folder of the test's own, removed with it.
final class DeliveryStore {
    let path: String
    let store: MailStore
    let resolver: RecipientResolver

    init(_ lines: [String] = []) throws {
        path = FileManager.default.temporaryDirectory.path + "/delivery-" + UUID().uuidString
        for folder in ["conf", "spool", "spool2"] { try FileSystem.makeDirectories("\(path)/\(folder)") }
        let text =
            ([
                "configdirectory: \(path)/conf", "defaultpartition: default", "partition-default: \(path)/spool",
                "partition-two: \(path)/spool2",
                "sievedir: \(path)/sieve", "altnamespace: no",
            ] + (lines.contains { $0.hasPrefix("unixhierarchysep") } ? [] : ["unixhierarchysep: no"]) + lines).joined(separator: "\n")
            + "\n"
        try FileSystem.replace(path + "/imapd.conf", with: Array(text.utf8))
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        store = MailStore(try Configuration.load(path: path + "/imapd.conf", ident: "test"), logger: logger)
        resolver = RecipientResolver(store)
    }

    deinit { try? FileSystem.removeTree(path) }

    func make(_ name: String, partition: String? = nil, rights: [(String, String)] = []) throws {
        let name = MailboxName(name)
        let lock = try store.lock(user: name.user, .exclusive)
        var template = MailboxTemplate()
        template.partition = partition
        if !rights.isEmpty { template.acl = AccessList(rights.map { AccessList.Entry($0.0, Rights($0.1)) }) }
        try store.create(name, template, as: nil, under: lock)
    }

    func resolve(_ address: String, sender: Identity = .anonymous) throws -> ResolvedRecipient {
        let bytes = Array("<\(address)>".utf8)
        let scanned = EnvelopeAddress.scan(bytes.span.bytes, from: 0, strict: true)?.address
        let found = try #require(scanned)
        return try resolver.resolve(found, ignoresQuota: false, size: 0, as: sender)
    }

    func deliver(_ text: String, id: String, to recipients: [ResolvedRecipient]) throws -> [Bool] {
        var spool = MessageSpool()
        let bytes = Array(text.utf8)
        try spool.append(bytes, in: store, partition: "default")
        let staged = try spool.stage(in: store, partition: "default", limits: ParserLimits())
        let envelope = MessageDelivery.Envelope(
            messageID: Array(id.utf8), date: [], sender: .anonymous, sessionID: "s", time: 1_795_248_474)
        return MessageDelivery(store).deliver(staged, envelope, to: recipients).map { outcome in
            if case .success = outcome { return true }
            return false
        }
    }

    func files(_ name: String) throws -> [String] {
        let directory = try store.mailbox(named: MailboxName(name)).dataDirectory
        return try FileSystem.list(directory).filter { $0.hasSuffix(".") }.map { "\(directory)/\($0)" }.sorted()
    }
}

@Suite struct RecipientTests {
    @Test(
        arguments: [
            ("alice", "user.alice", nil), ("ALICE@x", "user.alice", nil), ("alice+Sub", "user.alice", "user.alice.Sub"),
            ("alice+.Sub..x", "user.alice", "user.alice.Sub.x"), ("a.b", "user.a^b", nil),
            ("+shared.open", "shared.open", nil),
        ] as [(String, String, String?)])
    func addressesAreResolved(address: String, mailbox: String, folder: String?) throws {
        let place = try DeliveryStore()
        for name in ["user.alice", "user.a^b"] { try place.make(name) }
        try place.make("shared.open", rights: [("anyone", "lp")])
        let found = try place.resolve(address)
        #expect(found.mailbox.text == mailbox)
        #expect(found.folder?.text == folder)
    }

    @Test func rightsDecideAboutFolders() throws {
        let place = try DeliveryStore()
        try place.make("user.alice")
        try place.make("user.alice.open", rights: [("anyone", "p")])
        try place.make("user.alice.closed", rights: [("alice", "lrswip")])
        try place.make("shared.seen", rights: [("anyone", "l")])
        try place.make("shared.hidden", rights: [("x", "l")])
        #expect(try place.resolver.target(place.resolve("alice+open"), as: .anonymous).name.text == "user.alice.open")
        #expect(try place.resolver.target(place.resolve("alice+closed"), as: .anonymous).name.text == "user.alice")
        #expect(try place.resolver.target(place.resolve("alice+none"), as: .anonymous).name.text == "user.alice")
        #expect(throws: MailboxError.self) { try place.resolve("+shared.seen") }
        do { _ = try place.resolve("+shared.seen") } catch MailboxError.permissionDenied {}
        do { _ = try place.resolve("+shared.hidden") } catch MailboxError.nonexistent {}
    }

    @Test func fuzzyMatchingFindsTheNearestFolder() throws {
        let place = try DeliveryStore(["lmtp_fuzzy_mailbox_match: yes"])
        try place.make("user.alice")
        try place.make("user.alice.Sub")
        #expect(try place.resolve("alice+SUB.none").folder?.text == "user.alice.Sub")
        #expect(try place.resolve("alice+other").folder?.text == "user.alice.other")
    }

    @Test func missingUsersGoToTheCatchAll() throws {
        let place = try DeliveryStore(["lmtp_catchall_mailbox: alice"])
        try place.make("user.alice")
        #expect(try place.resolve("nobody").mailbox.text == "user.alice")
        #expect(throws: MailboxError.self) { try DeliveryStore().resolve("nobody") }
    }

    @Test func inboxesAreMadeWhenWanted() throws {
        let place = try DeliveryStore(["autocreate_post: yes", "autocreate_quota: 10", "autocreate_inbox_folders: Sent"])
        #expect(try place.resolve("newbie").mailbox.text == "user.newbie")
        #expect(try place.store.list.find(MailboxName("user.newbie.Sent"))?.isRegular == true)
        #expect(throws: MailboxError.self) { try place.resolve("new%") }
    }
}

@Suite struct MessageDeliveryTests {
    static let message = "From: a@b\r\nSubject: s\r\nMessage-ID: <i@j>\r\n\r\nbody\r\n"

    @Test func oneFailureLeavesTheOthersAlone() throws {
        let place = try DeliveryStore()
        for name in ["user.a", "user.b", "user.c"] { try place.make(name) }
        let recipients = try ["a", "b", "c"].map { try place.resolve($0) }
        let lock = try place.store.lock(user: "b", .exclusive)
        try place.store.delete(#require(try place.store.list.find(MailboxName("user.b"))), under: lock)
        #expect(try place.deliver(Self.message, id: "<i@j>", to: recipients) == [true, false, true])
        #expect(try place.files("user.a").count == 1)
        #expect(try place.files("user.c").count == 1)
        #expect(try FileSystem.list("\(place.path)/spool/stage.").isEmpty)
    }

    @Test func duplicatesAreDroppedWithinAMessageAndBetweenMessages() throws {
        let place = try DeliveryStore()
        try place.make("user.a")
        let recipient = try place.resolve("a")
        #expect(try place.deliver(Self.message, id: "<i@j>", to: [recipient, recipient]) == [true, true])
        #expect(try place.deliver(Self.message, id: "<i@j>", to: [recipient]) == [true])
        #expect(try place.files("user.a").count == 1)
        #expect(try place.deliver(Self.message, id: "<k@l>", to: [recipient]) == [true])
        #expect(try place.files("user.a").count == 2)
    }

    @Test func marksAreDebiansBytes() {
        let mark = DuplicateStore.Mark(id: Array("<i@j>".utf8), to: "uid", date: Array("d".utf8), time: 0x0102_0304, uid: UID(5))
        #expect(DuplicateStore.key(id: mark.id, to: mark.to, date: mark.date) == Array("<i@j>\0uid\0d\0".utf8))
        #expect(mark.value == [4, 3, 2, 1, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func bigMessagesAndOtherPartitionsAreStoredWhole() throws {
        let place = try DeliveryStore()
        try place.make("user.a")
        try place.make("user.b", partition: "two")
        let big = Self.message + String(repeating: "0123456789abcdef\r\n", count: 100_000)
        #expect(big.utf8.count > MessageSpool.memoryLimit)
        #expect(try place.deliver(big, id: "<big@j>", to: ["a", "b", "a"].map { try place.resolve($0) }) == [true, true, true])
        for name in ["user.a", "user.b"] {
            let files = try place.files(name)
            #expect(files.count == 1)
            #expect(try FileSystem.read(#require(files.first))?.elementsEqual(big.utf8) == true)
        }
        #expect(try FileSystem.list("\(place.path)/spool/stage.").isEmpty)
        #expect(try FileSystem.list("\(place.path)/spool2/stage.").isEmpty)
    }

    @Test func quotaRefusesWhoHasTooMuchAlready() throws {
        for (lines, expected) in [([], [true, false]), (["lmtp_strict_quota: yes"], [false, false])] as [([String], [Bool])] {
            let place = try DeliveryStore(["duplicatesuppression: no"] + lines)
            try place.make("user.a")
            do {
                let lock = try place.store.lock(user: "a", .exclusive)
                try place.store.setQuota("user.a", [.storage: 1], under: lock)
            }
            let recipient = try place.resolve("a")
            let big = Self.message + String(repeating: "x", count: 2000) + "\r\n"
            #expect(try place.deliver(big, id: "<i@j>", to: [recipient, recipient]) == expected)
        }
    }
}
