import Foundation
import Glibc

/// A private PostgreSQL server, in a folder of its own, on a free port of the loopback and on a Unix socket in the folder; its one user is
/// `cyrus`, with the password `pg-secret`, its database `cyrus`.
///
/// Tests that share one do not start or end it. It runs as `postgres` when the tests run as root, which PostgreSQL refuses. Ended, and its folder removed, by `stop()`, when the value
/// goes away, and when the test process ends.
public final class PostgreSQLServer: @unchecked Sendable {
    public let folder: String
    public let port: UInt16
    public static let password = "pg-secret"
    private var postmaster: pid_t = 0

    private static let programs = "/usr/lib/postgresql/15/bin"

    /// Whether this machine has the server. Tests that need it are skipped without it, but not under CI.
    public static var isInstalled: Bool { access("\(programs)/postgres", X_OK) == 0 || getenv("CI") != nil }

    public init() throws {
        var template = Array("/tmp/postgresql-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw DebianCyrus.Failure(description: "no temporary folder: errno \(errno)") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        port = try DebianCyrus.freePort()
        do {
            try Self.password.write(toFile: "\(folder)/password", atomically: false, encoding: .utf8)
            if getuid() == 0 { try DebianCyrus.run("/bin/chown", ["-R", "postgres:postgres", folder]) }
            // Anybody may use the socket.
            chmod(folder, 0o755)
            let initialised = Self.unprivileged(
                "initdb",
                [
                    "-D", "\(folder)/data", "-U", "cyrus", "-A", "scram-sha-256", "--pwfile", "\(folder)/password", "-E", "UTF8",
                    "--locale=C", "-N",
                ])
            try DebianCyrus.run(initialised.path, initialised.arguments)
            try start()
            try makeDatabase()
        } catch {
            stop()
            throw error
        }
    }

    deinit { stop() }

    /// A program of PostgreSQL's, to be run as a user that it accepts.
    private static func unprivileged(_ program: String, _ arguments: [String]) -> (path: String, arguments: [String]) {
        guard getuid() == 0 else { return ("\(programs)/\(program)", arguments) }
        return ("/usr/bin/setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", "\(programs)/\(program)"] + arguments)
    }

    /// Starts the server, and waits until it takes connections. Without fsync: a killed process loses nothing by that.
    public func start() throws {
        let command = Self.unprivileged(
            "postgres",
            [
                "-D", "\(folder)/data", "-k", folder, "-h", "127.0.0.1", "-p", "\(port)", "-c", "fsync=off", "-c", "max_connections=200",
                "-c", "logging_collector=on", "-c", "log_directory=\(folder)",
            ])
        // A server that was killed leaves processes for a moment, beside which a new one does not start.
        for _ in 0..<600 {
            if postmaster == 0 {
                postmaster = try DebianCyrus.spawn(command.path, command.arguments, environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C"])
                LiveInstances.add(postmaster, folder, signal: SIGINT)
            }
            if isReady { return }
            var status: Int32 = 0
            if waitpid(postmaster, &status, WNOHANG) == postmaster {
                LiveInstances.remove(postmaster)
                postmaster = 0
            }
            usleep(50_000)
        }
        throw DebianCyrus.Failure(description: "PostgreSQL does not start")
    }

    private var isReady: Bool {
        (try? DebianCyrus.run("\(Self.programs)/pg_isready", ["-q", "-h", folder, "-p", "\(port)"])) != nil
    }

    private func makeDatabase() throws {
        try query("CREATE DATABASE cyrus", database: "postgres")
    }

    /// What psql prints for a statement, without headings.
    @discardableResult
    public func query(_ sql: String, database: String = "cyrus") throws -> String {
        try DebianCyrus.run(
            "/usr/bin/psql",
            [
                "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql,
                "postgresql://cyrus:\(Self.password)@127.0.0.1:\(port)/\(database)",
            ])
    }

    /// Kills the server, each of its processes, as a crash would; they are gone when this returns.
    public func kill() {
        let children = (try? String(contentsOfFile: "/proc/\(postmaster)/task/\(postmaster)/children", encoding: .utf8)) ?? ""
        let processes = children.split(separator: " ").compactMap { Int32($0) }
        end(SIGKILL)
        // By themselves they end when they see that the server is gone, and serve whoever asks until then.
        for process in processes { Glibc.kill(process, SIGKILL) }
        for process in processes {
            var tries = 0
            while Self.isAlive(process) && tries < 600 {
                usleep(10_000)
                tries += 1
            }
        }
    }

    /// Neither gone nor waiting for its parent to ask how it ended.
    private static func isAlive(_ process: Int32) -> Bool {
        guard let state = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return !state.contains(") Z ")
    }

    /// Ends the server, and removes its folder.
    public func stop() {
        end(SIGINT)
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func end(_ signal: Int32) {
        guard postmaster > 0 else { return }
        Glibc.kill(postmaster, signal)
        var status: Int32 = 0
        while waitpid(postmaster, &status, 0) == -1 && errno == EINTR {}
        LiveInstances.remove(postmaster)
        postmaster = 0
    }

    /// The options of imapd.conf for it.
    public var options: [String] {
        [
            "sql_engine: pgsql", "sql_hostnames: 127.0.0.1:\(port)", "sql_user: cyrus", "sql_passwd: \(Self.password)",
            "sql_database: cyrus",
        ]
    }
}
