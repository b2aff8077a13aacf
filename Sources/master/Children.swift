import Posix

/// The processes that master has started, and for a moment those that have ended.
struct Children {
    enum Role: String { case START, SERVICE, DAEMON, EVENT }

    struct Child {
        var role: Role
        var name: String
        var path: String
        var started: Double
        /// Of services and daemons.
        var instance: Instance?
    }

    /// Seconds for which a dead child's messages are no surprise.
    static let memory = 2.0

    private(set) var living: [Int32: Child] = [:]
    private var dead: [Int32: Double] = [:]

    mutating func add(_ pid: Int32, _ child: Child) {
        dead[pid] = nil
        living[pid] = child
    }

    mutating func remove(_ pid: Int32, at now: Double) -> Child? {
        guard let child = living.removeValue(forKey: pid) else { return nil }
        dead[pid] = now
        return child
    }

    var hasDead: Bool { !dead.isEmpty }

    func isRecentlyDead(_ pid: Int32) -> Bool { dead[pid] != nil }

    mutating func forgetDead(before moment: Double) {
        dead = dead.filter { $0.value >= moment }
    }
}
