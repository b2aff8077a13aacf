import DebianCyrus
import Foundation

/// Clients that deliver, append, flag, copy and expunge as fast as they can for one user, and remember what was acknowledged.
///
/// Their connections end when the process behind one is killed: that is what is tested, and they go on with another.
final class Load: @unchecked Sendable {
    let user: String
    private let imap: UInt16
    private let lmtp: UInt16
    private let lock = NSLock()
    private var acknowledged: [String: [String]] = [:]
    private var complaints: [String] = []
    private var isOver = false
    private var threads: [Thread] = []

    static let mailboxes = ["INBOX", "INBOX.appended", "INBOX.copies"]

    /// Makes the mailboxes and starts; the ports are those of the programs under test.
    init(user: String, imap: UInt16, lmtp: UInt16) throws {
        (self.user, self.imap, self.lmtp) = (user, imap, lmtp)
        let setup = try IMAPConnection(port: imap)
        try setup.login(user)
        for name in Self.mailboxes.dropFirst() { try setup.expectOK("CREATE \(name)") }
        threads = [thread(deliver), thread(append), thread { _ in try self.flag() }, thread { _ in try self.copyAndExpunge() }]
    }

    var count: Int { lock.withLock { acknowledged.values.reduce(0) { $0 + $1.count } } }
    private var goesOn: Bool { lock.withLock { !isOver } }

    /// Waits until `more` messages are acknowledged: the services are well again.
    func waitForMessages(_ more: Int) throws {
        let wanted = count + more
        try Self.wait("\(more) messages more than \(wanted - more) for \(user)") { self.count >= wanted }
    }

    /// Ends all clients; what was acknowledged, by mailbox, and what servers refused.
    func finish() throws -> (stored: [String: [String]], complaints: [String]) {
        lock.withLock { isOver = true }
        try Self.wait("the clients' end") { self.threads.allSatisfy(\.isFinished) }
        return lock.withLock { (acknowledged, complaints) }
    }

    static func wait(_ what: String, until condition: () -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: Double(DebianCyrus.patience) + 30)
        while !condition() {
            guard Date() < deadline else { throw DebianCyrus.Failure(description: "waited in vain for \(what)") }
            usleep(5_000)
        }
    }

    private func thread(_ body: @escaping @Sendable (_ round: Int) throws -> Void) -> Thread {
        let thread = Thread {
            var round = 0
            while self.goesOn {
                round += 1
                do { try body(round) } catch { if "\(error)".hasPrefix("no answer") { self.complain("\(error)") } }
            }
        }
        thread.start()
        return thread
    }

    private func stored(_ id: String, in mailbox: String) { lock.withLock { acknowledged[mailbox, default: []].append(id) } }
    private func complain(_ text: String) { lock.withLock { complaints.append(text) } }

    static let date = "05-Nov-2026 08:00:00 +0000"

    static func message(_ id: String) -> String {
        "From: a@b\r\nSubject: s\r\nDate: Thu, 05 Nov 2026 08:00:00 +0000\r\nMessage-ID: \(id)\r\n\r\n"
            + String(repeating: "a line of the body\r\n", count: 60)
    }

    private func open(_ mailbox: String) throws -> IMAPConnection {
        let connection = try IMAPConnection(port: imap)
        try connection.login(user)
        try connection.expectOK("SELECT \(mailbox)")
        return connection
    }

    private func deliver(_ round: Int) throws {
        let connection = try Deliveries(port: lmtp)
        var number = 0
        while goesOn {
            number += 1
            let id = "<mail.\(round).\(number)@here>"
            let answer = try connection.deliver(Self.message(id), to: user)
            if answer.hasPrefix("250") { stored(id, in: "INBOX") } else { complain("lmtp: \(answer)") }
        }
    }

    private func append(_ round: Int) throws {
        let connection = try IMAPConnection(port: imap)
        try connection.login(user)
        var number = 0
        while goesOn {
            number += 1
            let id = "<append.\(round).\(number)@here>"
            let answer = try connection.append(Array(Self.message(id).utf8), to: "INBOX.appended", date: Self.date)
            if answer.hasPrefix("OK") { stored(id, in: "INBOX.appended") } else { complain("append: \(answer)") }
        }
    }

    private func flag() throws {
        let connection = try open("INBOX")
        while goesOn {
            for command in ["STORE 1:* +FLAGS (\\Flagged key)", "STORE 1:* -FLAGS (key)", "NOOP"] { _ = try connection.command(command) }
        }
    }

    private func copyAndExpunge() throws {
        let connection = try open("INBOX")
        while goesOn {
            for command in [
                "SELECT INBOX", "COPY 1:3 INBOX.copies", "SELECT INBOX.copies", "STORE 1:2 +FLAGS (\\Deleted)", "EXPUNGE",
            ] { _ = try connection.command(command) }
        }
    }
}

extension Load {
    /// The Message-IDs of a mailbox, as a server has them.
    static func ids(_ mailbox: String, of user: String, _ port: UInt16) throws -> [String] {
        let connection = try IMAPConnection(port: port)
        try connection.login(user)
        try connection.expectOK("SELECT \(mailbox)")
        let lines = try connection.command("FETCH 1:* ENVELOPE").map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        var found: [String] = []
        var rest = lines[...]
        while let start = rest.range(of: "\"<"), let end = rest[start.upperBound...].range(of: ">\"") {
            found.append("<\(rest[start.upperBound..<end.lowerBound])>")
            rest = rest[end.upperBound...]
        }
        return found
    }

    /// What is wrong with a user's mailboxes, as Debian's imapd and reconstruct see them; empty when each acknowledged message is there
    /// once. `stored` is by mailbox.
    static func faults(_ stored: [String: [String]], of user: String, _ cyrus: DebianCyrus, _ port: UInt16) throws -> [String] {
        var faults: [String] = []
        for (name, ids) in stored {
            let counts = Dictionary(try Self.ids(name, of: user, port).map { ($0, 1) }, uniquingKeysWith: +)
            faults += ids.filter { counts[$0] == nil }.map { "\(user) \(name) lost \($0)" }
            faults += ids.filter { counts[$0, default: 0] > 1 }.map { "\(user) \(name) has \($0) \(counts[$0, default: 0]) times" }
        }
        return try faults + reconstructed(user, cyrus.configuration) + miscounted(user, cyrus.configuration)
    }

    /// What `reconstruct -n` would change of a user's mailboxes.
    static func reconstructed(_ user: String, _ configuration: String) throws -> [String] {
        try DebianCyrus.tool("reconstruct", ["-n", "-r", "user.\(user)"], configuration).split(separator: "\n").filter {
            !$0.hasPrefix("user.\(user)") || $0.contains(" ")
        }.map { "reconstruct -n: \($0)" }
    }

    /// What `quota -f` would change of a user's quota root.
    static func miscounted(_ user: String, _ configuration: String) throws -> [String] {
        try DebianCyrus.tool("quota", ["-n", "-f", "user.\(user)"], configuration, complaints: true).split(separator: "\n").filter {
            $0.hasPrefix("user.")
        }.map { "quota -f: \($0)" }
    }
}
