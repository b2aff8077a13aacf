import DebianCyrus
import Foundation
import Glibc
import Testing

/// Power loss at any moment of our programs' work: in every state that the disk may have, what was acknowledged is there once and whole, in
/// the right mailbox; mailboxes are there or gone as acknowledged; databases open; quotas are right.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct PowerLossTests {
    static var states: Int { KillTests.isSoak ? 20_000 : 240 }

    static var toolsEvery: Int { KillTests.isSoak ? 200 : 40 }

    @Test func whatWasAcknowledgedIsThere() throws {
        let (script, cyrus) = try Script.run()
        defer { cyrus.stop() }
        var disk = script.disk
        #expect(script.events.count > 500)
        let perEvent = Double(Self.states) / Double(script.events.count)
        let pool = Pool()
        var (due, number) = (0.0, 0)
        for event in script.events {
            disk.apply(event)
            due += perEvent
            while due >= 1 {
                due -= 1
                number += 1
                // Programs of their own, and Debian's, for a share of the states: they take far longer.
                let share: PowerLossState.Tools =
                    number % (3 * Self.toolsEvery) == 0 ? .debian : number % Self.toolsEvery == 0 ? .ours : .none
                let state = PowerLossState(files: disk.afterPowerLoss(), folder: cyrus.folder, number: number, tools: share)
                let facts = script.facts.filter { $0.from <= event.end && event.end < $0.until }
                let moment = "state \(number), after \(event.kind) \(event.from.dropFirst(cyrus.folder.count)) at \(event.end)"
                pool.run { state.faults(facts).map { "\(moment): \($0)" } }
            }
        }
        let faults = pool.finish()
        #expect(disk.unknown.isEmpty, "calls that the model does not know: \(Set(disk.unknown).sorted().prefix(5))")
        #expect(faults.isEmpty, "\(faults.count) faults: \(faults.prefix(6).joined(separator: "\n"))")
    }

    /// Two threads with as many states waiting at most.
    private final class Pool: @unchecked Sendable {
        private let slots = DispatchSemaphore(value: 4)
        private let queue = OperationQueue()
        private let lock = NSLock()
        private var faults: [String] = []

        init() { queue.maxConcurrentOperationCount = 2 }

        func run(_ body: @escaping @Sendable () -> [String]) {
            slots.wait()
            queue.addOperation {
                let found = body()
                self.lock.withLock { self.faults += found }
                self.slots.signal()
            }
        }

        func finish() -> [String] {
            queue.waitUntilAllOperationsAreFinished()
            return lock.withLock { faults }
        }
    }

    /// Clients at work, with what is to be true at which moment of the recording.
    private struct Script {
        var disk: RecordedDisk
        var events: [RecordedDisk.Event] = []
        var facts: [PowerLossState.Fact] = []
        let record: String

        /// What was recorded so far, in bytes.
        func now() throws -> Int { (try FileManager.default.attributesOfItem(atPath: record)[.size] as? NSNumber)?.intValue ?? 0 }

        static func run() throws -> (Script, DebianCyrus) {
            let support = try Preload("recorder")
            let record = support.folder + "/record"
            try Data().write(to: URL(fileURLWithPath: record))
            chmod(record, 0o666)
            let environment = ["LD_PRELOAD": support.library, "RECORD": record, "RECORD_ROOT": "/tmp/debian-cyrus-"]
            let cyrus = try DebianCyrus(
                services: [
                    .imap, .init("ours", command: OurPrograms.path("imapd")), .init("mail", command: OurPrograms.path("lmtpd") + " -a"),
                ], options: ["failedloginpause: 0"], users: ["alice", "bob"], environment: environment)
            try KillTests.limit(["alice", "bob"], cyrus)
            let imap = try IMAPConnection(port: cyrus.port("ours"))
            try imap.login("alice")
            try imap.expectOK("CREATE INBOX.copies")
            try imap.expectOK("SETACL INBOX.copies anyone p")
            try imap.expectOK("SELECT INBOX")
            let mail = try Deliveries(port: cyrus.port("mail"))
            var script = Script(disk: try RecordedDisk(folder: cyrus.folder), record: record)
            let start = try script.now()
            for number in 1...12 { try script.round(number, imap, mail, cyrus, environment) }
            script.events = RecordedDisk.events([UInt8](try Data(contentsOf: URL(fileURLWithPath: record))), from: start)
            return (script, cyrus)
        }

        private mutating func round(
            _ number: Int, _ imap: IMAPConnection, _ mail: Deliveries, _ cyrus: DebianCyrus, _ environment: [String: String]
        ) throws {
            let appended = Self.message("append", number, lines: 2 * number)
            try acknowledge(imap.append(Array(appended.utf8), to: "INBOX", date: Load.date), "OK")
            stored(appended, in: "user.alice")
            if number % 3 == 0 { try imap.expectOK("STORE 1:* +FLAGS (\\Seen key\(number))") }
            let delivered = Self.message("mail", number, lines: 2 * number + 1)
            for answer in try mail.deliver(delivered, to: ["alice", "bob", "alice+copies"]) { try acknowledge(answer, "250") }
            for name in ["user.alice", "user.bob", "user.alice.copies"] { stored(delivered, in: name) }
            if number % 4 == 0 {
                let copied = Self.message("copied", number, lines: 100 + number)
                try acknowledge(imap.append(Array(copied.utf8), to: "INBOX", date: Load.date), "OK")
                try imap.expectOK("COPY * INBOX.copies")
                stored(copied, in: "user.alice")
                stored(copied, in: "user.alice.copies")
            }
            try folders(number, imap)
            if number == 9 {
                let extra = Self.message("expunged", number, lines: 300)
                try acknowledge(imap.append(Array(extra.utf8), to: "INBOX", date: Load.date), "OK")
                try imap.expectOK("STORE * +FLAGS (\\Deleted)")
                try imap.expectOK("EXPUNGE")
            }
            // Removes what was expunged and deleted for good: a repack, and folders that go.
            if number % 5 == 0 || number == 9 {
                let status = try Tools.run("cyr_expire", ["-E", "3", "-D", "0", "-X", "0"], cyrus.configuration, environment: environment)
                try acknowledge("\(status)", "0")
            }
        }

        /// A mailbox is made, gets a message, is renamed; that of the round before is deleted.
        private mutating func folders(_ number: Int, _ imap: IMAPConnection) throws {
            let (first, second) = ("user.alice.f\(number)", "user.alice.g\(number)")
            try imap.expectOK("CREATE INBOX.f\(number)")
            facts.append(.init(from: try now(), .exists(first)))
            let message = Self.message("folder", number, lines: 200 + number)
            try acknowledge(imap.append(Array(message.utf8), to: "INBOX.f\(number)", date: Load.date), "OK")
            stored(message, in: first)
            let renaming = try now()
            end(first, at: renaming)
            try imap.expectOK("RENAME INBOX.f\(number) INBOX.g\(number)")
            let renamed = try now()
            facts.append(.init(from: renaming, until: renamed, .once(Self.size(message), [first, second])))
            facts += [.init(from: renamed, .exists(second)), .init(from: renamed, .gone(first))]
            stored(message, in: second)
            guard number > 1 else { return }
            let old = "user.alice.g\(number - 1)"
            end(old, at: try now())
            try imap.expectOK("DELETE INBOX.g\(number - 1)")
            facts.append(.init(from: try now(), .gone(old)))
        }

        /// What was said of a mailbox holds until now.
        private mutating func end(_ name: String, at moment: Int) {
            for place in facts.indices where facts[place].until == .max && facts[place].names == [name] { facts[place].until = moment }
        }

        private mutating func stored(_ message: String, in mailbox: String) {
            // The recording can be measured: it was when the script began.
            facts.append(.init(from: (try? now()) ?? .max, .once(Self.size(message), [mailbox])))
        }

        private func acknowledge(_ answer: String, _ expected: String) throws {
            guard answer.hasPrefix(expected) else { throw DebianCyrus.Failure(description: "not acknowledged: \(answer)") }
        }

        /// Of another size than any other.
        static func message(_ kind: String, _ number: Int, lines: Int) -> String {
            Load.message("<\(kind).\(number)@here>") + String(repeating: "x\r\n", count: lines)
        }

        /// Without what lmtpd adds.
        static func size(_ message: String) -> Int { message.utf8.count }
    }
}
