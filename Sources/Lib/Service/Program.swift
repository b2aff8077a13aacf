public import Configuration
public import Logging
import Posix
import Syslog

/// What every program does first: reads imapd.conf, opens the log, becomes the cyrus user.
public struct Program: Sendable {
    public let configuration: Configuration
    public let logger: Logger

    /// `ident` is the program's name for imapd.conf's overrides and for the log. Ends the process with 78 when the configuration is bad.
    public static func start(ident: String, configurationPath: String?, becomesCyrus: Bool = true) -> Program {
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try Configuration.load(path: configurationPath, ident: ident)
        } catch {
            fatal("\(error)", ExitStatus.configuration, nil)
        }
        let prefix = Process.environment("CYRUS_SYSLOG_PREFIX") ?? configuration[.syslog_prefix]
        let logger = Syslog.open(
            ident: ident, prefix: prefix, facility: configuration[.syslog_facility] ?? "mail", debug: configuration[.debug])
        for warning in configuration.warnings { logger.warning("\(warning)") }
        Process.setUmask(configuration.umask)
        if becomesCyrus { becomeCyrus(configuration, logger) }
        return Program(configuration: configuration, logger: logger)
    }

    /// As root, goes on as the user of option cyrus_user (env CYRUS_USER, default cyrus) for good. Where there is no such user, as root.
    private static func becomeCyrus(_ configuration: Configuration, _ logger: Logger) {
        guard Process.effectiveUser == 0 else { return }
        let name = Process.environment("CYRUS_USER") ?? configuration[.cyrus_user] ?? "cyrus"
        guard let user = UserEntry(name) else {
            logger.warning("no user \(name) to become; going on as root")
            return
        }
        let groupName = Process.environment("CYRUS_GROUP") ?? configuration[.cyrus_group]
        do throws(PosixError) {
            try user.become(group: groupName.flatMap { UserEntry.group($0) })
        } catch {
            fatal("must run as the Cyrus user: \(error)", ExitStatus.usage, logger)
        }
    }

    /// `fatal error: TEXT` on standard error and in the log, then the end.
    public static func fatal(_ text: String, _ status: Int32, _ logger: Logger?) -> Never {
        logger?.critical("\(text)")
        logger?.notice("exiting")
        printError("fatal error: \(text)")
        Process.exit(status)
    }

    /// A line on standard error.
    public static func printError(_ line: String) {
        do throws(PosixError) { try Descriptor.write(2, Array((line + "\n").utf8)) } catch {}
    }

    /// Text on standard output. A closed pipe ends the process quietly.
    public static func printOutput(_ text: String) {
        do throws(PosixError) { try Descriptor.write(1, Array(text.utf8)) } catch { Process.exit(ExitStatus.ioError) }
    }
}
