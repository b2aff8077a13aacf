extension OptionRecord {
    /// Options that Cyrus 3.6.1 has not: later versions' that are taken over, and this project's own.
    static let ours: [OptionRecord] = [
        .init(
            "master_pid_file", .optionalString(.master_pid_file), since: "3.11.0",
            "master's pid file where -p names none (default: /run/cyrus-master.pid)"),
        .init(
            "master_ready_file", .string(.master_ready_file, "{configdirectory}/master.ready"), since: "3.11.0",
            "exists while master is ready for work"),
    ]

    /// The names of the options that Cyrus 3.6.1 has not.
    public static var namesOfOurs: [String] { ours.map(\.name) }
}
