import Bytes
import Configuration
import CyrusDB
import DebianCyrus
import Foundation
import Logging
import Message
import Posix
import Testing

@testable import Mailbox

/// The same operations by Debian's imapd and by this store, each on a user of its own, leave the same conversations.db.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct ConversationsInteropTests {
    enum Step: Sendable {
        case create(String), append(String, Int, String), copy(String, Int, String), store(String, Int, String), expunge(String)
        case rename(String, String), delete(String), setACL(String)
    }

    static let messages: [String] =
        [
            message("m0", "Hello"), message("m1", "Re: Hello", "In-Reply-To: <m0@x>\r\n"),
            message("m2", "Other", "References: <m0@x> <m1@x>\r\n"),
            message("m3", "Hello", "References: <m1@x>\r\n", from: "=?utf-8?q?B=C3=B6b?= <BOB@example.com>"),
            message("m4", "Parts", "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n")
                .replacing("hello", with: "--b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ninner\r\n--b--"),
            message("m5", "Draft"), message("m6", "Final", "In-Reply-To: <m5@x>\r\n"), message("m7", "Gr\\\"[x] %c", from: "group: a@b;"),
            "From: a@b\r\n\r\nno id\r\n", message("m9", "Hello", "References: <m0@x>\r\n", from: "Zed <zed@a.org>"),
        ] + (10..<20).map { message("m\($0)", "Long", $0 > 10 ? "References: <m\($0 == 18 ? 11 : $0 - 1)@x>\r\n" : "") }

    static func message(_ id: String, _ subject: String, _ more: String = "", from: String = "Bob <bob@Example.com>") -> String {
        "From: \(from)\r\nTo: x@y\r\nDate: Sat, 21 Nov 2026 08:00:0\(id.last ?? "0") +0000\r\nSubject: \(subject)\r\nMessage-ID: <\(id)@x>\r\n\(more)\r\nhello\r\n"
    }

    static let steps: [(name: String, steps: [Step])] = [
        ("appending", (0..<10).map { .append("", $0, $0 == 5 ? "\\Draft" : $0 == 1 ? "\\Flagged $Label1" : "") } + [.append("", 0, "")]),
        (
            "copies in folders",
            [
                .create("Trash"), .create("a"), .append("", 0, ""), .copy("", 1, "Trash"), .copy("", 1, "a"), .copy("", 1, "a"),
                .store("", 1, "+FLAGS (\\Seen \\Flagged)"),
                .append("Trash", 1, ""), .append("a", 3, "\\Seen"), .store("Trash", 1, "+FLAGS (\\Seen)"),
                .store("a", 1, "+FLAGS (\\Seen)"), .store("a", 2, "+FLAGS ($Label1 \\Seen)"),
                .store("a", 2, "-FLAGS (\\Seen)"),
            ]
        ),
        (
            "deleting and expunging",
            [
                .create("a"), .append("", 0, ""), .append("", 1, "\\Flagged"), .append("", 2, ""), .append("", 3, ""), .copy("", 1, "a"),
                .store("", 1, "+FLAGS (\\Deleted)"),
                .store("", 2, "+FLAGS (\\Deleted)"), .store("", 2, "-FLAGS (\\Deleted)"), .expunge(""),
                .store("a", 1, "+FLAGS (\\Deleted)"), .expunge("a"), .append("", 9, ""),
            ]
        ),
        (
            "mailboxes",
            [
                .create("a"), .create("Trash"), .append("", 0, ""), .append("a", 1, ""), .append("a", 2, ""), .copy("", 1, "Trash"),
                .setACL("a"), .rename("a", "b"), .copy("", 1, "b"),
                .delete("b"), .create("a"), .copy("", 1, "a"), .delete("Trash"), .append("a", 3, ""),
            ]
        ),
        ("a thread that grows too long", [.create("a")] + (10..<20).map { .append("", $0, "") } + [.append("a", 13, "\\Seen")]),
    ]

    @Test(arguments: steps.indices, ["delayed", "immediate"])
    func theSameStepsLeaveTheSameRecords(_ index: Int, expunge: String) throws {
        let options = [
            "conversations: yes", "conversations_counted_flags: \\Flagged $Label1", "expunge_mode: \(expunge)",
            "conversations_max_thread: \(index == 4 ? 3 : 100)",
        ]
        let debian = try DebianCyrus(options: options, users: ["their", "our"])
        defer { debian.stop() }
        let admin = try IMAPConnection(port: debian.port("imap"))
        try admin.login("cyrus")
        if index == 3 { try admin.expectOK("SETQUOTA user.their (STORAGE 1000)") }
        let imap = try IMAPConnection(port: debian.port("imap"))
        try imap.login("their")
        for step in Self.steps[index].steps { try Self.debian(imap, step) }
        _ = try imap.command("LOGOUT")
        let store = try Self.store(debian.configuration)
        if index == 3 { try store.setQuota("user.our", [.storage: 1000], under: store.lock(user: "our", .exclusive)) }
        for step in Self.steps[index].steps { try Self.ours(store, step) }
        let theirs = try Self.records(store, "their")
        let ours = try Self.records(store, "our")
        #expect(ours == theirs)
        try Self.audit(debian, "our")
        try Self.audit(debian, "their")
        let (ourCounters, theirCounters) = (try Self.counters(store, "our"), try Self.counters(store, "their"))
        #expect(ourCounters == theirCounters)
        #expect(try store.quotas.find("user.our")?.value == store.quotas.find("user.their")?.value)
        // Theirs is gone on with by us, ours by them.
        for step in Self.steps[0].steps { try Self.ours(store, step, user: "their") }
        let second = try IMAPConnection(port: debian.port("imap"))
        try second.login("our")
        for step in Self.steps[0].steps { try Self.debian(second, step) }
        _ = try second.command("LOGOUT")
        try Self.audit(debian, "our")
        try Self.audit(debian, "their")
        #expect(try Self.records(store, "our") == Self.records(store, "their"))
        // A rebuild finds nothing else.
        try Self.giveToCyrus(debian)
        for user in ["our", "their"] { try debian.tool("ctl_conversationsdb", ["-R", user]) }
        #expect(try Self.records(store, "our") == Self.records(store, "their"))
    }

    private static func debian(_ imap: IMAPConnection, _ step: Step) throws {
        func name(_ folder: String) -> String { folder.isEmpty ? "INBOX" : "INBOX.\(folder)" }
        switch step {
        case .create(let folder): try imap.expectOK("CREATE \(name(folder))")
        case .append(let folder, let number, let flags):
            let bytes = Array(messages[number].utf8)
            let last = try imap.command(
                Array(
                    "APPEND \(name(folder)) (\(flags)) \"21-Nov-2026 08:\(number < 10 ? "0" : "")\(number):54 +0000\" {\(bytes.count)+}\r\n"
                        .utf8) + bytes)
            try #require(String(decoding: last.last ?? [], as: UTF8.self).contains("OK"))
        case .copy(let from, let uid, let to):
            try imap.expectOK("SELECT \(name(from))")
            try imap.expectOK("UID COPY \(uid) \(name(to))")
            try imap.expectOK("UNSELECT")
        case .store(let folder, let uid, let change):
            try imap.expectOK("SELECT \(name(folder))")
            try imap.expectOK("UID STORE \(uid) \(change)")
            try imap.expectOK("UNSELECT")
        case .expunge(let folder):
            try imap.expectOK("SELECT \(name(folder))")
            try imap.expectOK("EXPUNGE")
            try imap.expectOK("UNSELECT")
        case .rename(let old, let new): try imap.expectOK("RENAME \(name(old)) \(name(new))")
        case .delete(let folder): try imap.expectOK("DELETE \(name(folder))")
        case .setACL(let folder): try imap.expectOK("SETACL \(name(folder)) someone lrs")
        }
    }

    private static func ours(_ store: MailStore, _ step: Step, user: String = "our") throws {
        func name(_ folder: String) -> MailboxName { MailboxName(folder.isEmpty ? "user.\(user)" : "user.\(user).\(folder)") }
        let lock = try store.lock(user: user, .exclusive)
        func mailbox(_ folder: String) throws -> Mailbox { try store.mailbox(named: name(folder)) }
        switch step {
        case .create(let folder): try store.create(name(folder), as: nil, under: lock)
        case .append(let folder, let number, let flags):
            let bytes = Array(messages[number].utf8)
            let staged = try store.stage(bytes.span.bytes, parsed: Message.parse(bytes), partition: "default")
            var change = try mailbox(folder).change(under: lock)
            var attributes = AppendAttributes(internalDate: 1_795_248_474 - 7 * 60 + Int64(number) * 60)
            for flag in flags.split(separator: " ") {
                if let system = systemFlag(flag) { attributes.flags.insert(system) } else { attributes.keywords.append(Array(flag.utf8)) }
            }
            _ = try change.append(staged, attributes)
            try change.commit()
        case .copy(let from, let uid, let to):
            let source = try mailbox(from)
            let view = try source.read(under: lock)
            let record = try view.record(view.firstRecord(atLeast: UID(UInt32(uid))))
            var change = try mailbox(to).change(under: lock)
            var attributes = AppendAttributes(internalDate: record.internalDate)
            attributes.flags = record.flags
            attributes.keywords = view.headerFile.userFlags.enumerated().filter { record.userFlags[$0.offset] }.map(\.element)
            _ = try change.copy(record, from: source, attributes)
            try change.commit()
        case .store(let folder, let uid, let text):
            var change = try mailbox(folder).change(under: lock)
            var system: MessageFlags = []
            var slots: [Int] = []
            for flag in text.drop(while: { $0 != "(" }).dropFirst().dropLast().split(separator: " ") {
                if let one = systemFlag(flag) {
                    system.insert(one)
                } else if let slot = try change.userFlagSlot(Array(flag.utf8).span.bytes, create: true) {
                    slots.append(slot)
                }
            }
            try change.update(change.firstRecord(atLeast: UID(UInt32(uid)))) { record in
                if text.hasPrefix("+") { record.flags.formUnion(system) } else { record.flags.subtract(system) }
                for slot in slots { record.userFlags[slot] = text.hasPrefix("+") }
            }
            try change.commit()
        case .expunge(let folder):
            let target = try mailbox(folder)
            var change = try target.change(under: lock)
            for number in 1...max(1, change.recordCount) {
                let record = try change.record(number)
                if !record.isExpunged, record.flags.contains(.deleted) { try change.expunge(number) }
            }
            try change.commit()
            // As the last session that closes the mailbox does.
            if target.header.options.contains(.needsRepack) { try target.repack(under: lock) }
        case .rename(let old, let new): try store.rename(mailbox(old).entry, to: name(new), under: lock)
        case .delete(let folder): try store.delete(mailbox(folder).entry, under: lock)
        case .setACL(let folder): try store.setACL(mailbox(folder).entry, "someone", .set(Rights("lrs")), under: lock)
        }
    }

    private static func systemFlag(_ name: Substring) -> MessageFlags? {
        switch name {
        case "\\Seen": .seen
        case "\\Flagged": .flagged
        case "\\Deleted": .deleted
        case "\\Draft": .draft
        default: nil
        }
    }

    private static func store(_ configuration: String) throws -> MailStore {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return MailStore(try Configuration.load(path: configuration, ident: "test"), logger: logger)
    }

    /// All records, with unique ids by their place in the order of names, and times of message ids left out.
    private static func records(_ store: MailStore, _ user: String) throws -> [String] {
        let path = try store.userPath(.conversations, user: user)
        let database = try store.databases.open(path, .skiplist)
        var text: [String] = []
        var ids: [String: String] = [:]
        for entry in try store.list.below(MailboxName("user")) + store.list.below(MailboxName("DELETED")) where entry.name.user == user {
            guard let id = entry.uniqueID, !entry.type.isDeleted else { continue }
            ids[id.text] =
                entry.name.isDeleted ? "DELETED.\(entry.name.components[3])" : entry.name.components.dropFirst(2).joined(separator: ".")
        }
        for record in try database.records() {
            var key = String(decoding: record.key, as: UTF8.self)
            var value =
                record.value.contains { $0 >= 0x80 } && key.hasPrefix("G")
                ? record.value.map { String($0, radix: 16) }.joined(separator: " ") : String(decoding: record.value, as: UTF8.self)
            if key.hasPrefix("<") {
                value =
                    String(value.prefix { $0 != " " || value.isEmpty }) + value.split(separator: " ").dropFirst().first.map(String.init)!
            }
            for (id, name) in ids {
                key = key.replacing(id, with: "{\(name)}")
                value = value.replacing(id, with: "{\(name)}")
            }
            text.append("\(key) = \(value)")
        }
        return text.sorted()
    }

    /// The counters without generation, UIDVALIDITY and CRC.
    private static func counters(_ store: MailStore, _ user: String) throws -> [UInt64] {
        let bytes = try FileSystem.read(try store.userPath(.counters, user: user)) ?? []
        return stride(from: 8, to: 288, by: 8).map { bytes.span.bytes.bigEndian64(at: $0) }
    }

    private static func giveToCyrus(_ debian: DebianCyrus) throws {
        guard getuid() == 0 else { return }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/chown")
        process.arguments = ["-R", "cyrus:mail", debian.folder]
        try process.run()
        process.waitUntilExit()
    }

    private static func audit(_ debian: DebianCyrus, _ user: String) throws {
        try giveToCyrus(debian)
        let found = try debian.tool("ctl_conversationsdb", ["-A", "-v", user])
        #expect(found.contains("\(user) is OK"), "\(found)")
    }
}
