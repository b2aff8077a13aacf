import Bytes
import Configuration
import Logging
import Mailbox
import Message
import Posix

import class Foundation.FileManager
import struct Foundation.UUID

/// A mail store in a folder of the test's own, removed with it.
final class TemporaryStore {
    let path: String
    let store: MailStore

    init(_ lines: [String] = []) throws {
        path = FileManager.default.temporaryDirectory.path + "/store-" + UUID().uuidString
        try FileSystem.makeDirectories(path + "/conf")
        try FileSystem.makeDirectories(path + "/spool")
        let text =
            ([
                "configdirectory: \(path)/conf", "defaultpartition: default", "partition-default: \(path)/spool", "altnamespace: no",
                "unixhierarchysep: no", "admins: cyrus", "sievedir: \(path)/sieve",
            ] + lines).joined(separator: "\n") + "\n"
        try FileSystem.replace(path + "/imapd.conf", with: Array(text.utf8))
        let configuration = try Configuration.load(path: path + "/imapd.conf", ident: "test")
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        store = MailStore(configuration, logger: logger)
    }

    deinit {
        if Process.environment("KEEP_STORE") == nil { try? FileSystem.removeTree(path) }
    }

    /// A user with an INBOX.
    @discardableResult
    func makeUser(_ user: String) throws -> MailboxEntry {
        let lock = try store.lock(user: user, .exclusive)
        return try store.create(MailboxName.inbox(of: user), as: nil, under: lock)
    }

    @discardableResult
    func append(_ text: String, to name: String, flags: MessageFlags = [], keywords: [String] = []) throws -> UID {
        let mailbox = try store.mailbox(named: MailboxName(name))
        let bytes = Array(text.utf8)
        let parsed = Message.parse(bytes)
        let staged = try store.stage(bytes.span.bytes, parsed: parsed, partition: mailbox.entry.partition)
        let lock = try store.lock(user: mailbox.name.user, .exclusive)
        var change = try mailbox.change(under: lock)
        var attributes = AppendAttributes(internalDate: 1_795_248_474)
        attributes.flags = flags
        attributes.keywords = keywords.map { Array($0.utf8) }
        let uid = try change.append(staged, attributes)
        try change.commit()
        return uid
    }

    static let message =
        "From: a@example.com\r\nTo: b@example.com\r\nSubject: hello\r\nDate: Sat, 21 Nov 2026 08:00:00 +0000\r\nMessage-ID: <x@y>\r\n\r\nbody\r\n"
}
