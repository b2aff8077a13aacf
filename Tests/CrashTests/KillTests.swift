import DebianCyrus
import Foundation
import Glibc
import Testing

/// kill -9 of any service process at any moment, under load: every acknowledged message is there once, whole, and nothing needs reconstruct.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct KillTests {
    static var isSoak: Bool { ProcessInfo.processInfo.environment["SOAK"] != nil }
    static var kills: Int { isSoak ? 500 : 20 }
    /// A user's mailboxes grow while he is under load: after so many kills it is the next one's turn.
    static let killsPerUser = 50

    @Test func acknowledgedMessagesAreThereOnce() throws {
        let users = (0..<((Self.kills + Self.killsPerUser - 1) / Self.killsPerUser)).map { "user\($0)" }
        let cyrus = try DebianCyrus(
            services: [
                .imap, .init("ours", command: OurPrograms.path("imapd")), .init("mail", command: OurPrograms.path("lmtpd") + " -a"),
            ], options: ["failedloginpause: 0"], users: users, programs: OurPrograms.folder)
        defer { cyrus.stop() }
        try Self.limit(users, cyrus)
        var kills = 0
        for user in users {
            let load = try Load(user: user, imap: cyrus.port("ours"), lmtp: cyrus.port("mail"))
            let tools = Tools(cyrus)
            for _ in 0..<min(Self.killsPerUser, Self.kills - kills) {
                try Self.killOne(cyrus.folder)
                kills += 1
            }
            try tools.finish()
            try load.waitForMessages(4)
            let (stored, complaints) = try load.finish()
            #expect(complaints.isEmpty, "\(complaints.prefix(5))")
            for (tool, arguments) in Tools.commands {
                #expect(try Tools.run(tool, arguments, cyrus.configuration) == 0, "\(tool) \(arguments)")
            }
            // A crash leaves files that no record knows; the next message to the mailbox takes them away.
            for name in Load.mailboxes {
                let last = try IMAPConnection(port: cyrus.port("ours"))
                try last.login(user)
                #expect(try last.append(Array(Load.message("<last.\(name)@here>").utf8), to: name, date: Load.date).hasPrefix("OK"))
            }
            let faults = try Load.faults(stored, of: user, cyrus, cyrus.port("imap"))
            #expect(faults.isEmpty, "\(faults.prefix(5))")
        }
    }

    /// Makes a quota root of each user's INBOX.
    static func limit(_ users: [String], _ cyrus: DebianCyrus) throws {
        let admin = try IMAPConnection(port: cyrus.port("imap"))
        try admin.login("cyrus")
        for user in users { try admin.expectOK("SETQUOTA user.\(user) (STORAGE 1000000 MESSAGE 1000000)") }
    }

    /// So that what the other tests ask of `quota -f` means something.
    @Test func aWrongCountOfTheQuotaWouldBeSeen() throws {
        let cyrus = try DebianCyrus(users: ["alice"])
        defer { cyrus.stop() }
        try Self.limit(["alice"], cyrus)
        #expect(try Load.miscounted("alice", cyrus.configuration).isEmpty)
        let path = cyrus.folder + "/conf/quota/a/user.alice"
        let text = try String(contentsOfFile: path, encoding: .utf8).replacingOccurrences(of: "M (0 ", with: "M (3 ")
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        #expect(try Load.miscounted("alice", cyrus.configuration) == ["quota -f: user.alice: MESSAGE usage was 3, now 0"])
    }

    /// Kills one process of our services that use a folder, any of them, at any moment.
    private static func killOne(_ folder: String) throws {
        // The delay is the moment that is hit, not a wait for something.
        usleep(UInt32.random(in: 0...80_000))
        try Load.wait("a process to kill") {
            processes(["imapd", "lmtpd"], folder).randomElement().map { kill($0, SIGKILL) == 0 } ?? false
        }
    }

    /// The processes of our programs that were started with an argument below a folder.
    static func processes(_ programs: [String], _ folder: String) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return false }
            let words = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            guard words.contains(where: { $0.hasPrefix(folder) }), let first = words.first else { return false }
            return programs.contains { first == OurPrograms.path($0) }
        }
    }
}
