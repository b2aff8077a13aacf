import Bytes
import Configuration
import DebianCyrus
import Foundation
import Logging
import Mailbox
import Posix
import Testing

/// Power loss at any moment of our imapd's work: each acknowledged message is there once, whole, in every state that the disk may have.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct PowerLossTests {
    static var states: Int { ProcessInfo.processInfo.environment["SOAK"] == nil ? 150 : 20_000 }

    @Test func acknowledgedMessagesAreThereOnce() throws {
        let support = try Preload("recorder")
        let record = support.folder + "/record"
        try Data().write(to: URL(fileURLWithPath: record))
        chmod(record, 0o666)
        let cyrus = try DebianCyrus(
            services: [.imap, .init("ours", command: OurPrograms.path("imapd"))], options: ["failedloginpause: 0"], users: ["alice"],
            environment: ["LD_PRELOAD": support.library, "RECORD": record, "RECORD_ROOT": "/tmp/debian-cyrus-"])
        defer { cyrus.stop() }
        let imap = try IMAPConnection(port: cyrus.port("ours"))
        try imap.login("alice")
        try imap.expectOK("CREATE INBOX.copies")
        try imap.expectOK("SELECT INBOX")
        var disk = try RecordedDisk(folder: cyrus.folder)
        func length() throws -> Int { (try FileManager.default.attributesOfItem(atPath: record)[.size] as? NSNumber)?.intValue ?? 0 }
        let start = try length()
        // Where in the recording which message was acknowledged, by its size.
        var acknowledged: [(end: Int, mailbox: String, size: Int)] = []
        for number in 1...14 {
            let message = Load.message("<\(number)@here>") + String(repeating: "x", count: number) + "\r\n"
            #expect(try imap.append(Array(message.utf8), to: "INBOX", date: Load.date).hasPrefix("OK"))
            acknowledged.append((try length(), "user.alice", message.utf8.count))
            if number % 3 == 0 { try imap.expectOK("STORE 1:* +FLAGS (\\Seen key\(number))") }
            if number % 4 == 0 {
                try imap.expectOK("COPY \(number) INBOX.copies")
                acknowledged.append((try length(), "user.alice.copies", message.utf8.count))
            }
            if number == 9 {
                let extra = Load.message("<expunged@here>") + String(repeating: "y", count: 500) + "\r\n"
                #expect(try imap.append(Array(extra.utf8), to: "INBOX", date: Load.date).hasPrefix("OK"))
                try imap.expectOK("STORE 10 +FLAGS (\\Deleted)")
                try imap.expectOK("EXPUNGE")
            }
        }
        let events = RecordedDisk.events([UInt8](try Data(contentsOf: URL(fileURLWithPath: record))), from: start)
        #expect(events.count > 100)
        var random = SystemRandomNumberGenerator()
        let perEvent = Double(Self.states) / Double(events.count)
        var due = 0.0
        for event in events {
            disk.apply(event)
            due += perEvent
            while due >= 1 {
                due -= 1
                let state = disk.afterPowerLoss(&random)
                try check(
                    state, of: cyrus.folder, acknowledged.filter { $0.end <= event.end }.map { ($0.mailbox, $0.size) }, "\(event.end)")
            }
        }
    }

    /// Opens what is left as a program that starts anew does.
    private func check(_ state: [String: [UInt8]], of folder: String, _ acknowledged: [(mailbox: String, size: Int)], _ moment: String)
        throws
    {
        let here = FileManager.default.temporaryDirectory.path + "/power-loss-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: here) }
        for (path, bytes) in state where path.hasPrefix(folder) && !path.contains("/proc/") && !path.contains("/socket/") {
            let target = here + path.dropFirst(folder.count)
            try FileManager.default.createDirectory(
                atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            let isConfiguration = target.hasSuffix("/imapd.conf")
            let content =
                isConfiguration ? Array(String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: folder, with: here).utf8) : bytes
            try Data(content).write(to: URL(fileURLWithPath: target))
        }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let store = MailStore(try Configuration.load(path: here + "/imapd.conf", ident: "test"), logger: logger)
        for name in ["user.alice", "user.alice.copies"] {
            var sizes: [Int: Int] = [:]
            do {
                let mailbox = try store.mailbox(named: MailboxName(name))
                let lock = try store.lock(user: "alice", .shared)
                let view = try mailbox.read(under: lock)
                for number in 1..<(view.recordCount + 1) {
                    let record = try view.record(number)
                    if record.isExpunged { continue }
                    let content = try FileSystem.read(mailbox.messagePath(record)) ?? []
                    #expect(GUID(of: content.span.bytes) == record.guid, "\(moment): \(name) \(record.uid)")
                    sizes[content.count, default: 0] += 1
                }
            } catch {
                Issue.record("\(moment): \(name): \(error)")
            }
            for one in acknowledged where one.mailbox == name {
                #expect(sizes[one.size] == 1, "\(moment): \(name): \(sizes[one.size] ?? 0) times the message of \(one.size) bytes")
            }
        }
    }
}
