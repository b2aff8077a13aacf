import Glibc

/// How many processes a service starts per second: an average that halves each second.
///
/// A pure value: the caller brings the clock (seconds, never going backwards).
struct ForkRateMeter: Sendable {
    /// Forks per second.
    private(set) var rate = 0.0
    private var forks = 0
    private var intervalStart: Double?

    /// The shortest interval that is measured, and how long a service that is at its limit waits.
    static let interval = 0.4

    mutating func noteFork(at now: Double) {
        update(now)
        forks += 1
    }

    /// Whether another fork now would be too many. `limit` 0 is none.
    ///
    /// Within an interval that is not measured yet, no more than a second's worth is let through.
    mutating func isLimited(to limit: Int, at now: Double) -> Bool {
        update(now)
        guard limit > 0 else { return false }
        return Int(rate) >= limit || forks >= limit
    }

    /// When to ask again while limited.
    func retry(after now: Double) -> Double { now + Self.interval }

    private mutating func update(_ now: Double) {
        guard let start = intervalStart else {
            intervalStart = now
            return
        }
        let passed = now - start
        guard passed >= Self.interval else { return }
        let weight = pow(0.5, passed)
        rate = weight * rate + (1 - weight) * (Double(forks) / passed)
        forks = 0
        intervalStart = now
    }
}
