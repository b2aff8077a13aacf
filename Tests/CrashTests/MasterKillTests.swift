import DebianCyrus
import Foundation
import Glibc
import Testing

/// kill -9 of master under load: its services serve the clients they have and end; a new master on the same folder takes over pid file,
/// lock and sockets at once, and no acknowledged message is lost.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct MasterKillTests {
    static var rounds: Int { KillTests.isSoak ? 40 : 4 }

    @Test func aNewMasterTakesOver() throws {
        let users = (0..<max(1, Self.rounds / 10)).map { "user\($0)" }
        let cyrus = try DebianCyrus(
            services: [
                .imap, .init("ours", command: OurPrograms.path("imapd"), prefork: 2),
                .init("mail", command: OurPrograms.path("lmtpd") + " -a"),
            ], options: ["failedloginpause: 0"], users: users, programs: OurPrograms.folder)
        defer { cyrus.stop() }
        try KillTests.limit(users, cyrus)
        let (imap, lmtp) = (cyrus.port("ours"), cyrus.port("mail"))
        for (turn, user) in users.enumerated() {
            let load = try Load(user: user, imap: imap, lmtp: lmtp)
            // A client that waits while all this happens keeps its connection, and no address.
            let patient = try IMAPConnection(port: imap)
            try patient.login(user)
            for round in 0..<(Self.rounds / users.count) {
                try load.waitForMessages(3)
                // The delay is the moment that is hit, not a wait for something.
                usleep(UInt32.random(in: 0...50_000))
                let orphans = KillTests.processes(["imapd", "lmtpd"], cyrus.folder)
                // Now and then one is killed along with it; not that of the patient client.
                if round % 3 == 0, let victim = KillTests.processes(["lmtpd"], cyrus.folder).randomElement() { kill(victim, SIGKILL) }
                try cyrus.replaceMaster()
                try Load.wait("a service of the new master, at \(turn).\(round)") {
                    // A connection that the last service of the old master did not accept any more is refused or lost.
                    guard let delivery = try? Deliveries(port: lmtp),
                        let answer = try? delivery.deliver(
                            Load.message("<new.\(round)@here>"), to: user)
                    else { return false }
                    return answer.hasPrefix("250") && KillTests.processes(["lmtpd"], cyrus.folder).contains { !orphans.contains($0) }
                }
                #expect(cyrus.isMasterRunning)
                let pid = try String(contentsOfFile: cyrus.folder + "/master.pid", encoding: .utf8)
                #expect(KillTests.processes(["master"], cyrus.folder).map { "\($0)\n" } == [pid])
            }
            try patient.expectOK("NOOP")
            let (stored, complaints) = try load.finish()
            #expect(complaints.isEmpty, "\(complaints.prefix(5))")
            let faults = try Load.faults(stored, of: user, cyrus, cyrus.port("imap"))
            #expect(faults.isEmpty, "\(faults.prefix(5))")
        }
        // All clients are gone: what is left belongs to the last master, and ends with it.
        let folder = cyrus.folder
        cyrus.stop()
        try Load.wait("the end of all services") { KillTests.processes(["master", "imapd", "lmtpd"], folder).isEmpty }
    }
}
