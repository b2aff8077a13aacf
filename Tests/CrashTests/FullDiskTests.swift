import DebianCyrus
import Foundation
import Glibc
import Testing

/// A disk that gets full at any byte: a clear 4xx and NO, and whole mailboxes.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct FullDiskTests {
    @Test func refusesClearlyAndStaysWhole() throws {
        let disk = try Disk()
        let cyrus = try DebianCyrus(
            services: [
                .imap, .init("ours", command: OurPrograms.path("imapd")), .init("mail", command: OurPrograms.path("lmtpd") + " -a"),
            ], options: ["failedloginpause: 0"], users: ["alice"], environment: ["LD_PRELOAD": disk.library, "FULL_DISK": disk.control])
        defer { cyrus.stop() }
        var refused = (mail: 0, imap: 0)
        var stored: [String] = []
        let imap = try IMAPConnection(port: cyrus.port("ours"))
        try imap.login("alice")
        try imap.expectOK("CREATE INBOX.other")
        let mail = try Deliveries(port: cyrus.port("mail"))
        // From a disk with no room at all to one that takes the message and not all that belongs to it.
        for room in [0, 1, 100, 500, 900, 1300, 1400, 1500, 1600, 1700, 1800, 1900, 2000, 2200, 2500, 3000, 4000] {
            let ids = ["<mail.\(room)@here>", "<append.\(room)@here>"]
            disk.room = Int64(room)
            let delivered = try mail.deliver(Load.message(ids[0]), to: "alice")
            disk.room = Int64(room)
            let appended = try imap.append(Array(Load.message(ids[1]).utf8), to: "INBOX", date: Load.date)
            disk.room = Int64(room)
            let copied = String(decoding: try imap.command("CREATE INBOX.new\(room)").last ?? [], as: UTF8.self)
            disk.room = .max
            if delivered.hasPrefix("250") {
                stored.append(ids[0])
            } else {
                refused.mail += 1
                #expect(delivered.hasPrefix("451 4.3.1 "), "\(room): \(delivered)")
            }
            if appended.hasPrefix("OK") {
                stored.append(ids[1])
            } else {
                refused.imap += 1
                #expect(appended.hasPrefix("NO ") && appended.lowercased().contains("space"), "\(room): \(appended)")
            }
            #expect(copied.contains(" OK") || copied.contains(" NO "), "\(room): \(copied)")
        }
        #expect(refused.mail > 4 && refused.imap > 4)
        // With room again, the same connections go on.
        #expect(try mail.deliver(Load.message("<mail.last@here>"), to: "alice").hasPrefix("250"))
        #expect(try imap.append(Array(Load.message("<append.last@here>").utf8), to: "INBOX", date: Load.date).hasPrefix("OK"))
        let counts = Dictionary(try Load.ids("INBOX", of: "alice", cyrus.port("imap")).map { ($0, 1) }, uniquingKeysWith: +)
        #expect(stored.filter { counts[$0] != 1 }.isEmpty, "not there once: \(stored.filter { counts[$0] != 1 })")
        #expect(counts.filter { $0.value > 1 }.isEmpty, "twice: \(counts.filter { $0.value > 1 })")
        let told = try cyrus.tool("reconstruct", ["-n", "-r", "user"]).split(separator: "\n").filter {
            !$0.hasPrefix("user.alice") || $0.contains(" ")
        }
        #expect(told.isEmpty, "reconstruct -n: \(told.prefix(5))")
    }

    /// How much room is left, shared with the processes under test.
    private final class Disk {
        private let preload: Preload
        let control: String
        var library: String { preload.library }
        private let word: UnsafeMutablePointer<Int64>

        init() throws {
            preload = try Preload("full-disk")
            control = preload.folder + "/room"
            try Data(count: 8).write(to: URL(fileURLWithPath: control))
            chmod(control, 0o666)
            let file = Glibc.open(control, O_RDWR)
            defer { close(file) }
            guard file >= 0, let map = mmap(nil, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), map != MAP_FAILED else {
                throw DebianCyrus.Failure(description: "cannot map \(control): errno \(errno)")
            }
            word = map.bindMemory(to: Int64.self, capacity: 1)
            word.pointee = .max
        }

        deinit { munmap(word, 8) }

        var room: Int64 {
            get { word.pointee }
            set { word.pointee = newValue }
        }
    }
}
