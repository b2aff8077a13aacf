import DebianCyrus
import Foundation
import Testing

/// Our programs and Debian's work on the same mailboxes at the same time: nothing is lost, doubled or damaged.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct AtTheSameTimeTests {
    /// Seconds of it: a slice, or the whole minute with SOAK set.
    static var seconds: Double { ProcessInfo.processInfo.environment["SOAK"] == nil ? 4 : 60 }

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

    /// Both lmtpds deliver into the mailboxes in which both imapds append, flag, copy, move and expunge.
    @Test(arguments: [false, true]) func nothingIsLostOrDoubled(conversations: Bool) throws {
        let cyrus = try DebianCyrus(
            services: [
                .imap, .lmtp, .init("ours", command: OurPrograms.path("imapd")),
                .init("ourlmtp", command: OurPrograms.path("lmtpd") + " -a"),
            ], options: ["failedloginpause: 0", "conversations: \(conversations ? "yes" : "no")"], users: ["alice"])
        defer { cyrus.stop() }
        let setup = try IMAPConnection(port: cyrus.port("imap"))
        try setup.login("cyrus")
        try setup.expectOK("SETQUOTA user.alice (STORAGE 10000000 MESSAGE 1000000)")
        try setup.expectOK("LOGOUT")
        let owner = try IMAPConnection(port: cyrus.port("imap"))
        try owner.login("alice")
        for folder in ["moved", "further", "copies"] { try owner.expectOK("CREATE INBOX.\(folder)") }
        try owner.expectOK("SETACL INBOX.moved anyone p")
        let shared = Shared(Self.seconds)
        let ports = [cyrus.port("imap"), cyrus.port("ours")]
        var threads: [Thread] = []
        for (number, port) in ports.enumerated() {
            let postman = cyrus.port(["lmtp", "ourlmtp"][number])
            threads.append(Self.thread { try Self.deliver(shared, postman, "lmtp\(number)") })
            threads.append(Self.thread { try Self.append(shared, port, "\(number)") })
            threads.append(Self.thread { try Self.flag(shared, port, "INBOX") })
            threads.append(Self.thread { try Self.flag(shared, port, "INBOX.moved") })
            threads.append(Self.thread { try Self.copyAndExpunge(shared, port) })
            threads.append(Self.thread { try Self.move(shared, ports[1], from: "INBOX", to: "INBOX.moved") })
        }
        // Debian's MOVE copies and expunges under two locks: beside another mover it doubles messages. So it has a mailbox of its own to
        // move from, into which ours moves.
        threads.append(Self.thread { try Self.move(shared, ports[0], from: "INBOX.moved", to: "INBOX.further") })
        while threads.contains(where: { !$0.isFinished }) { Thread.sleep(forTimeInterval: 0.05) }
        let (stored, failures) = shared.result
        #expect(failures.isEmpty, "\(failures.prefix(5))")
        for source in ["<0.", "<1.", "<lmtp0.", "<lmtp1."] {
            #expect(stored.contains { $0.hasPrefix(source) }, "nothing came by \(source)")
        }
        for port in ports {
            let found = try ["INBOX", "INBOX.moved", "INBOX.further"].flatMap { try Self.ids($0, port) }
            let counts = Dictionary(found.map { ($0, 1) }, uniquingKeysWith: +)
            #expect(stored.filter { counts[$0] == nil }.isEmpty, "lost: \(stored.filter { counts[$0] == nil }.prefix(5))")
            #expect(counts.filter { $0.value > 1 }.isEmpty, "doubled: \(counts.filter { $0.value > 1 }.prefix(5))")
        }
        try SpoolCheck(cyrus, conversations: conversations).expectNothingToRepair(users: ["alice"], atLeast: 4)
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

    private static func deliver(_ shared: Shared, _ port: UInt16, _ name: String) throws {
        let connection = try LMTPConnection(port: port)
        _ = try connection.reply()
        _ = try connection.command("LHLO here")
        var number = 0
        while !shared.isOver {
            number += 1
            let id = "<\(name).\(number)@here>"
            let message = "From: a@b\r\nSubject: Re: \(number)\r\nMessage-ID: \(id)\r\n\r\nbody \(number)"
            let answer = try connection.deliver(message, to: number % 3 == 0 ? "alice+moved" : "alice")
            if answer.hasPrefix("250") { shared.stored(id) } else { shared.failed("delivery: \(answer)") }
        }
    }

    private static func flag(_ shared: Shared, _ port: UInt16, _ mailbox: String) throws {
        let connection = try open(port, mailbox)
        while !shared.isOver {
            for command in ["STORE 1:* +FLAGS (\\Flagged key)", "STORE 1:* -FLAGS (key)", "NOOP", "FETCH 1:* FLAGS"] {
                let answer = text(Array(try connection.command(command).suffix(1)))
                if answer.contains(" BAD "), !answer.contains("Invalid sequence") { shared.failed("\(command): \(answer)") }
            }
        }
    }

    private static func move(_ shared: Shared, _ port: UInt16, from source: String, to target: String) throws {
        let connection = try open(port, source)
        while !shared.isOver {
            _ = try connection.command("NOOP")
            let answer = text(Array(try connection.command("MOVE 1 \(target)").suffix(1)))
            if answer.contains(" BAD "), !answer.contains("Invalid sequence") { shared.failed("move: \(answer)") }
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
