import Configuration
import Logging
import Posix
import Syslog

/// From the command line to a running master: configuration, log, standard descriptors, pid file, user.
enum Launch {
    static func run(_ options: CommandOptions) -> Exit.Code {
        // systemd's sockets stand where children's descriptors go: they are moved first.
        let activated = Activation.take()
        Descriptor.closeOnExec(from: 3)
        let manager = ServiceManager()
        var log = Logger(label: "master") { _ in
            var handler = SyslogHandler()
            handler.echo = true
            return handler
        }
        do throws(Exit) {
            let configuration = try load(options)
            log = open(configuration, options)
            for warning in configuration.warnings { log.warning("\(warning)") }
            log.debug("process started")
            guard !(options.daemonize && options.keepsStandardIO) else {
                throw Exit(.failure, "-d and -D cannot be used together")
            }
            if !options.keepsStandardIO { try redirect(options.errorLog) }
            let path = options.pidFile ?? configuration[.master_pid_file] ?? "/run/cyrus-master.pid"
            let background = options.daemonize ? try Background.enter(pidFile: path, directory: configuration.directory) : nil
            if case .parent(let code)? = background { return code }
            if case .busy? = background { throw Exit(.busy, "cannot get exclusive lock on \(path).lock") }
            let pidFile = try takePidFile(path, background)
            try become(configuration, log)
            let master = Master(options: options, configuration: configuration, log: log, manager: manager, activated: activated)
            try master.run()
            // Held until here.
            _ = consume pidFile
            return .success
        } catch {
            log.critical("\(error.text)")
            log.notice("exiting")
            return error.code
        }
    }

    private static func load(_ options: CommandOptions) throws(Exit) -> Configuration {
        do throws(ConfigurationError) {
            return try Configuration.load(path: options.configuration, ident: "master")
        } catch {
            throw Exit(.configuration, error.description)
        }
    }

    private static func open(_ configuration: Configuration, _ options: CommandOptions) -> Logger {
        let prefix = Process.environment("CYRUS_SYSLOG_PREFIX") ?? configuration[.syslog_prefix]
        var log = Syslog.open(ident: "master", prefix: prefix, debug: configuration[.debug])
        if options.keepsStandardIO {
            let debug = configuration[.debug]
            log = Logger(label: "master") { _ in
                var handler = SyslogHandler(level: debug ? .debug : .info)
                handler.echo = true
                return handler
            }
        }
        return log
    }

    /// 0 to 2 are /dev/null, 1 and 2 the file of -L when given.
    private static func redirect(_ errorLog: String?) throws(Exit) {
        do throws(PosixError) {
            let null = try File("/dev/null", .readWrite)
            try Descriptor.duplicate(null.descriptor, to: 0)
            guard let errorLog else {
                try Descriptor.duplicate(null.descriptor, to: 1)
                try Descriptor.duplicate(null.descriptor, to: 2)
                return
            }
            let file = try File(errorLog, .append, create: .ifMissing, mode: 0o600)
            try Descriptor.duplicate(file.descriptor, to: 1)
            try Descriptor.duplicate(file.descriptor, to: 2)
        } catch {
            throw Exit(.descriptors, "\(error)")
        }
    }

    private static func takePidFile(_ path: String, _ background: Background?) throws(Exit) -> PidFile {
        do throws(Exit) {
            let file = try PidFile(path)
            try file.write()
            background?.report(.success)
            return file
        } catch {
            background?.report(error.code)
            throw error
        }
    }

    /// Root becomes user cyrus (or the one configured) but keeps the right to bind low ports, for services that SIGHUP adds.
    private static func become(_ configuration: Configuration, _ log: Logger) throws(Exit) {
        guard Process.effectiveUser == 0 else { return }
        let name = Process.environment("CYRUS_USER") ?? configuration[.cyrus_user] ?? "cyrus"
        guard let user = UserEntry(name) else {
            log.warning("no user \(name): running as root")
            return
        }
        let groupName = Process.environment("CYRUS_GROUP") ?? configuration[.cyrus_group] ?? "mail"
        do throws(PosixError) {
            if try !user.becomeKeepingPorts(group: UserEntry.group(groupName)) {
                log.warning("cannot keep CAP_NET_BIND_SERVICE: ports below 1024 may not be bound")
            }
        } catch {
            throw Exit(.osError, "can't change to the cyrus user: \(error)")
        }
    }
}
