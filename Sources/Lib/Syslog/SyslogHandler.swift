import CPosix
import Glibc
public import Logging

/// The back end of swift-log over syslog(3): idents and words are Cyrus's, so that log watchers (fail2ban, logcheck) go on working.
///
/// Levels map one to one: trace and debug → DEBUG, info, notice, warning, error → ERR, critical → CRIT.
public struct SyslogHandler: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    /// Also written to standard error (tools run by hand).
    public var echo = false

    public init(level: Logger.Level = .info) {
        logLevel = level
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let text = event.message.description
        var line = text
        // Fixed keys follow the sentence as logfmt, sorted so that a line is always the same.
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=<\(value)>" }
        cy_syslog(event.level.priority, line)
        if echo {
            line += "\n"
            line.withCString { _ = write(2, $0, strlen($0)) }
        }
    }
}

extension Logger.Level {
    var priority: CInt {
        switch self {
        case .trace, .debug: LOG_DEBUG
        case .info: LOG_INFO
        case .notice: LOG_NOTICE
        case .warning: LOG_WARNING
        case .error: LOG_ERR
        case .critical: LOG_CRIT
        }
    }
}

/// The process's connection to syslog.
public enum Syslog {
    /// Opens with ident `PREFIX/SERVICE` (or `SERVICE` without a prefix) and the facility's name as in imapd.conf (`mail`, `local6` …).
    /// Returns the process's logger. To be called once, at start.
    public static func open(ident: String, prefix: String? = nil, facility: String = "mail", debug: Bool = false) -> Logger {
        let name = prefix.map { "\($0)/\(ident)" } ?? ident
        // syslog keeps the pointer for the life of the process: this copy is never freed.
        openlog(strdup(name), LOG_PID, code(of: facility) ?? LOG_MAIL)
        return Logger(label: name) { _ in SyslogHandler(level: debug ? .debug : .info) }
    }

    /// The number of a facility's name (LOCAL0…7, MAIL, DAEMON …), nil when there is none.
    public static func code(of facility: String) -> CInt? {
        let name = facility.lowercased()
        if name.hasPrefix("local"), let digit = name.last?.wholeNumberValue, name.utf8.count == 6, digit < 8 {
            return CInt(16 + digit) << 3
        }
        let names: [(String, CInt)] = [
            ("kern", 0), ("user", 1), ("mail", 2), ("daemon", 3), ("auth", 4), ("syslog", 5), ("lpr", 6), ("news", 7), ("uucp", 8),
            ("cron", 9), ("authpriv", 10), ("ftp", 11),
        ]
        return names.first { $0.0 == name }.map { $0.1 << 3 }
    }
}
