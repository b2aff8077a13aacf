import Bytes

/// cyrus.conf: what master is to run.
public struct MasterConfiguration: Sendable, Equatable {
    public var starts: [StartEntry] = []
    public var services: [ServiceEntry] = []
    public var events: [EventEntry] = []
    public var daemons: [DaemonEntry] = []
    /// What is to be logged: unknown sections and attributes, values that are not understood.
    public var warnings: [ConfigurationWarning] = []

    public init() {}
}

/// A command of the START section: run and waited for before anything else.
public struct StartEntry: Sendable, Equatable {
    public var name: String
    public var command: CommandWords
    public var place: Place
}

/// A command of the SERVICES section: a listening socket and the processes that serve it.
public struct ServiceEntry: Sendable, Equatable {
    public enum Transport: String, Sendable, CaseIterable { case tcp, tcp4, tcp6, udp, udp4, udp6 }

    public var name: String
    public var command: CommandWords
    /// `/path`, `port`, `host:port`, `[ipv6]:port`.
    public var listen: String
    /// As written; `transport` is nil when it is none of the known words (the service is disabled then, as by Cyrus).
    public var proto: String
    public var transport: Transport? { Transport(rawValue: proto) }
    /// Ready workers to keep.
    public var prefork: Int
    /// Workers at most; -1 unlimited.
    public var maxChildren: Int
    /// Forks per second at most; 0 unlimited.
    public var maxForkRate: Int
    /// Soft limit of open descriptors; 0 leaves it.
    public var maxDescriptors: Int
    /// Never left without a worker.
    public var babysit: Bool
    public var place: Place

    public var isDatagram: Bool { proto.hasPrefix("udp") || (listen.hasPrefix("/") && !proto.hasPrefix("tcp")) }
    public var isUnix: Bool { listen.hasPrefix("/") }
}

/// A command of the EVENTS section.
public struct EventEntry: Sendable, Equatable {
    public enum Schedule: Sendable, Equatable {
        /// When master starts (and at each SIGHUP).
        case once
        /// When master starts, then every so many minutes.
        case every(minutes: Int)
        /// Daily at this local time.
        case daily(hour: Int, minute: Int)
        /// Whenever the local time matches (this project's addition).
        case cron(CronSchedule)
    }

    public var name: String
    public var command: CommandWords
    public var schedule: Schedule
    public var place: Place
}

/// A command of the DAEMON section: one long-running process, started again when it ends.
public struct DaemonEntry: Sendable, Equatable {
    public var name: String
    public var command: CommandWords
    /// Started before the services, one after the other; must write `ok` to descriptor 3.
    public var wait: Bool
    /// Forks per second at most.
    public var maxForkRate: Int
    public var maxDescriptors: Int
    public var place: Place
}

/// The words of a `cmd=`, split at white space (there is no quoting).
public struct CommandWords: Sendable, Equatable {
    public var words: [String]

    public init(_ text: String) {
        words = text.utf8.split(whereSeparator: \.isASCIISpace).map { String($0) ?? "" }
    }

    /// Where the program is: an absolute path as it stands, else below the first of `directories` that `exists` finds it in.
    public func path(directories: [String], exists: (String) -> Bool) -> String {
        let word = words.first ?? ""
        if word.hasPrefix("/") { return word }
        let candidates = directories.map { "\($0)/\(word)" }
        return candidates.first(where: exists) ?? candidates.last ?? word
    }
}
