import Posix

/// The service manager that started master (sd_notify(3)): told of readiness, reloads, the end, and that master is alive.
struct ServiceManager {
    private let address: SocketAddress?
    /// Seconds between signs of life; nil when none are asked for.
    let watchdogInterval: Double?

    init() {
        address = Process.environment("NOTIFY_SOCKET").flatMap { Self.address($0) }
        watchdogInterval = Self.watchdog(
            microseconds: Process.environment("WATCHDOG_USEC"), pid: Process.environment("WATCHDOG_PID"), self: Process.id)
        // The children are not to speak in our name.
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { Process.removeEnvironment(name) }
    }

    static func address(_ text: String) -> SocketAddress? {
        text.hasPrefix("@") ? SocketAddress(abstract: String(text.dropFirst())) : SocketAddress(unix: text)
    }

    /// Half of the time after which the manager takes the process for dead.
    static func watchdog(microseconds: String?, pid: String?, self id: Int32) -> Double? {
        guard let microseconds, let value = Double(microseconds), value > 0 else { return nil }
        if let pid, Int32(pid) != id { return nil }
        return value / 2e6
    }

    /// Sends assignments such as `READY=1`. Nobody listening is no error.
    func tell(_ assignments: String...) {
        guard let address, let socket = try? Socket.datagram(bound: nil) else { return }
        try? socket.send(Array(assignments.joined(separator: "\n").utf8), to: address)
    }
}
