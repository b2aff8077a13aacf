import DebianCyrus
import Foundation
import Glibc
import Testing

/// kill -9 at any moment: every message that was answered with 250 is there, once.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct CrashTests {
    @Test func acknowledgedMessagesSurviveKill() throws {
        let cyrus = try DebianCyrus(services: [.imap, .init("ours", command: OurPrograms.path("lmtpd") + " -a")], users: ["k"])
        defer { cyrus.stop() }
        let program = OurPrograms.path("lmtpd")
        var sent: Set<String> = []
        var acknowledged: Set<String> = []
        var kills = 0
        for round in 0..<40 {
            guard let connection = try? LMTPConnection(port: cyrus.port("ours")), (try? connection.reply()) != nil else { continue }
            // Some kills come at once, some after hundreds of system calls: the delay is the moment, not a wait for something.
            let victims = Self.processes(of: program, under: cyrus.folder)
            let killer = Thread {
                usleep(UInt32.random(in: 0...60_000))
                for pid in victims where kill(pid, SIGKILL) == 0 {}
            }
            killer.start()
            for number in 0..<20 {
                let id = "<crash-\(round)-\(number)@x>"
                sent.insert(id)
                guard
                    let answer = try? connection.deliver(
                        "Subject: c\r\nMessage-ID: \(id)\r\n\r\n\(String(repeating: "body\r\n", count: 300))", to: "k")
                else { break }
                if answer.hasPrefix("250") { acknowledged.insert(id) }
            }
            kills += victims.isEmpty ? 0 : 1
        }
        // What was not answered is sent again, as an MTA would.
        for id in sent.subtracting(acknowledged) {
            let connection = try LMTPConnection(port: cyrus.port("ours"))
            _ = try connection.reply()
            #expect(try connection.deliver("Subject: c\r\nMessage-ID: \(id)\r\n\r\nagain", to: "k").hasPrefix("250"))
        }
        #expect(kills > 20)
        let imap = try IMAPConnection(port: cyrus.port("imap"))
        try imap.login("k")
        try imap.expectOK("SELECT INBOX")
        let lines = try imap.expectOK("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
        var found: [String: Int] = [:]
        for line in lines {
            let text = String(decoding: line, as: UTF8.self)
            if let start = text.range(of: "<crash-"), let end = text[start.lowerBound...].firstIndex(of: ">") {
                found[String(text[start.lowerBound...end]), default: 0] += 1
            }
        }
        let lost = acknowledged.filter { found[$0, default: 0] == 0 }
        let doubled = acknowledged.filter { found[$0, default: 0] > 1 }
        #expect(lost.isEmpty)
        #expect(doubled.isEmpty)
        #expect(sent.allSatisfy { found[$0, default: 0] >= 1 })
    }

    /// The processes of a program that were started with an argument below a folder.
    static func processes(of program: String, under folder: String) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return false }
            let words = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return words.first.map { $0.hasSuffix("lmtpd") } == true && words.contains { $0.hasPrefix(folder) }
        }
    }
}
