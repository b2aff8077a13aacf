import Foundation
import Posix
import Testing

@Suite struct ServicesTests {
    @Test func aConnectionIsServedWithTheContractsDescriptorsAndEnvironment() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.start("SERVICES {\n a cmd=\"\(master.probe("service one two"))\" listen=127.0.0.1:\(port) maxfds=200\n}")
        let connection = try master.connect(port: port)
        let hello = try connection.greeting()
        #expect((hello.name, hello.id) == ("a", "0"))
        for (question, answer) in [
            ("env CYRUS_SERVICE", "a"), ("env CYRUS_ID", "0"), ("env CYRUS_ISDAEMON", "none"), ("limit", "200"), ("args", "one two"),
        ] {
            connection.send(question)
            #expect(try connection.line() == answer, "\(question)")
        }
        connection.send("fds")
        // Nothing of master's beside what the contract names.
        #expect(try connection.line() == "0 1 2 3 4")
    }

    @Test func readyWorkersAreKeptAndReused() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.start("SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port) prefork=2\n}")
        try master.waitForJournal("start a", count: 2)
        let first = try master.connect(port: port)
        let pid = try first.greeting().pid
        // One is busy: a third keeps two ready.
        try master.waitForJournal("start a", count: 3)
        first.send("bye")
        #expect(try first.line() == nil)
        #expect(Posix.Process.exists(pid))
    }

    @Test func maxchildHoldsFurtherClientsAndIsLogged() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.start("SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port) maxchild=2\n}")
        let one = try master.connect(port: port)
        let two = try master.connect(port: port)
        #expect(try one.greeting().pid != two.greeting().pid)
        let three = try master.connect(port: port)
        try master.waitForLog("service a/ipv4 has reached maxchild=2: 2 processes, all busy; new clients wait")
        #expect(try three.line(within: 0.1) == nil)
        one.send("bye")
        #expect(try three.greeting().name == "a")
        three.send("bye")
        two.send("bye")
        try master.waitForLog("service a/ipv4 is no longer held back by maxchild")
        #expect(master.journal.count { $0.hasPrefix("start a") } == 2)
    }

    @Test func maxforkrateSpreadsTheForks() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        let began = Posix.Clock.monotonic
        try master.start("SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port) prefork=12 maxforkrate=4\n}")
        try master.waitForJournal("start a", count: 12)
        #expect(Posix.Clock.monotonic - began > 0.8)
        try master.waitForLog("service a/ipv4 has reached maxforkrate=4")
    }

    @Test func aWorkerKilledWhileBusyOrReadyIsReplaced() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.start("SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port) prefork=1\n}")
        let busy = try master.connect(port: port)
        let pid = try busy.greeting().pid
        kill(pid, SIGKILL)
        try master.waitForLog("pid:\(pid) signaled to death by signal 9 (Killed)")
        #expect(!master.log.contains("pid \(pid) in READY state"))
        try master.waitForJournal("start a", count: 2)
        let next = try #require(master.journal.last?.split(separator: " ").last.flatMap { Int32($0) })
        kill(next, SIGKILL)
        try master.waitForLog("service a/ipv4 pid \(next) in READY state: terminated abnormally")
        #expect(try master.connect(port: port).greeting().name == "a")
    }

    @Test func aServiceThatFailsFiveTimesIsGivenUpUntilSighup() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.start("SERVICES {\n a cmd=\"\(master.probe("exit 1"))\" listen=127.0.0.1:\(port) prefork=1\n}")
        try master.waitForLog("too many failures for service a/ipv4, disabling until next SIGHUP")
        #expect(master.journal.count { $0.hasPrefix("ran") } == 5)
        try master.wait("a refused connection") { (try? master.connect(port: port)) == nil }
        try master.write("cyrus.conf", "SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port) prefork=1\n}")
        try master.signal(.hangup)
        try master.waitForJournal("start a")
        #expect(try master.connect(port: port).greeting().name == "a")
    }

    @Test func aBabysatServiceIsNeverGivenUp() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.start("SERVICES {\n a cmd=\"\(master.probe("exit 1"))\" listen=127.0.0.1:\(port) babysit=yes\n}")
        try master.waitForLog("lost all children for service: a/ipv4.  Applying babysitter.", count: 6)
        #expect(!master.log.contains("too many failures"))
    }

    @Test func oneInstanceListensOnEachAddress() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.start("SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=\(port) prefork=1\n}")
        try master.waitForLog("ready for work")
        #expect(try master.connect(port: port).greeting().name == "a")
        let instances = master.log.contains("unable to bind to a/ipv6") || !FileSystem.exists("/proc/net/if_inet6") ? 1 : 2
        try master.waitForJournal("start a", count: instances)
    }

    @Test func aStaleSocketFileIsReplaced() throws {
        let master = try RunningMaster()
        let path = "\(master.folder)/sock"
        // Nobody listens on what is left of a killed master.
        do { _ = try Socket.listen(try #require(SocketAddress(unix: path))) }
        try master.start("SERVICES {\n u cmd=\"\(master.probe("service"))\" listen=\(path)\n}")
        try master.waitForLog("ready for work")
        #expect(try master.connect(path: path).greeting().name == "u")
        #expect(try FileSystem.status(path)?.mode == 0o777)
    }

    @Test func aDatagramServiceHasOneProcess() throws {
        let master = try RunningMaster()
        let path = "\(master.folder)/sock"
        try master.start("SERVICES {\n u cmd=\"\(master.probe("datagram"))\" listen=\(path) proto=udp prefork=5 maxchild=9\n}")
        try master.waitForJournal("start u")
        let socket = try Socket.datagram(bound: nil)
        try socket.send(Array("news".utf8), to: try #require(SocketAddress(unix: path)))
        try master.waitForJournal("got news")
        #expect(master.journal.count { $0.hasPrefix("start") } == 1)
    }

    @Test func whatCannotBeBoundIsLoggedAndTheRestServes() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        try master.start(
            """
            SERVICES {
              a cmd="\(master.probe("service"))" listen=\(master.folder)/none/sock
              b cmd="\(master.probe("service"))" listen=nosuchservicename
              c cmd="\(master.probe("service"))" listen=127.0.0.1:1 proto=sctp
              d cmd="\(master.probe("service"))" listen=127.0.0.1:\(port) prefrok=1
            }
            """)
        try master.waitForLog("ready for work")
        #expect(master.log.contains("unable to bind to a/unix socket: No such file or directory"))
        #expect(master.log.contains("unable to create a listener socket"))
        #expect(master.log.contains("disabling b"))
        #expect(master.log.contains("invalid proto 'sctp', disabling c"))
        #expect(master.log.contains("line 5: unknown attribute prefrok (did you mean prefork?) of d, ignored"))
        #expect(try master.connect(port: port).greeting().name == "d")
    }

    @Test func bindErrorsAreFatalWhenAskedFor() throws {
        let master = try RunningMaster()
        try master.write("imapd.conf", "configdirectory: \(master.folder)/conf\nmaster_bind_errors_fatal: yes\n")
        try master.start("SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=\(master.folder)/none/sock\n}")
        #expect(try master.waitForEnd() == .exited(69))
    }
}
