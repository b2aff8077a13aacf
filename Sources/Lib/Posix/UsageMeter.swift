/// What CPU time a process has used since it was last asked (Cyrus `telemetry_rusage`): a process serves many, one after the other.
public struct UsageMeter {
    private var last = Process.usage

    public init() {}

    /// `USAGE alice user: 0.001234 sys: 0.000567`, in seconds.
    public mutating func line(for user: String) -> String {
        let now = Process.usage
        defer { last = now }
        return "USAGE \(user) user: \(Self.seconds(now.user - last.user)) sys: \(Self.seconds(now.system - last.system))"
    }

    private static func seconds(_ value: Double) -> String {
        let micro = Int(max(0, value) * 1e6)
        let rest = String(micro % 1_000_000)
        return "\(micro / 1_000_000).\(String(repeating: "0", count: 6 - rest.utf8.count))\(rest)"
    }
}
