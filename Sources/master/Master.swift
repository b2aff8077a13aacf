import Configuration
import Logging
import Posix

/// The edge: descriptors, children and the clock around the pure machines. One loop, one thread.
final class Master {
    let options: CommandOptions
    let configuration: Configuration
    let log: Logger
    let manager: ServiceManager

    /// Services then daemons, in the order of cyrus.conf; removed ones until their last process is gone.
    var instances: [Instance] = []
    var children = Children()
    var schedule: EventSchedule
    var listeners: Listeners
    var waitDaemonGroup: Int32 = 0
    /// /dev/null, for what a child is not to have.
    let nullDescriptor: CInt

    var isStopping = false
    var stopBegan: Double?
    var reportedStuck = false
    var nextReport: Double?
    var nextSign: Double?
    var nextSweep: Double?
    var takenAddresses: [TakenAddress] = []
    var nextBind: Double?

    /// What wakes the loop.
    static let signals: [Signal] = [.hangup, .terminate, .quit, .interrupt, .child]

    init(
        options: CommandOptions, configuration: Configuration, log: Logger, manager: ServiceManager, activated: [Activation.Passed]
    ) {
        self.options = options
        self.configuration = configuration
        self.log = log
        self.manager = manager
        schedule = EventSchedule([], at: Clock.now)
        // Where there is no /dev/null, children get what master reads from.
        nullDescriptor = (try? File("/dev/null", .readWrite))?.release() ?? 0
        listeners = Listeners(
            backlog: options.backlog, typeOfService: typeOfService(qosmarking: configuration[.qosmarking]) ?? 0, activated: activated)
    }

    /// Starts everything and runs until told to stop.
    func run() throws(Exit) {
        Signal.block(Self.signals)
        for signal in Self.signals { signal.catch() }
        Signal.alarm.ignore()
        Signal.pipe.ignore()
        let wanted = try readConfiguration(isReload: false)
        try runStartEntries(wanted.starts)
        for entry in wanted.services { try add(entry) }
        for entry in wanted.daemons where !entry.wait { try add(entry) }
        for entry in wanted.daemons where entry.wait {
            let daemon = try add(entry)
            try startWaitDaemon(daemon)
        }
        // A manager's sockets that no service asked for would fill up unserved.
        for passed in listeners.activated {
            log.warning("socket \(passed.name) passed by the service manager belongs to no service")
            Descriptor.close(passed.descriptor)
        }
        listeners.activated = []
        schedule = EventSchedule(wanted.events, at: Clock.now)
        becomeReady()
        try loop()
        finish()
    }

    private func becomeReady() {
        let now = Clock.monotonic
        if configuration[.prometheus_enabled] {
            log.debug("updating \(reportPath) every \(configuration[.prometheus_update_freq]) seconds")
            nextReport = now
        }
        nextSign = manager.watchdogInterval.map { now + $0 }
        log.debug("ready for work")
        manager.tell("READY=1", "MAINPID=\(Process.id)", "STATUS=\(statusLine)")
        let path = configuration[.master_ready_file]
        guard !path.isEmpty else { return }
        do throws(PosixError) {
            let file = try File(path, .write, create: .truncate, mode: 0o644)
            try file.write(Array("\(Process.id)\n".utf8))
        } catch {
            log.warning("cannot write the ready file: \(error)")
        }
    }

    private func finish() {
        if !configuration[.master_ready_file].isEmpty { _ = try? FileSystem.unlink(configuration[.master_ready_file]) }
        log.notice("All children have exited, closing down")
    }

    var statusLine: String {
        let services = instances.count { $0.machine.phase == .enabled && $0.machine.settings.kind == .service }
        return "\(services) services, \(instances.reduce(0) { $0 + $1.machine.active }) processes"
    }

    /// Reads cyrus.conf and logs what is odd in it.
    func readConfiguration(isReload: Bool) throws(Exit) -> MasterConfiguration {
        do throws(ConfigurationError) {
            let wanted = try MasterConfiguration.load(path: options.masterConfiguration, isReload: isReload)
            for warning in wanted.warnings { log.warning("\(warning)") }
            for service in wanted.services where !isRunnable(service.command) {
                throw .missingExecutable(name: service.name, service.place)
            }
            for daemon in wanted.daemons where !isRunnable(daemon.command) {
                throw .missingExecutable(name: daemon.name, daemon.place)
            }
            return wanted
        } catch {
            throw Exit(.configuration, error.description)
        }
    }

    private func isRunnable(_ command: CommandWords) -> Bool { FileSystem.isExecutable(path(of: command)) }

    /// Where programs without a path are looked for, as Debian installs them.
    static let programDirectories = ["/usr/lib/cyrus/bin", "/usr/sbin"]

    func path(of command: CommandWords) -> String {
        command.path(directories: Self.programDirectories, exists: FileSystem.exists)
    }

    func perform(_ actions: [ServiceMachine.Action], for instance: Instance) {
        for action in actions {
            switch action {
            case .log(let level, let text): log.log(level: level, "\(text)")
            case .closeListener: instance.closeListener()
            }
        }
    }
}
