import Configuration
import Foundation
import Posix
import Testing

/// A deployment of one master in a folder of its own: configuration, probe services, free ports. Everything ends with the scope.
final class RunningMaster {
    let folder: String
    private(set) var pid: Int32 = 0
    private var isReaped = false
    private(set) var ending: Posix.Process.Ending?

    static let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first { FileSystem.isExecutable($0) } ?? "python3"

    /// The folder the programs of this build stand in.
    static var programs: String {
        FileSystem.parent(of: (try? FileSystem.readLink("/proc/self/exe")) ?? "")
    }

    init() throws {
        // /tmp, for unix socket paths are short and the cyrus user must get there.
        folder = "/tmp/cyrus-swift-master-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try FileSystem.makeDirectories(folder + "/conf/socket")
        try FileSystem.makeDirectories(folder + "/conf/proc")
        // As root, master becomes the cyrus user.
        for path in ["", "/conf", "/conf/socket", "/conf/proc"] { try FileSystem.setMode(folder + path, 0o777) }
        try write("probe.py", Self.probe)
        try write("imapd.conf", "configdirectory: \(folder)/conf\ndebug: yes\n")
    }

    deinit {
        if pid > 0, !isReaped {
            // Its children first: they are its process group's, or known by their parent.
            for child in descendants() { kill(child, SIGKILL) }
            kill(pid, SIGKILL)
            _ = try? Posix.Process.wait(for: pid)
        }
        try? FileSystem.removeTree(folder)
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        try FileSystem.setMode("\(folder)/\(name)", 0o666)
    }

    func read(_ name: String) -> String {
        (try? FileSystem.read("\(folder)/\(name)")).flatMap { $0.map { String(decoding: $0, as: UTF8.self) } } ?? ""
    }

    /// The command line of a probe (see `probe`).
    func probe(_ words: String) -> String { "\(Self.python) \(folder)/probe.py \(folder) \(words)" }

    func start(_ cyrusConf: String, arguments: [String] = ["-D"], environment: [String] = [], launcher: String? = nil) throws {
        try write("cyrus.conf", cyrusConf)
        var command = Posix.Process.Command(
            launcher == nil ? "\(Self.programs)/master" : Self.python,
            ["master"] + (launcher.map { [$0] } ?? []) + [
                "-C", "\(folder)/imapd.conf", "-M", "\(folder)/cyrus.conf", "-p", "\(folder)/pid",
            ] + arguments)
        command.environment = Posix.Process.environment + environment
        let log = try File("\(folder)/log", .append, create: .ifMissing)
        command.descriptors = [(from: log.descriptor, to: 1), (from: log.descriptor, to: 2)]
        command.processGroup = 1
        pid = try Posix.Process.spawn(command)
        isReaped = false
        ending = nil
    }

    func signal(_ signal: Signal) throws { try signal.send(to: pid) }

    var log: String { read("log") }
    /// What the probes wrote: one line an event.
    var journal: [String] { read("journal").split(separator: "\n").map(String.init) }

    struct TimedOut: Error, CustomStringConvertible {
        var description: String
    }

    /// Waits until a condition holds.
    func wait(_ what: String, seconds: Double = 20, until condition: () throws -> Bool) throws {
        let deadline = Posix.Clock.monotonic + seconds
        while try !condition() {
            guard Posix.Clock.monotonic < deadline else {
                throw TimedOut(description: "waiting for \(what)\nlog:\n\(log)\njournal:\n\(journal)")
            }
            Posix.Clock.sleep(milliseconds: 5)
        }
    }

    func waitForLog(_ text: String, count: Int = 1) throws {
        try wait("\(text) in the log") { log.components(separatedBy: text).count > count }
    }

    func waitForJournal(_ text: String, count: Int = 1) throws {
        try wait("\(text) in the journal") { journal.count { $0.hasPrefix(text) } >= count }
    }

    func waitForEnd() throws -> Posix.Process.Ending {
        try wait("the end") {
            var status: CInt = 0
            let found = waitpid(pid, &status, WNOHANG)
            guard found == pid else { return false }
            isReaped = true
            ending = status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .signaled(status & 0x7f, core: false)
            return true
        }
        return try #require(ending)
    }

    /// Children of master, as the kernel knows them.
    func descendants() -> [Int32] {
        let text = (try? FileSystem.read("/proc/\(pid)/task/\(pid)/children")).flatMap { $0 } ?? []
        return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
    }

    /// A TCP port that is free now.
    static func freePort() throws -> Int {
        guard case .success(let addresses) = SocketAddress.resolve(host: "127.0.0.1", port: "0"), let address = addresses.first else {
            throw TimedOut(description: "no loopback")
        }
        let socket = try Socket.listen(address)
        return try #require(Socket.local(socket.descriptor)?.port)
    }

    /// Connects to a port or socket file, once master is ready for work.
    func connect(port: Int? = nil, path: String? = nil) throws -> Connection {
        try waitForLog("ready for work")
        let address: SocketAddress
        if let path {
            address = try #require(SocketAddress(unix: path))
        } else {
            guard case .success(let found) = SocketAddress.resolve(host: "127.0.0.1", port: String(port ?? 0)), let first = found.first
            else {
                throw TimedOut(description: "no loopback")
            }
            address = first
        }
        return Connection(try Socket.connect(address, within: 10))
    }

    final class Connection {
        private let descriptor: CInt

        init(_ socket: consuming Socket) { descriptor = socket.release() }

        deinit { close(descriptor) }

        /// The next line; nil at the end of the connection or after `seconds`.
        func line(within seconds: Double = 20) throws -> String? {
            var bytes: [UInt8] = []
            let deadline = Posix.Clock.monotonic + seconds
            while Posix.Clock.monotonic < deadline {
                guard try Poll.readable(descriptor, milliseconds: 100) else { continue }
                var byte = [UInt8](repeating: 0, count: 1)
                guard Descriptor.read(descriptor, into: &byte) == 1 else {
                    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
                }
                if byte[0] == 10 { return String(decoding: bytes, as: UTF8.self) }
                if byte[0] != 13 { bytes.append(byte[0]) }
            }
            return nil
        }

        func send(_ text: String) {
            _ = (text + "\n").withCString { Glibc.send(descriptor, $0, strlen($0), CInt(MSG_NOSIGNAL)) }
        }

        /// What the probe says of itself: name, instance, pid.
        func greeting() throws -> (name: String, id: String, pid: Int32) {
            let words = try #require(try line()).split(separator: " ").map(String.init)
            try #require(words.count == 4)
            return (words[1], words[2], try #require(Int32(words[3])))
        }
    }

    /// A service, daemon or command for tests. It keeps the service contract in a few lines, and writes what happens to the journal.
    static let probe = """
        import os, resource, select, signal, socket, struct, sys
        def isOpen(fd):
            try: return os.fstat(fd) is not None
            except OSError: return False
        inherited = [fd for fd in range(256) if isOpen(fd)]
        folder, mode, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
        name = os.environ.get("CYRUS_SERVICE", rest[0] if rest else "-")
        def note(text):
            fd = os.open(folder + "/journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            os.write(fd, (text + "\\n").encode())
            os.close(fd)
        def tell(message):
            os.write(3, struct.pack("ii", message, os.getpid()))
        def terminated(*_):
            note("end " + name)
            os._exit(0)
        def hup(*_):
            note("hup " + name)
            if mode == "service":
                tell(2)
                os._exit(0)
        # A signal between two steps must wake the next wait: its byte does.
        woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        def wait(*files):
            while True:
                ready = select.select([woken] + list(files), [], [])[0]
                if woken in ready: os.read(woken, 100)
                if any(f in ready for f in files): return
        signal.signal(signal.SIGTERM, terminated)
        signal.signal(signal.SIGHUP, hup)
        if mode == "service":
            note("start %s %s %d" % (name, os.environ["CYRUS_ID"], os.getpid()))
            listener = socket.socket(fileno=4)
            while True:
                wait(listener)
                listener.setblocking(False)
                try: client, _ = listener.accept()
                except BlockingIOError: continue
                client.setblocking(True)
                tell(2)
                tell(3)
                client.sendall(("hello %s %s %d\\n" % (name, os.environ["CYRUS_ID"], os.getpid())).encode())
                while True:
                    wait(client)
                    line = client.makefile().readline().split()
                    if line[:1] == ["exit"]: os._exit(int(line[1]))
                    if line[:1] == ["env"]: client.sendall((os.environ.get(line[1], "none") + "\\n").encode())
                    elif line[:1] == ["fds"]:
                        client.sendall((" ".join(str(fd) for fd in inherited) + "\\n").encode())
                    elif line[:1] == ["limit"]: client.sendall(("%d\\n" % resource.getrlimit(resource.RLIMIT_NOFILE)[0]).encode())
                    elif line[:1] == ["args"]: client.sendall((" ".join(rest) + "\\n").encode())
                    else: break
                client.close()
                tell(1)
        elif mode == "daemon":
            note("start %s %s %d" % (name, os.environ.get("CYRUS_ISDAEMON", "none"), os.getpid()))
            if "ok" in rest: os.write(3, b"ok\\r\\n")
            if "fail" in rest: os._exit(1)
            wait()
        elif mode == "datagram":
            note("start %s %s %d" % (name, os.environ["CYRUS_ID"], os.getpid()))
            sock = socket.socket(fileno=4)
            while True:
                wait(sock)
                note("got " + sock.recv(1000).decode())
        elif mode == "exit":
            note("ran " + " ".join(rest[1:]))
            os._exit(int(rest[0]))

        """
}
