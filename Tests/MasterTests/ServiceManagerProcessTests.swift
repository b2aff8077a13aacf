import Foundation
import Posix
import Testing

@Suite struct ServiceManagerProcessTests {
    @Test func readinessReloadsTheWatchdogAndTheEndAreTold() throws {
        let master = try RunningMaster()
        let path = "\(master.folder)/notify"
        let socket = try Socket.datagram(bound: SocketAddress(unix: path))
        func next(_ what: String) throws {
            try master.wait(what) {
                guard try Poll.readable(socket.descriptor, milliseconds: 100) else { return false }
                var bytes = [UInt8](repeating: 0, count: 1000)
                let count = Descriptor.read(socket.descriptor, into: &bytes)
                return String(decoding: bytes[..<max(0, count)], as: UTF8.self).contains(what)
            }
        }
        let port = try RunningMaster.freePort()
        try master.start(
            "SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port)\n}",
            environment: ["NOTIFY_SOCKET=\(path)", "WATCHDOG_USEC=200000"])
        try next("READY=1\nMAINPID=\(master.pid)\nSTATUS=1 services, 0 processes")
        try next("WATCHDOG=1")
        let connection = try master.connect(port: port)
        _ = try connection.greeting()
        connection.send("env NOTIFY_SOCKET")
        #expect(try connection.line() == "none")
        try master.signal(.hangup)
        try next("RELOADING=1\nMONOTONIC_USEC=")
        try next("READY=1")
        try master.signal(.terminate)
        try next("STOPPING=1")
        #expect(try master.waitForEnd() == .exited(0))
    }

    /// systemd's part: a shell passes the socket as descriptor 3 and puts its own process id into LISTEN_PID before it becomes master.
    @Test(arguments: ["a", "other"])
    func socketsOfTheServiceManagerAreTakenByNameOrAddress(name: String) throws {
        let master = try RunningMaster()
        let path = "\(master.folder)/activated"
        try master.write("cyrus.conf", "SERVICES {\n a cmd=\"\(master.probe("service"))\" listen=\(path)\n}")
        let launcher = """
            import os, socket, sys
            s = socket.socket(socket.AF_UNIX)
            s.bind("\(path)")
            os.chmod("\(path)", 0o777)
            s.listen()
            os.dup2(s.fileno(), 3, inheritable=True)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="\(name)")
            os.execv("\(RunningMaster.programs)/master", ["master"] + sys.argv[1:])
            """
        try master.write("launch.py", launcher)
        try master.start(master.read("cyrus.conf"), launcher: "\(master.folder)/launch.py")
        try master.waitForLog("ready for work")
        let inode = try FileSystem.status(path)?.inode
        let connection = try master.connect(path: path)
        #expect(try connection.greeting().name == "a")
        #expect(try FileSystem.status(path)?.inode == inode)
        connection.send("env LISTEN_FDS")
        #expect(try connection.line() == "none")
    }
}
