import Foundation
import Glibc

/// A private instance of Debian's Cyrus (master and the services asked for) in a folder of its own, on free ports of the loopback:
/// the reference that this project's programs are compared with.
///
/// Made ready before `init` returns; ended, and its folder removed, by `stop()` (or when the value goes away).
public final class DebianCyrus {
    /// One entry of cyrus.conf's SERVICES with a TCP port.
    public struct Service: Sendable {
        public var name: String
        /// Program and arguments; `-C imapd.conf` is added.
        public var command: String
        public var prefork: Int
        /// The path of a unix socket to listen on, instead of a port.
        public var socket: String?

        public init(_ name: String, command: String, prefork: Int = 0, socket: String? = nil) {
            (self.name, self.command, self.prefork, self.socket) = (name, command, prefork, socket)
        }

        public static let imap = Service("imap", command: "imapd")
        /// LMTP whose clients are trusted.
        public static let lmtp = Service("lmtp", command: "lmtpd -a")
    }

    public struct Failure: Error, CustomStringConvertible {
        public let description: String

        public init(description: String) {
            self.description = description
        }
    }

    public static let programs = "/usr/lib/cyrus/bin"

    /// Whether this machine has Debian's Cyrus. Tests that need it are skipped without it, but not under CI.
    public static var isInstalled: Bool {
        access("\(programs)/imapd", X_OK) == 0 || getenv("CI") != nil
    }

    public let folder: String
    public var configuration: String { "\(folder)/imapd.conf" }
    private var ports: [String: UInt16] = [:]
    private var master: pid_t = 0
    private var environment: [String: String] = [:]
    /// The folder of another server's `master` and `ctl_cyrusdb`, to run instead of Debian's.
    private let others: String?

    /// Writes the configuration (`options` are lines of imapd.conf that go before the defaults here), makes `users` (password `secret`, mailbox
    /// included; `cyrus` is the admin) and starts master: Debian's, or the one in the folder `programs`. `TZ` is UTC unless `environment` says
    /// otherwise.
    public init(
        services: [Service] = [.imap], options: [String] = [], users: [String] = [], environment: [String: String] = [:],
        programs: String? = nil
    ) throws {
        others = programs
        var template = Array("/tmp/debian-cyrus-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(description: "no temporary folder: errno \(errno)") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        do {
            try writeConfiguration(services: services, options: options)
            for user in ["cyrus"] + users { try addPassword(user) }
            if getuid() == 0 { try Self.run("/bin/chown", ["-R", "cyrus:mail", folder]) }
            self.environment = environment
            try startMaster()
            for service in services where service.socket == nil { try Self.awaitListener(port(service.name)) }
            if !users.isEmpty, services.contains(where: { $0.name == "imap" }) { try makeMailboxes(users) }
        } catch {
            stop()
            throw error
        }
    }

    deinit {
        stop()
    }

    /// The port of the service with that name.
    public func port(_ service: String) -> UInt16 {
        ports[service] ?? 0
    }

    /// Ends master and waits until all its services are gone, then removes the folder.
    public func stop() {
        if master > 0 {
            kill(master, SIGTERM)
            var status: Int32 = 0
            while waitpid(master, &status, 0) == -1 && errno == EINTR {}
            LiveInstances.remove(master)
            master = 0
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Has master read cyrus.conf (in `folder`) again.
    public func reload() {
        if master > 0 { kill(master, SIGHUP) }
    }

    /// Runs one of Cyrus's tools with `-C imapd.conf` and gives its output.
    @discardableResult
    public func tool(_ name: String, _ arguments: [String] = [], complaints: Bool = false) throws -> String {
        try Self.tool(name, arguments, configuration, complaints: complaints)
    }

    /// The same for any configuration.
    @discardableResult
    public static func tool(_ name: String, _ arguments: [String], _ configuration: String, complaints: Bool = false) throws -> String {
        try run("\(programs)/\(name)", ["-C", configuration] + arguments, complaints: complaints)
    }

    /// The folder of a mailbox (internal name), by `mbpath`.
    public func mailboxFolder(_ name: String) throws -> String {
        try tool("mbpath", [name]).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func writeConfiguration(services: [Service], options: [String]) throws {
        for name in ["conf", "spool"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        let given = Set(options.compactMap { $0.split(separator: ":").first.map(String.init) })
        let defaults = [
            "configdirectory: \(folder)/conf", "partition-default: \(folder)/spool", "defaultpartition: default", "admins: cyrus",
            "sasl_pwcheck_method: auxprop", "sasl_auxprop_plugin: sasldb", "sasl_sasldb_path: \(folder)/sasldb2", "sasl_mech_list: PLAIN",
            "allowplaintext: yes", "unixhierarchysep: no", "altnamespace: no", "syslog_prefix: debian-cyrus-test",
        ]
        let lines = options + defaults.filter { !given.contains(String($0.prefix { $0 != ":" })) }
        try lines.map { $0 + "\n" }.joined().write(toFile: configuration, atomically: false, encoding: .utf8)
        var conf = "START {\n  recover cmd=\"\(others.map { $0 + "/" } ?? "")ctl_cyrusdb -C \(configuration) -r\"\n}\nSERVICES {\n"
        for service in services {
            var listen = service.socket ?? ""
            if service.socket == nil {
                let port = try Self.freePort()
                ports[service.name] = port
                listen = "127.0.0.1:\(port)"
            }
            let words = service.command.split(separator: " ", maxSplits: 1)
            let rest = words.count > 1 ? " \(words[1])" : ""
            conf +=
                "  \(service.name) cmd=\"\(words[0]) -C \(configuration)\(rest)\" listen=\"\(listen)\" prefork=\(service.prefork)\n"
        }
        try (conf + "}\n").write(toFile: "\(folder)/cyrus.conf", atomically: false, encoding: .utf8)
    }

    private func addPassword(_ user: String) throws {
        try Self.run("/usr/sbin/saslpasswd2", ["-p", "-c", "-f", "\(folder)/sasldb2", "-u", Self.hostName, user], input: "secret\n")
    }

    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, buffer.count - 1)
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func makeMailboxes(_ users: [String]) throws {
        let admin = try IMAPConnection(port: port("imap"))
        try admin.login("cyrus")
        for user in users { try admin.expectOK("CREATE user.\(user)") }
    }

    /// kill -9 of master alone, and a new one at once, which has not done anything yet when this returns.
    public func replaceMaster() throws {
        kill(master, SIGKILL)
        var status: Int32 = 0
        while waitpid(master, &status, 0) == -1 && errno == EINTR {}
        LiveInstances.remove(master)
        master = 0
        try startMaster()
    }

    /// Whether the master that was started last is running.
    public var isMasterRunning: Bool {
        var status: Int32 = 0
        return master > 0 && waitpid(master, &status, WNOHANG) == 0
    }

    /// In a session of its own: at its end master signals its whole process group.
    private func startMaster() throws {
        var variables = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "UTC"].merging(environment) { $1 }
        if getuid() != 0 { variables["CYRUS_USER"] = NSUserName() }
        master = try Self.spawn(
            others.map { $0 + "/master" } ?? "/usr/sbin/cyrmaster",
            ["-C", configuration, "-M", "\(folder)/cyrus.conf", "-p", "\(folder)/master.pid"], environment: variables
        )
        LiveInstances.add(master, folder)
    }
}
