import Foundation
import Posix
import Testing

@Suite struct LifecycleTests {
    @Test func startEntriesRunInOrderBeforeServices() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.start(
            """
            SERVICES {
              a cmd="\(master.probe("service"))" listen=127.0.0.1:\(port) prefork=1
            }
            START {
              one cmd="\(master.probe("exit 0 one"))"
              two cmd="\(master.probe("exit 75 two"))"
            }
            """)
        try master.waitForJournal("start a")
        #expect(master.journal.prefix(2) == ["ran one", "ran two"])
    }

    @Test(arguments: ["exit 1 one", "missing"])
    func aFailedStartEntryEndsMaster(what: String) throws {
        let master = try RunningMaster()
        let command = what == "missing" ? "/nonexistent/program" : master.probe(what)
        try master.start("START {\n one cmd=\"\(command)\"\n}")
        #expect(try master.waitForEnd() == .exited(1))
        #expect(master.log.contains("can't run startup"))
    }

    @Test(arguments: [
        ("SERVICES {\n a cmd=\"/bin/true\"\n}", "unable to find command or port for service 'a'"),
        ("SERVICES {\n a cmd=\"/nonexistent/x\" listen=1\n}", "cannot find executable for service 'a'"),
        ("SERVICES {\n a cmd=/bin/true listen=1\n a cmd=/bin/true listen=2\n}", "multiple entries for service 'a'"),
    ])
    func aBadConfigurationEndsMasterWith78(text: String, line: String) throws {
        let master = try RunningMaster()
        try master.start(text)
        #expect(try master.waitForEnd() == .exited(78))
        #expect(master.log.contains(line))
    }

    @Test func eventsWithoutATimeRunAtOnceAndAgainAtSighup() throws {
        let master = try RunningMaster()
        try master.start(
            """
            EVENTS {
              a cmd="\(master.probe("exit 0 a"))"
              b cmd="\(master.probe("exit 0 b"))" period=60
              c cmd="\(master.probe("exit 0 c"))" cron="0 0 30 2 *"
              d cmd="/nonexistent/program"
            }
            """)
        try master.waitForJournal("ran a")
        try master.waitForJournal("ran b")
        try master.signal(.hangup)
        try master.waitForJournal("ran a", count: 2)
        try master.waitForJournal("ran b", count: 2)
        #expect(!master.journal.contains("ran c"))
        #expect(master.log.contains("can't exec /nonexistent/program on schedule: No such file or directory"))
    }

    @Test func waitingDaemonsStartFirstAndEndLast() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.start(
            """
            SERVICES {
              a cmd="\(master.probe("service"))" listen=127.0.0.1:\(port) prefork=1
            }
            DAEMON {
              w1 cmd="\(master.probe("daemon ok"))" wait=y
              w2 cmd="\(master.probe("daemon ok"))" wait=y
              d  cmd="\(master.probe("daemon"))"
            }
            """)
        try master.waitForJournal("start a")
        try master.waitForJournal("start d")
        #expect(master.journal.prefix(2).map { $0.split(separator: " ").prefix(3).joined(separator: " ") } == ["start w1 1", "start w2 1"])
        try master.signal(.terminate)
        #expect(try master.waitForEnd() == .exited(0))
        let ends = master.journal.filter { $0.hasPrefix("end") }
        #expect(Set(ends.prefix(2)) == ["end a", "end d"])
        #expect(ends.suffix(2) == ["end w2", "end w1"])
        #expect(master.log.contains("attempting clean shutdown on signal"))
        #expect(master.log.contains("All children have exited, closing down"))
    }

    @Test func aWaitingDaemonThatSaysNothingEndsMaster() throws {
        let master = try RunningMaster()
        try master.start("DAEMON {\n w cmd=\"\(master.probe("daemon fail"))\" wait=y\n}")
        #expect(try master.waitForEnd() == .exited(1))
        #expect(master.log.contains("waitdaemon w/daemon did not write \"ok\\r\\n\" to fd 3"))
    }

    @Test func aDaemonIsStartedAgain() throws {
        let master = try RunningMaster()
        try master.start("DAEMON {\n d cmd=\"\(master.probe("daemon"))\"\n}")
        for count in 1...3 {
            try master.waitForJournal("start d", count: count)
            kill(try #require(master.journal.last?.split(separator: " ").last.flatMap { Int32($0) }), SIGKILL)
        }
        try master.waitForJournal("start d", count: 4)
    }

    @Test(arguments: [Signal.terminate, .quit, .interrupt])
    func everyStoppingSignalEndsItCleanly(signal: Signal) throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.start("SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port) prefork=2\n}")
        try master.waitForJournal("start a", count: 2)
        #expect(FileSystem.exists("\(master.folder)/conf/master.ready"))
        try master.signal(signal)
        #expect(try master.waitForEnd() == .exited(0))
        #expect(!FileSystem.exists("\(master.folder)/conf/master.ready"))
        #expect(FileSystem.exists("\(master.folder)/pid"))
    }

    @Test func sighupAddsChangesAndRemovesServices() throws {
        let master = try RunningMaster()
        let (a, b, c) = (try RunningMaster.freePort(), try RunningMaster.freePort(), "\(master.folder)/c")
        func service(_ name: String, _ listen: String, _ words: String) -> String {
            " \(name) cmd=\"\(master.probe("service \(words)"))\" listen=\(listen) prefork=1\n"
        }
        try master.start("SERVICES {\n" + service("a", "127.0.0.1:\(a)", "old") + service("b", "127.0.0.1:\(b)", "old") + "}")
        try master.waitForJournal("start a")
        try master.waitForJournal("start b")
        let kept = try master.connect(port: a)
        let before = try kept.greeting().pid
        try master.write("cyrus.conf", "SERVICES {\n" + service("a", "127.0.0.1:\(a)", "new") + service("c", c, "new") + "}")
        try master.signal(.hangup)
        try master.waitForLog("Services reconfigured.")
        try master.waitForJournal("start c")
        try master.waitForJournal("hup a")
        try master.waitForJournal("hup b")
        #expect(try master.connect(path: c).greeting().name == "c")
        try master.wait("b to be closed") { (try? master.connect(port: b)) == nil }
        let next = try master.connect(port: a)
        #expect(try next.greeting().pid != before)
        next.send("args")
        #expect(try next.line() == "new")
    }

    @Test func aConfigurationThatBecameBadChangesNothing() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.start("SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port)\n}")
        try master.waitForLog("ready for work")
        try master.write("cyrus.conf", "SERVICES {\n a cmd=\"/bin/true\n}")
        try master.signal(.hangup)
        try master.waitForLog("going on with the configuration as it was")
        #expect(try master.connect(port: port).greeting().name == "a")
    }

    @Test func aSecondMasterIsRefusedByThePidFile() throws {
        let master = try RunningMaster()
        try master.start("")
        try master.waitForLog("ready for work")
        #expect(master.read("pid") == "\(master.pid)\n")
        let second = try RunningMaster()
        try second.start("", arguments: ["-D", "-p", "\(master.folder)/pid"])
        #expect(try second.waitForEnd() == .exited(71))
        #expect(second.log.contains("cannot get exclusive lock on pidfile (is another master still running?)"))
        #expect(master.read("pid") == "\(master.pid)\n")
    }

    @Test func inTheBackgroundTheCommandReturnsWhenThePidFileIsWritten() throws {
        let master = try RunningMaster()
        try master.start("", arguments: ["-d"])
        #expect(try master.waitForEnd() == .exited(0))
        let pid = try #require(Int32(master.read("pid").split(separator: "\n").first ?? ""))
        #expect(pid != master.pid)
        #expect(!FileSystem.exists("\(master.folder)/pid.lock"))
        try master.wait("the ready file") { FileSystem.exists("\(master.folder)/conf/master.ready") }
        kill(pid, SIGTERM)
        try master.wait("the background process to end") { !Posix.Process.exists(pid) || Self.isZombie(pid) }
    }

    /// Without an init process that reaps, an orphan stays as a zombie.
    static func isZombie(_ pid: Int32) -> Bool {
        let text = (try? FileSystem.read("/proc/\(pid)/stat")).flatMap { $0 } ?? []
        return String(decoding: text, as: UTF8.self).contains(") Z")
    }

    @Test func backgroundAndForegroundTogetherAreRefused() throws {
        let master = try RunningMaster()
        try master.start("", arguments: ["-d", "-D"])
        #expect(try master.waitForEnd() == .exited(1))
    }

    @Test func theErrorLogTakesWhatChildrenPrint() throws {
        let master = try RunningMaster()
        try master.start("EVENTS {\n e cmd=\"/bin/echo spoken\"\n}", arguments: ["-L", "\(master.folder)/errors"])
        try master.wait("the echo") { master.read("errors").contains("spoken") }
    }

    @Test func metricsAreWritten() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.write("imapd.conf", "configdirectory: \(master.folder)/conf\nprometheus_enabled: yes\nprometheus_update_freq: 1\n")
        try master.start("SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port) prefork=1 maxchild=7\n}")
        try master.wait("a ready worker in the metrics") {
            master.read("conf/stats/master.txt").contains("cyrus_master_ready_workers{service=\"a\",family=\"ipv4\"} 1 ")
        }
        #expect(master.read("conf/stats/master.txt").contains("cyrus_master_max_children{service=\"a\",family=\"ipv4\"} 7 "))
        #expect(try FileSystem.status("\(master.folder)/conf/stats/master.txt")?.mode == 0o600)
    }
}
