import DebianCyrus
import Foundation
import Testing

/// Our programs and Debian's work on the same mailboxes at the same time: nothing is lost, doubled or damaged.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct AtTheSameTimeTests {
    /// Seconds of it: a slice, or the whole minute with SOAK set.
    static var seconds: Double { ProcessInfo.processInfo.environment["SOAK"] == nil ? 6 : 60 }

    /// What the threads have in common.
    final class Shared: @unchecked Sendable {
        private let lock = NSLock()
        private var acknowledged: [String] = []
        private var failures: [String] = []
        let deadline: Date

        init(_ seconds: Double) { deadline = Date().addingTimeInterval(seconds) }

        var isOver: Bool { Date() >= deadline }
        func stored(_ id: String) { lock.withLock { acknowledged.append(id) } }
        func failed(_ text: String) { lock.withLock { failures.append(text) } }
        var result: (stored: [String], failures: [String]) { lock.withLock { (acknowledged, failures) } }
    }

    @Test func nothingIsLostOrDoubled() throws {
        let cyrus = try DebianCyrus(
            services: [.imap, .init("ours", command: OurPrograms.path("imapd"))], options: ["failedloginpause: 0", "conversations: no"],
            users: ["alice"])
        defer { cyrus.stop() }
        let setup = try IMAPConnection(port: cyrus.port("imap"))
        try setup.login("alice")
        try setup.expectOK("CREATE INBOX.moved")
        try setup.expectOK("CREATE INBOX.copies")
        let shared = Shared(Self.seconds)
        let ports = [cyrus.port("imap"), cyrus.port("ours")]
        var threads: [Thread] = []
        for (number, port) in ports.enumerated() {
            threads.append(Self.thread { try Self.append(shared, port, "\(number)") })
            threads.append(Self.thread { try Self.flag(shared, port) })
            // Debian's MOVE copies and expunges under two locks: beside another mover it doubles messages. Ours does it under one.
            threads.append(Self.thread { try Self.move(shared, ports[1]) })
            threads.append(Self.thread { try Self.copyAndExpunge(shared, port) })
        }
        while threads.contains(where: { !$0.isFinished }) { Thread.sleep(forTimeInterval: 0.05) }
        let (stored, failures) = shared.result
        #expect(failures.isEmpty, "\(failures.prefix(5))")
        #expect(stored.count > 20)
        for port in ports {
            let found = try Self.ids("INBOX", port) + Self.ids("INBOX.moved", port)
            let counts = Dictionary(found.map { ($0, 1) }, uniquingKeysWith: +)
            #expect(stored.filter { counts[$0] == nil }.isEmpty, "lost: \(stored.filter { counts[$0] == nil }.prefix(5))")
            #expect(counts.filter { $0.value > 1 }.isEmpty, "doubled: \(counts.filter { $0.value > 1 }.prefix(5))")
        }
        let told = try cyrus.tool("reconstruct", ["-n", "-r", "user"]).split(separator: "\n").filter {
            !$0.hasPrefix("user.alice") || $0.contains(" ")
        }
        #expect(told.isEmpty, "reconstruct -n: \(told.prefix(5))")
    }

    private static func thread(_ body: @escaping @Sendable () throws -> Void) -> Thread {
        let thread = Thread {
            do { try body() } catch { Issue.record("\(error)") }
        }
        thread.start()
        return thread
    }

    private static func open(_ port: UInt16, _ mailbox: String) throws -> IMAPConnection {
        let connection = try IMAPConnection(port: port)
        try connection.login("alice")
        try connection.expectOK("SELECT \(mailbox)")
        return connection
    }

    private static func text(_ lines: [[UInt8]]) -> String { lines.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n") }

    private static func append(_ shared: Shared, _ port: UInt16, _ name: String) throws {
        let connection = try IMAPConnection(port: port)
        try connection.login("alice")
        var number = 0
        while !shared.isOver {
            number += 1
            let id = "<\(name).\(number)@here>"
            let message = "From: a@b\r\nSubject: \(number)\r\nMessage-ID: \(id)\r\n\r\nbody \(number)\r\n"
            let answer = try connection.append(Array(message.utf8), to: "INBOX", date: "05-Nov-2026 08:00:00 +0000")
            if answer.hasPrefix("OK") { shared.stored(id) } else { shared.failed("append: \(answer)") }
        }
    }

    private static func flag(_ shared: Shared, _ port: UInt16) throws {
        let connection = try open(port, "INBOX")
        while !shared.isOver {
            for command in ["STORE 1:* +FLAGS (\\Flagged key)", "STORE 1:* -FLAGS (key)", "NOOP", "FETCH 1:* FLAGS"] {
                let answer = text(Array(try connection.command(command).suffix(1)))
                if answer.contains(" BAD "), !answer.contains("Invalid sequence") { shared.failed("\(command): \(answer)") }
            }
        }
    }

    private static func move(_ shared: Shared, _ port: UInt16) throws {
        let connection = try open(port, "INBOX")
        while !shared.isOver {
            _ = try connection.command("NOOP")
            let answer = text(Array(try connection.command("MOVE 1 INBOX.moved").suffix(1)))
            if answer.contains(" BAD ") { shared.failed("move: \(answer)") }
        }
    }

    private static func copyAndExpunge(_ shared: Shared, _ port: UInt16) throws {
        let connection = try open(port, "INBOX.moved")
        while !shared.isOver {
            _ = try connection.expectOK("SELECT INBOX.moved")
            _ = try connection.command("COPY 1:3 INBOX.copies")
            _ = try connection.expectOK("SELECT INBOX.copies")
            _ = try connection.command("STORE 1:2 +FLAGS (\\Deleted)")
            _ = try connection.command("EXPUNGE")
        }
    }

    private static func ids(_ mailbox: String, _ port: UInt16) throws -> [String] {
        let connection = try IMAPConnection(port: port)
        try connection.login("alice")
        try connection.expectOK("EXAMINE \(mailbox)")
        let lines = text(try connection.command("FETCH 1:* ENVELOPE"))
        var found: [String] = []
        var rest = lines[...]
        while let start = rest.range(of: "\"<"), let end = rest[start.upperBound...].range(of: ">\"") {
            found.append("<\(rest[start.upperBound..<end.lowerBound])>")
            rest = rest[end.upperBound...]
        }
        return found
    }
}
