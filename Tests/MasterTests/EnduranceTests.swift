import Foundation
import Posix
import Testing

/// Nothing that happens to children ends master.
@Suite struct EnduranceTests {
    @Test func workersMayBeKilledAtAnyMoment() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        // Babysat: a service that is only killed while ready would be given up.
        try master.start(
            "SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port) babysit=yes prefork=3 maxforkrate=1000\n}")
        var held: [RunningMaster.Connection] = []
        for round in 0..<60 {
            if let connection = try? master.connect(port: port) { held.append(connection) }
            try master.wait("a worker") { !master.descendants().isEmpty }
            if let victim = master.descendants().randomElement() { kill(victim, SIGKILL) }
            if round % 10 == 9 { held.removeAll() }
        }
        held.removeAll()
        try master.wait("an answer", seconds: 60) { (try? master.connect(port: port).line(within: 5))??.hasPrefix("hello a") == true }
        try master.signal(.terminate)
        #expect(try master.waitForEnd() == .exited(0))
    }

    @Test func aShortageOfDescriptorsIsSurvivedAndSaid() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        // A process with so few descriptors cannot even report an exec.
        let limited = "\(master.folder)/limited.py"
        try master.write(
            "limited.py",
            """
            import os, resource, sys
            resource.setrlimit(resource.RLIMIT_NOFILE, (13, 13))
            os.execv("\(RunningMaster.programs)/master", ["master"] + sys.argv[1:])
            """)
        let services = (0..<4).map { " s\($0) cmd=\"\(master.probe("service"))\" listen=\(master.folder)/s\($0) prefork=1\n" }.joined()
        try master.start(
            "SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port)\n\(services)}", launcher: limited)
        try master.waitForLog("ready for work")
        try master.wait("a word about descriptors") { master.log.contains("Too many open files") }
        #expect(Posix.Process.exists(master.pid))
        try master.signal(.terminate)
        #expect(try master.waitForEnd() == .exited(0))
    }

    @Test func sighupsInQuickSuccessionLeaveEveryServiceServed() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        let conf = "SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port) prefork=2\n}"
        try master.start(conf)
        try master.waitForJournal("start a", count: 2)
        for count in 1...10 {
            try master.signal(.hangup)
            try master.waitForLog("got SIGHUP", count: count)
        }
        #expect(try master.connect(port: port).greeting().name == "a")
        try master.signal(.terminate)
        #expect(try master.waitForEnd() == .exited(0))
    }
}
