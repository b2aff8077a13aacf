import DebianCyrus
import Foundation
import Glibc
import Testing

/// kill -9 of any service process at any moment, under load: every acknowledged message is there once, whole, and nothing needs reconstruct.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct KillTests {
    static var rounds: Int { ProcessInfo.processInfo.environment["SOAK"] == nil ? 20 : 500 }

    /// What the threads have in common.
    final class Shared: @unchecked Sendable {
        private let lock = NSLock()
        private var acknowledged: [String: [String]] = [:]
        private var complaints: [String] = []
        private var over = false

        var isOver: Bool { lock.withLock { over } }
        func end() { lock.withLock { over = true } }
        func stored(_ id: String, in mailbox: String) { lock.withLock { acknowledged[mailbox, default: []].append(id) } }
        func complain(_ text: String) { lock.withLock { complaints.append(text) } }
        var count: Int { lock.withLock { acknowledged.values.reduce(0) { $0 + $1.count } } }
        var result: (stored: [String: [String]], complaints: [String]) { lock.withLock { (acknowledged, complaints) } }
    }

    @Test func acknowledgedMessagesAreThereOnce() throws {
        let cyrus = try DebianCyrus(
            services: [
                .imap, .init("ours", command: OurPrograms.path("imapd")), .init("mail", command: OurPrograms.path("lmtpd") + " -a"),
            ], options: ["failedloginpause: 0"], users: ["alice"])
        defer { cyrus.stop() }
        let setup = try IMAPConnection(port: cyrus.port("imap"))
        try setup.login("alice")
        for name in ["INBOX.appended", "INBOX.copies"] { try setup.expectOK("CREATE \(name)") }
        let shared = Shared()
        let (ours, mail) = (cyrus.port("ours"), cyrus.port("mail"))
        let threads = [
            Self.thread(shared) { try Self.deliver(shared, mail, $0) },
            Self.thread(shared) { try Self.append(shared, ours, $0) },
            Self.thread(shared) { _ in try Self.flag(shared, ours) },
            Self.thread(shared) { _ in try Self.copyAndExpunge(shared, ours) },
        ]
        var kills = 0
        while kills < Self.rounds {
            // The delay is the moment that is hit, not a wait for something.
            usleep(UInt32.random(in: 0...80_000))
            guard let victim = Self.services(cyrus.folder).randomElement() else { continue }
            if kill(victim, SIGKILL) == 0 { kills += 1 }
        }
        let before = shared.count
        while shared.count < before + 4 { usleep(10_000) }
        shared.end()
        while threads.contains(where: { !$0.isFinished }) { usleep(10_000) }
        // A crash leaves files that no record knows; the next message to the mailbox takes them away.
        for name in ["INBOX", "INBOX.appended", "INBOX.copies"] {
            let last = try IMAPConnection(port: ours)
            try last.login("alice")
            #expect(try last.append(Array(Self.message("<last.\(name)@here>").utf8), to: name, date: Self.date).hasPrefix("OK"))
        }
        let (stored, complaints) = shared.result
        #expect(complaints.isEmpty, "\(complaints.prefix(5))")
        for (name, ids) in stored {
            let counts = Dictionary(try Self.ids(name, cyrus.port("imap")).map { ($0, 1) }, uniquingKeysWith: +)
            #expect(ids.filter { counts[$0] == nil }.isEmpty, "\(name) lost \(ids.filter { counts[$0] == nil }.prefix(5))")
            #expect(
                ids.filter { counts[$0, default: 0] > 1 }.isEmpty,
                "\(name) has twice \(ids.filter { counts[$0, default: 0] > 1 }.prefix(5))")
        }
        let told = try cyrus.tool("reconstruct", ["-n", "-r", "user"]).split(separator: "\n").filter {
            !$0.hasPrefix("user.alice") || $0.contains(" ")
        }
        #expect(told.isEmpty, "reconstruct -n: \(told.prefix(5))")
    }

    private static func thread(_ shared: Shared, _ body: @escaping @Sendable (_ round: Int) throws -> Void) -> Thread {
        let thread = Thread {
            var round = 0
            while !shared.isOver {
                round += 1
                // Connections end when their process is killed: that is what is tested.
                try? body(round)
            }
        }
        thread.start()
        return thread
    }

    /// The processes of our services that were started with an argument below a folder.
    private static func services(_ folder: String) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return false }
            let words = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            let isService = words.first.map { $0.hasSuffix("/imapd") || $0.hasSuffix("/lmtpd") || $0 == "imapd" || $0 == "lmtpd" } == true
            return isService && words.contains { $0.hasPrefix(folder) }
        }
    }

    static let date = "05-Nov-2026 08:00:00 +0000"

    static func message(_ id: String) -> String {
        "From: a@b\r\nSubject: s\r\nMessage-ID: \(id)\r\n\r\n" + String(repeating: "a line of the body\r\n", count: 60)
    }

    private static func open(_ port: UInt16, _ mailbox: String) throws -> IMAPConnection {
        let connection = try IMAPConnection(port: port)
        try connection.login("alice")
        try connection.expectOK("SELECT \(mailbox)")
        return connection
    }

    private static func deliver(_ shared: Shared, _ port: UInt16, _ round: Int) throws {
        let connection = try Deliveries(port: port)
        var number = 0
        while !shared.isOver {
            number += 1
            let id = "<mail.\(round).\(number)@here>"
            let answer = try connection.deliver(message(id), to: "alice")
            if answer.hasPrefix("250") { shared.stored(id, in: "INBOX") } else { shared.complain("lmtp: \(answer)") }
        }
    }

    private static func append(_ shared: Shared, _ port: UInt16, _ round: Int) throws {
        let connection = try IMAPConnection(port: port)
        try connection.login("alice")
        var number = 0
        while !shared.isOver {
            number += 1
            let id = "<append.\(round).\(number)@here>"
            let answer = try connection.append(Array(message(id).utf8), to: "INBOX.appended", date: date)
            if answer.hasPrefix("OK") { shared.stored(id, in: "INBOX.appended") } else { shared.complain("append: \(answer)") }
        }
    }

    private static func flag(_ shared: Shared, _ port: UInt16) throws {
        let connection = try open(port, "INBOX")
        while !shared.isOver {
            for command in ["STORE 1:* +FLAGS (\\Flagged key)", "STORE 1:* -FLAGS (key)", "NOOP"] { _ = try connection.command(command) }
        }
    }

    private static func copyAndExpunge(_ shared: Shared, _ port: UInt16) throws {
        let connection = try open(port, "INBOX")
        while !shared.isOver {
            for command in [
                "SELECT INBOX", "COPY 1:3 INBOX.copies", "SELECT INBOX.copies", "STORE 1:2 +FLAGS (\\Deleted)", "EXPUNGE",
            ] { _ = try connection.command(command) }
        }
    }

    static func ids(_ mailbox: String, _ port: UInt16) throws -> [String] {
        let connection = try open(port, mailbox)
        let lines = try connection.command("FETCH 1:* ENVELOPE").map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        var found: [String] = []
        var rest = lines[...]
        while let start = rest.range(of: "\"<"), let end = rest[start.upperBound...].range(of: ">\"") {
            found.append("<\(rest[start.upperBound..<end.lowerBound])>")
            rest = rest[end.upperBound...]
        }
        return found
    }
}
