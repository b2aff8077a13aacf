/// Says once when a limit begins to bind and once when it has ended.
///
/// An end is believed only when it has lasted a while: a service at its limit goes in and out with every connection.
struct LimitNotices: Sendable {
    enum Limit: Int, CaseIterable, Sendable {
        case maxChildren, forkRate, resources

        var name: String {
            switch self {
            case .maxChildren: "maxchild"
            case .forkRate: "maxforkrate"
            case .resources: "the limit of processes or descriptors"
            }
        }
    }

    private struct Bound {
        var since: Double
        var lastSeen: Double
    }

    /// Seconds without the limit binding until its end is logged.
    static let settle = 2.0
    /// Seconds until a start is tried again when the machine is short.
    static let resourcePause = 1.0

    private var bound: [Bound?] = Limit.allCases.map { _ in nil }

    /// The limit binds now; a line when that is news.
    mutating func enter(_ limit: Limit, _ text: @autoclosure () -> String, at now: Double) -> ServiceMachine.Action? {
        if bound[limit.rawValue] != nil {
            bound[limit.rawValue]?.lastSeen = now
            return nil
        }
        bound[limit.rawValue] = Bound(since: now, lastSeen: now)
        return .log(.warning, text())
    }

    /// The limit does not bind now; a line when it has not for a while.
    mutating func leave(_ limit: Limit, _ label: String, at now: Double) -> ServiceMachine.Action? {
        guard let was = bound[limit.rawValue], now - was.lastSeen >= (limit == .resources ? 0 : Self.settle) else { return nil }
        bound[limit.rawValue] = nil
        let tenths = Int((was.lastSeen - was.since) * 10)
        return .log(.notice, "service \(label) is no longer held back by \(limit.name) (it was for \(tenths / 10).\(tenths % 10) s)")
    }

    func isWithin(_ limit: Limit) -> Bool { bound[limit.rawValue] != nil }

    /// When the end could be logged.
    func pendingEnd(_ limit: Limit) -> Double? { bound[limit.rawValue].map { $0.lastSeen + Self.settle } }

    func retry(_ limit: Limit) -> Double? { bound[limit.rawValue].map { $0.lastSeen + Self.resourcePause } }
}
