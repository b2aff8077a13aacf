import CPosix
import Glibc
import SystemPackage

/// This process and its children.
public enum Process {
    public static var id: Int32 { getpid() }
    public static var parent: Int32 { getppid() }
    public static var effectiveUser: UInt32 { geteuid() }

    /// The command line as it was given, without the program's name: arguments need not be UTF-8.
    public static var arguments: [[UInt8]] {
        var all: [[UInt8]] = []
        for i in 1..<max(1, Int(CommandLine.argc)) {
            guard let text = CommandLine.unsafeArgv[i] else { break }
            all.append(Array(UnsafeBufferPointer(start: text, count: strlen(text))).map { UInt8(bitPattern: $0) })
        }
        return all
    }

    /// A variable of the environment.
    public static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    public static func setEnvironment(_ name: String, _ value: String) {
        setenv(name, value, 1)
    }

    public static func removeEnvironment(_ name: String) {
        unsetenv(name)
    }

    /// `NAME=value` of all variables.
    public static var environment: [String] {
        var list: [String] = []
        guard var entry = cy_environ() else { return list }
        while let text = entry.pointee {
            list.append(String(cString: text))
            entry += 1
        }
        return list
    }

    @discardableResult
    public static func setUmask(_ mask: UInt32) -> UInt32 {
        UInt32(cy_umask(CInt(mask)))
    }

    /// Soft and hard limit of open descriptors.
    public static var descriptorLimit: (soft: UInt, hard: UInt) {
        var soft: rlim_t = 0
        var hard: rlim_t = 0
        _ = cy_getrlimit_nofile(&soft, &hard)
        return (UInt(soft), UInt(hard))
    }

    public static func setDescriptorLimit(soft: UInt) throws(PosixError) {
        let hard = descriptorLimit.hard
        guard cy_setrlimit_nofile(rlim_t(min(soft, hard)), rlim_t(hard)) == 0 else { throw .last("setrlimit(RLIMIT_NOFILE)") }
    }

    public static func changeDirectory(_ path: String) throws(PosixError) {
        guard chdir(path) == 0 else { throw .last("chdir", path) }
    }

    /// CPU seconds used by this process: in user code, in the kernel.
    public static var usage: (user: Double, system: Double) {
        var raw = rusage()
        getrusage(0, &raw)  // RUSAGE_SELF
        return (
            Double(raw.ru_utime.tv_sec) + Double(raw.ru_utime.tv_usec) / 1e6,
            Double(raw.ru_stime.tv_sec) + Double(raw.ru_stime.tv_usec) / 1e6
        )
    }

    public static var hostName: String {
        var buffer = [UInt8](repeating: 0, count: 256)
        buffer.withUnsafeMutableBytes { raw in
            _ = raw.withMemoryRebound(to: CChar.self) { gethostname($0.baseAddress!, 255) }  // 256 bytes have an address
        }
        return String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Ends the process at once with an exit status, running exit handlers.
    public static func exit(_ status: Int32) -> Never {
        Glibc.exit(status)
    }

    // MARK: children

    /// What is to run.
    public struct Command: Sendable {
        public var path: String
        /// argv, the program's name first.
        public var arguments: [String]
        /// `NAME=value`; nil: this process's.
        public var environment: [String]?
        /// Descriptors of this process and what they become in the child (from -1: closed there). Others that are close-on-exec vanish.
        public var descriptors: [(from: CInt, to: CInt)] = []
        /// All descriptors from this one on are closed in the child; nil: none (they are close-on-exec).
        public var closeFrom: CInt?
        /// Soft limit of open descriptors, capped to the hard one; 0 leaves it.
        public var descriptorLimit = 0
        /// 1: a process group of its own; more: joins that group; 0: the parent's.
        public var processGroup: Int32 = 0
        public var directory: String?
        public var user: UInt32?
        public var group: UInt32?

        public init(_ path: String, _ arguments: [String]) {
            self.path = path
            self.arguments = arguments
        }
    }

    /// Starts a child. An exec that fails is an error here (the child is reaped), so that a missing program is not taken for a crash.
    public static func spawn(_ command: Command) throws(PosixError) -> Int32 {
        let arguments = command.arguments.map { strdup($0) } + [nil]
        let environment = (command.environment ?? self.environment).map { strdup($0) } + [nil]
        defer {
            for text in arguments { free(text) }
            for text in environment { free(text) }
        }
        let from = command.descriptors.map(\.from)
        let to = command.descriptors.map(\.to)
        var failed: CInt = 0
        let pid = command.path.withCString { path in
            arguments.withUnsafeBufferPointer { arguments in
                environment.withUnsafeBufferPointer { environment in
                    from.withUnsafeBufferPointer { from in
                        to.withUnsafeBufferPointer { to in
                            func start(_ directory: UnsafePointer<CChar>?) -> pid_t {
                                var request = cy_spawn()
                                request.path = path
                                request.arguments = arguments.baseAddress
                                request.environment = environment.baseAddress
                                request.from = from.baseAddress
                                request.to = to.baseAddress
                                request.mappings = CInt(from.count)
                                request.close_from = command.closeFrom ?? -1
                                request.nofile = command.descriptorLimit
                                request.new_group = command.processGroup
                                request.directory = directory
                                request.uid = command.user ?? UInt32.max
                                request.gid = command.group ?? UInt32.max
                                return cy_spawn_process(&request, &failed)
                            }
                            if let directory = command.directory { return directory.withCString { start($0) } }
                            return start(nil)
                        }
                    }
                }
            }
        }
        guard pid > 0 else { throw .last("fork", command.path) }
        if failed != 0 {
            _ = try? wait(for: pid)
            throw PosixError("exec", command.path, errno: Errno(rawValue: failed))
        }
        return pid
    }

    /// How a child ended.
    public enum Ending: Sendable, Equatable {
        case exited(Int32)
        case signaled(Int32, core: Bool)
    }

    private static func ending(_ status: CInt) -> Ending {
        if cy_wifsignaled(status) != 0 { return .signaled(cy_wtermsig(status), core: cy_wcoredump(status) != 0) }
        return .exited(cy_wexitstatus(status))
    }

    /// Waits for one child.
    public static func wait(for pid: Int32) throws(PosixError) -> Ending {
        var status: CInt = 0
        guard retrying({ waitpid(pid, &status, 0) }) >= 0 else { throw .last("waitpid", String(pid)) }
        return ending(status)
    }

    /// A child that has ended, without waiting; nil when none has.
    public static func reap() -> (pid: Int32, ending: Ending)? {
        var status: CInt = 0
        let pid = retrying { waitpid(-1, &status, WNOHANG) }
        return pid > 0 ? (pid, ending(status)) : nil
    }

    /// fork(2) for going into the background: 0 in the child. Only for a process without threads.
    public static func fork() throws(PosixError) -> Int32 {
        let pid = cy_fork()
        guard pid >= 0 else { throw .last("fork") }
        return pid
    }

    /// Leads a session and process group of its own.
    public static func newSession() throws(PosixError) {
        guard setsid() >= 0 else { throw .last("setsid") }
    }

    /// Whether this process leads its group, so that the group is its own children's.
    public static var leadsGroup: Bool { getpgrp() == getpid() }

    /// Whether a process of that id is there.
    public static func exists(_ pid: Int32) -> Bool {
        kill(pid, 0) == 0 || errno == EPERM
    }
}

/// An entry of the user database.
public struct UserEntry: Sendable {
    public let name: String
    public let user: UInt32
    public let group: UInt32
    public let home: String

    public init?(_ name: String) {
        guard let entry = getpwnam(name) else { return nil }
        self.name = name
        user = entry.pointee.pw_uid
        group = entry.pointee.pw_gid
        home = String(cString: entry.pointee.pw_dir)
    }

    public static func group(_ name: String) -> UInt32? {
        getgrnam(name)?.pointee.gr_gid
    }

    /// Becomes this user for good but keeps the capability to bind ports below 1024; false when the kernel does not let it keep that.
    public func becomeKeepingPorts(group: UInt32? = nil) throws(PosixError) -> Bool {
        let primary = group ?? self.group
        guard initgroups(name, primary) == 0 else { throw .last("initgroups", name) }
        guard setgid(primary) == 0 else { throw .last("setgid", String(primary)) }
        let kept = cy_keep_capabilities() == 0
        guard setuid(user) == 0 else { throw .last("setuid", name) }
        return kept && cy_only_bind_capability() == 0
    }

    /// Becomes this user for good, with the groups it has (and `group` as primary one, if given). Needs root.
    public func become(group: UInt32? = nil) throws(PosixError) {
        let primary = group ?? self.group
        guard initgroups(name, primary) == 0 else { throw .last("initgroups", name) }
        guard setgid(primary) == 0 else { throw .last("setgid", String(primary)) }
        guard setuid(user) == 0 else { throw .last("setuid", name) }
    }
}
