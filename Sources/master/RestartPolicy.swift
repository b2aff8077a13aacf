/// When to start the next process after one has failed, and when to give up. Beside the state machine: mechanism there, policy here.
///
/// Cyrus gives a service up after five failures with less than ten seconds between them. So do we, but the starts in between wait
/// longer and longer, and what must not go down (babysat services, daemons) is never given up: it goes on at the longest pause.
/// SIGKILL is no failure of the program's own (an admin or the kernel short of memory sends it): it makes for pauses, and gives nothing up.
struct RestartPolicy: Sendable, Equatable {
    /// Failures that end it.
    static let failureLimit = 5
    /// Failures further apart than this start the count anew, in seconds.
    static let failureWindow = 10.0
    static let shortestPause = 0.1
    static let longestPause = 10.0

    /// Whether it is ever given up.
    var givesUp: Bool
    private(set) var failures = 0
    /// Those of them that count for giving up.
    private var ownFailures = 0
    private var lastFailure: Double?
    /// No start before this moment.
    private(set) var notBefore: Double?

    init(givesUp: Bool) {
        self.givesUp = givesUp
    }

    enum Verdict: Equatable {
        case retry(pause: Double)
        case giveUp
    }

    mutating func noteFailure(at now: Double, byKill: Bool = false) -> Verdict {
        // While pauses are long, failures are far apart because of the pause alone.
        let window = Self.failureWindow + (givesUp && !byKill ? 0 : Self.longestPause)
        if let last = lastFailure, now - last > window { reset() }
        lastFailure = now
        failures += 1
        if !byKill { ownFailures += 1 }
        if givesUp, ownFailures >= Self.failureLimit {
            notBefore = nil
            return .giveUp
        }
        // The first failure is forgiven at once: one crash must not make clients wait.
        var pause = 0.0
        if failures > 1 {
            pause = Self.shortestPause
            for _ in 2..<max(failures, 2) where pause < Self.longestPause { pause *= 2 }
            pause = min(pause, Self.longestPause)
        }
        notBefore = pause > 0 ? now + pause : nil
        return .retry(pause: pause)
    }

    /// A process did what it is for, or the configuration was read again.
    mutating func reset() {
        failures = 0
        ownFailures = 0
        lastFailure = nil
        notBefore = nil
    }

    /// Whether the pause is over.
    func mayStart(at now: Double) -> Bool {
        notBefore.map { now >= $0 } ?? true
    }
}
