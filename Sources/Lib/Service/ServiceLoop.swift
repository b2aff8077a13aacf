public import Configuration
public import Logging
public import Mailbox
import Posix
import Syslog
public import Wire

/// What a service's protocol code is given.
public final class ServiceContext {
    public let configuration: Configuration
    public let logger: Logger
    public let store: MailStore
    /// The service's name in cyrus.conf (`imap`, `imaps`, `lmtpunix` …).
    public let service: String
    public let options: ProgramOptions
    public let accounts: Accounts
    /// Connections served by this process, this one included.
    public internal(set) var uses = 0

    init(_ program: Program, service: String, options: ProgramOptions) {
        configuration = program.configuration
        logger = program.logger
        self.service = service
        self.options = options
        store = MailStore(program.configuration, logger: program.logger)
        accounts = Accounts(store, service: service)
        store.attachObservers()
    }

    /// `PREFIX-TIME-PID-N-RANDOM`, new for each login.
    public func makeSessionID() -> String {
        logins += 1
        let ident = configuration[.syslog_prefix] ?? service
        return "\(ident)-\(Clock.now)-\(Process.id)-\(logins)-\(UInt64.random(in: 0...UInt64.max))"
    }
    private var logins = 0

    /// The text of `msg/shutdown`'s first line: clients are to be told it and sent away. nil when there is no such file.
    public var shutdownText: String? { message("shutdown") }
    /// The first line of `msg/motd`.
    public var motd: String? { message("motd") }

    private func message(_ name: String) -> String? {
        guard let bytes = try? FileSystem.read("\(configuration.directory)/msg/\(name)") else { return nil }
        return bytes.text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }

    /// A signal asked this process to end.
    public static var shouldStop: Bool { Signal.terminate.isPending || Signal.quit.isPending || Signal.interrupt.isPending }
}

/// One protocol.
public protocol ServiceProtocol: AnyObject {
    /// getopt letters of its own flags (`sp:N`).
    static var flags: String { get }
    /// Made once per process, before the first connection.
    init(_ context: ServiceContext)
    /// Serves one connection to its end; buffered output is sent afterwards.
    func serve(_ connection: Connection, _ client: Client)
}

/// The part of the contract between master and its services that services have: descriptors 3 and 4, status messages, the accept lock,
/// reuse and idle limits, signals.
public enum ServiceLoop {
    private static let statusDescriptor: CInt = 3
    private static let listenDescriptor: CInt = 4
    private static let stopSignals: [Signal] = [.hangup, .terminate, .quit, .interrupt]

    private enum Message: Int32 {
        case available = 1
        case unavailable = 2
        case connection = 3
    }

    /// Runs a service for as long as master wants it.
    public static func run<Service: ServiceProtocol>(_ type: Service.Type, program: String) -> Never {
        let options: ProgramOptions
        do throws(ProgramOptions.Failure) {
            options = try ProgramOptions(Array(CommandLine.arguments.dropFirst()), "C:U:T:DX" + Service.flags)
        } catch {
            Program.printError("\(program): \(error)")
            Process.exit(ExitStatus.usage)
        }
        let standalone = options.has("X")
        let service = Process.environment("CYRUS_SERVICE") ?? (standalone ? program : nil)
        guard let service else {
            let logger = Syslog.open(ident: program)
            logger.error("could not getenv(CYRUS_SERVICE); exiting")
            Program.printError("\(program): could not getenv(CYRUS_SERVICE); it is to be started by master (or with -X)")
            Process.exit(ExitStatus.software)
        }
        let base = Program.start(ident: service, configurationPath: options.argument("C"))
        Signal.pipe.ignore()
        for signal in [Signal.hangup, .terminate, .quit, .interrupt, .alarm] { signal.catch() }
        // Whoever started master may have blocked them.
        Signal.unblock(stopSignals + [.alarm])
        Signal.hangup.comesWhenParentEnds()
        let context = ServiceContext(base, service: service, options: options)
        if options.has("D") { runDebugCommand(context, program) }
        if standalone {
            let handler = Service(context)
            serve(handler, context, Connection(input: 0, output: 1), Client(socket: 0))
            Process.exit(0)
        }
        guard let instance = Process.environment("CYRUS_ID") else {
            base.logger.error("could not getenv(CYRUS_ID); exiting")
            Process.exit(ExitStatus.software)
        }
        acceptLoop(Service(context), context, instance)
    }

    private static func runDebugCommand(_ context: ServiceContext, _ program: String) {
        guard let command = context.configuration[.debug_command] else { return }
        let text = command.replacing("%s", with: program, maxReplacements: 1).replacing("%d", with: String(Process.id), maxReplacements: 1)
            .replacing("%s", with: context.service)
        do throws(PosixError) {
            _ = try Process.wait(for: Process.spawn(.init("/bin/sh", ["sh", "-c", text])))
        } catch {
            context.logger.error("debug_command: \(error)")
        }
    }

    private static func acceptLoop<Service: ServiceProtocol>(_ handler: Service, _ context: ServiceContext, _ instance: String) -> Never {
        let limit = context.options.argument("U").flatMap { Int($0) } ?? 250
        let idle = max(1, context.options.argument("T").flatMap { Int($0) } ?? 60)
        let program = try? FileSystem.status("/proc/self/exe")
        let programPath = (try? FileSystem.readLink("/proc/self/exe")) ?? ""
        let lock = AcceptLock(context, instance)
        // Close-on-exec: what a service starts must not keep master's pipe and socket open.
        do throws(PosixError) {
            try Descriptor.setCloseOnExec(statusDescriptor, true)
            try Descriptor.setCloseOnExec(listenDescriptor, true)
        } catch {
            Program.fatal("descriptors 3 and 4 are not master's: \(error)", ExitStatus.software, context.logger)
        }
        while true {
            if let now = try? FileSystem.status(programPath), let program, now.inode != program.inode || now.modified != program.modified {
                context.logger.info("process file has changed")
                leave(0)
            }
            let wait = context.uses == 0 ? -1 : Int.random(in: idle...(2 * idle)) * 1000
            guard let socket = accept(context, lock, wait) else { leave(0) }
            notify(.unavailable)
            notify(.connection)
            context.uses += 1
            let descriptor = socket.release()
            let client = Client(socket: descriptor)
            if !client.isUnixSocket { setKeepAlive(descriptor, context.configuration) }
            serve(handler, context, Connection(input: descriptor, output: descriptor), client)
            Descriptor.close(descriptor)
            if ServiceContext.shouldStop || Signal.hangup.isPending || context.uses >= max(1, limit) { Process.exit(0) }
            notify(.available)
        }
    }

    private static func serve<Service: ServiceProtocol>(
        _ handler: Service, _ context: ServiceContext, _ connection: Connection, _ client: Client
    ) {
        connection.shouldStop = {
            if Signal.hangup.isPending, isOrphaned { releaseListener() }
            return ServiceContext.shouldStop
        }
        handler.serve(connection, client)
        do throws(ConnectionError) { try connection.flush() } catch {}
    }

    /// The next connection; nil when the process is to end.
    private static func accept(_ context: ServiceContext, _ lock: AcceptLock, _ milliseconds: Int) -> Socket? {
        while true {
            if ServiceContext.shouldStop || Signal.hangup.isPending { return nil }
            guard lock.acquire() else { continue }
            defer { lock.release() }
            do throws(PosixError) {
                guard try waitForClient(milliseconds) else {
                    if ServiceContext.shouldStop || Signal.hangup.isPending || milliseconds >= 0 { return nil }
                    continue
                }
                // Without the accept lock another process may have been faster: then this waits, and signals interrupt it.
                if let socket = try Socket.accept(listenDescriptor) { return socket }
            } catch {
                context.logger.error("accept failed: \(error)")
                return nil
            }
        }
    }

    /// False at the time-out, or when a signal came. None comes unseen between asking for one and the wait: it would be waited on
    /// for as long as nobody connects.
    private static func waitForClient(_ milliseconds: Int) throws(PosixError) -> Bool {
        Signal.block(stopSignals)
        defer { Signal.unblock(stopSignals) }
        if ServiceContext.shouldStop || Signal.hangup.isPending { return false }
        // Descriptor 3 has nothing to be read: it is there for its error, when nobody holds the other end.
        var entries = [PollEntry(listenDescriptor), PollEntry(statusDescriptor)]
        guard try Poll.wait(&entries, milliseconds: milliseconds, signals: stopSignals) > 0 else { return false }
        if entries[1].isHungUp { leave(0) }
        return entries[0].isReady
    }

    /// Whether master is gone without having ended its services (killed). They serve the client they have, and end: another master
    /// shall have the address.
    private static var isOrphaned: Bool {
        var entries = [PollEntry(statusDescriptor)]
        do throws(PosixError) {
            return try Poll.wait(&entries, milliseconds: 0) > 0 && entries[0].isHungUp
        } catch {
            return false
        }
    }

    /// An address is free when the last process has closed its socket. The number stays taken, so that it is not another file's.
    private static func releaseListener() {
        do throws(PosixError) {
            let nothing = try File("/dev/null", .read)
            try Descriptor.duplicate(nothing.descriptor, to: listenDescriptor)
            try Descriptor.setCloseOnExec(listenDescriptor, true)
        } catch {
            // It goes with this process then.
        }
    }

    /// Ends in READY state, which master must not take for a failure.
    private static func leave(_ status: Int32) -> Never {
        notify(.unavailable)
        Process.exit(status)
    }

    /// Two native ints: what, and who.
    private static func notify(_ message: Message) {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: message.rawValue) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: Process.id) { bytes.append(contentsOf: $0) }
        do throws(PosixError) { try Descriptor.write(statusDescriptor, bytes) } catch { Process.exit(0) }
    }

    private static func setKeepAlive(_ descriptor: CInt, _ configuration: Configuration) {
        Socket.setNoDelay(descriptor)
        guard configuration[.tcp_keepalive] else { return }
        do throws(PosixError) {
            try Socket.setKeepAlive(
                descriptor, count: configuration[.tcp_keepalive_cnt], idle: configuration[.tcp_keepalive_idle],
                interval: configuration[.tcp_keepalive_intvl])
        } catch {}
    }
}

/// One process of a service waits in accept at a time (`socket/SERVICE-ID.lock`).
private final class AcceptLock {
    private let file: OpenLock?

    private final class OpenLock {
        let file: File
        init(_ path: String) throws(PosixError) { file = try File(path, .readWrite, create: .ifMissing, mode: 0o600) }
    }

    init(_ context: ServiceContext, _ instance: String) {
        let path = "\(context.configuration.directory)/socket/\(context.service)-\(instance).lock"
        do throws(PosixError) {
            file = try OpenLock(path)
        } catch {
            context.logger.error("locking disabled: couldn't open socket lockfile \(error)")
            file = nil
        }
    }

    /// False when a signal came first.
    func acquire() -> Bool {
        guard let file else { return true }
        do throws(PosixError) { return try file.file.lockUnlessInterrupted(.exclusive) } catch { return true }
    }

    func release() {
        guard let file else { return }
        do throws(PosixError) { try file.file.unlock() } catch {}
    }
}
