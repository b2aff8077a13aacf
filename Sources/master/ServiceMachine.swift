import Logging

/// One listening socket (or one daemon) and its processes: state and events in, actions out. No I/O, no clock.
struct ServiceMachine: Sendable {
    enum Kind: Sendable, Equatable { case service, daemon }

    /// What cyrus.conf asks for.
    struct Settings: Sendable, Equatable {
        var kind: Kind = .service
        var prefork = 0
        /// nil is unlimited.
        var maxChildren: Int?
        /// Forks per second; 0 is unlimited.
        var maxForkRate = 0
        var babysit = false
        /// Whether being busy with all of its processes is worth a line.
        var reportsMaxChildren = true
    }

    enum Phase: Sendable, Equatable {
        case enabled
        /// Failed too often; until the configuration is read again.
        case disabled
        /// No longer configured; its last processes are ending.
        case removed
        /// Master stops.
        case stopping
    }

    enum Event: Sendable, Equatable {
        case started(pid: Int32)
        /// The process could not be made, or its program not be run.
        case startFailed(reason: String, isShortage: Bool)
        case message(ServiceMessage, pid: Int32)
        case ended(pid: Int32, WorkerEnding)
        /// The configuration was read again: with these settings, or without this service.
        case reloaded(Settings?)
        case stop
    }

    enum Action: Sendable, Equatable {
        case log(Logger.Level, String)
        case closeListener
    }

    struct Worker: Sendable, Equatable {
        var state: WorkerState
        var started: Double
        var connections = 0
        /// Started before the last SIGHUP, and asked to end by it.
        var isOutdated = false
    }

    /// `imap/ipv4`, for logs.
    let label: String
    private(set) var settings: Settings
    private(set) var phase = Phase.enabled
    private(set) var workers: [Int32: Worker] = [:]
    private(set) var ready = 0
    private(set) var forks = 0
    private(set) var readyFailures = 0
    private(set) var connections = 0
    var meter = ForkRateMeter()
    private(set) var policy: RestartPolicy
    var limits = LimitNotices()
    private var reloadedAt: Double?
    /// Babysitting is announced when the last of several is lost, not at the first start.
    private var hadWorkers = false

    init(label: String, settings: Settings) {
        self.label = label
        self.settings = settings
        policy = RestartPolicy(givesUp: settings.kind == .service && !settings.babysit)
    }

    var active: Int { workers.count }
    var isFull: Bool { settings.maxChildren.map { active >= $0 } ?? false }

    // MARK: events

    mutating func handle(_ event: Event, at now: Double) -> [Action] {
        switch event {
        case .started(let pid): started(pid, now)
        case .startFailed(let reason, let isShortage): startFailed(reason, isShortage, now)
        case .message(let message, let pid): received(message, pid, now)
        case .ended(let pid, let ending): ended(pid, ending, now)
        case .reloaded(let settings): reloaded(settings, now)
        case .stop: stop()
        }
    }

    private mutating func started(_ pid: Int32, _ now: Double) -> [Action] {
        workers[pid] = Worker(state: .ready, started: now)
        ready += 1
        forks += 1
        hadWorkers = true
        meter.noteFork(at: now)
        return limits.leave(.resources, label, at: now).map { [$0] } ?? []
    }

    private mutating func startFailed(_ reason: String, _ isShortage: Bool, _ now: Double) -> [Action] {
        meter.noteFork(at: now)
        if isShortage {
            // The machine is short of processes or descriptors: that is nobody's fault here, and passes.
            let text = "service \(label): no new process can be started (\(reason)); \(active) are running"
            return limits.enter(.resources, text, at: now).map { [$0] } ?? []
        }
        return [.log(.error, "can't exec for service \(label): \(reason)")] + failed(now)
    }

    private mutating func received(_ message: ServiceMessage, _ pid: Int32, _ now: Double) -> [Action] {
        guard var worker = workers[pid] else {
            return [.log(.warning, "service \(label): receiving messages from long dead children (pid \(pid))")]
        }
        let before = worker.state
        let (state, countsConnection, isOutOfPlace) = before.after(message)
        worker.state = state
        if countsConnection {
            worker.connections += 1
            connections += 1
            // One that serves has started well.
            policy.reset()
        }
        workers[pid] = worker
        if before == .ready, state == .busy { ready -= 1 }
        if before == .busy, state == .ready { ready += 1 }
        checkInvariants()
        guard isOutOfPlace else { return [] }
        return [
            .log(
                .warning,
                "service \(label) pid \(pid) in \(before.rawValue) state: unexpected message \(message.rawValue), now \(state.rawValue)")
        ]
    }

    private mutating func ended(_ pid: Int32, _ ending: WorkerEnding, _ now: Double) -> [Action] {
        guard let worker = workers.removeValue(forKey: pid) else { return [] }
        if worker.state == .ready { ready -= 1 }
        checkInvariants()
        var actions: [Action] = []
        if worker.state == .ready, ending.isFailure, phase == .enabled, !worker.isOutdated {
            actions.append(.log(.warning, "service \(label) pid \(pid) in READY state: terminated abnormally"))
            actions += failed(now, byKill: ending.isKill)
        } else if worker.state == .busy, ending.isFailure, phase != .stopping {
            actions.append(.log(.debug, "service \(label) pid \(pid) in BUSY state: terminated abnormally"))
        }
        if settings.babysit, phase == .enabled, active == 0, hadWorkers, settings.kind == .service {
            actions.append(.log(.error, "lost all children for service: \(label).  Applying babysitter."))
        }
        return actions
    }

    private mutating func failed(_ now: Double, byKill: Bool = false) -> [Action] {
        readyFailures += 1
        switch policy.noteFailure(at: now, byKill: byKill) {
        case .giveUp:
            phase = .disabled
            return [.log(.error, "too many failures for service \(label), disabling until next SIGHUP"), .closeListener]
        case .retry(let pause):
            guard pause >= 1 else { return [] }
            return [.log(.warning, "service \(label) has failed \(policy.failures) times in a row, starting it again in \(Int(pause)) s")]
        }
    }

    private mutating func reloaded(_ settings: Settings?, _ now: Double) -> [Action] {
        for pid in workers.keys { workers[pid]?.isOutdated = true }
        reloadedAt = active > 0 ? now : nil
        guard let settings else {
            phase = .removed
            return [.closeListener]
        }
        self.settings = settings
        policy = RestartPolicy(givesUp: settings.kind == .service && !settings.babysit)
        phase = .enabled
        return []
    }

    private mutating func stop() -> [Action] {
        phase = .stopping
        return []
    }

    // MARK: what to do next

    /// What the edge is to do before it waits.
    struct Need: Sendable, Equatable {
        /// Processes to start now.
        var forks = 0
        /// Whether a connection waiting on the socket is a reason to wake up.
        var watchesListener = false
        /// When to ask again although nothing has happened.
        var wake: Double?
        var actions: [Action] = []
    }

    /// `connectionWaiting`: the listener was readable.
    mutating func need(connectionWaiting: Bool, at now: Double) -> Need {
        var need = Need()
        guard phase == .enabled else { return need }
        let wanted: Int
        if settings.kind == .daemon {
            wanted = active == 0 ? 1 : 0
        } else {
            let short = max(0, settings.prefork - ready)
            wanted = max(short, connectionWaiting && ready == 0 ? 1 : 0)
        }
        let room = settings.maxChildren.map { max(0, $0 - active) } ?? Int.max
        reportFull(room, &need, now)
        let isLimited = meter.isLimited(to: settings.maxForkRate, at: now)
        if wanted == 0 || !isLimited {
            if let notice = limits.leave(.forkRate, label, at: now) { need.actions.append(notice) }
            need.wake = earliest(need.wake, limits.pendingEnd(.forkRate))
        }
        let mayStart = policy.mayStart(at: now)
        if !mayStart { need.wake = earliest(need.wake, policy.notBefore) }
        guard wanted > 0 || ready == 0, room > 0, mayStart else { return need }
        if isLimited {
            need.wake = earliest(need.wake, meter.retry(after: now))
            let text =
                "service \(label) has reached maxforkrate=\(settings.maxForkRate): \(active) processes, \(ready) ready; new ones are delayed"
            if wanted > 0, let notice = limits.enter(.forkRate, text, at: now) { need.actions.append(notice) }
            return need
        }
        if limits.isWithin(.resources), let retry = limits.retry(.resources), retry > now {
            need.wake = earliest(need.wake, retry)
            return need
        }
        // One at a time: the edge asks again after each, so that the fork rate is seen.
        need.forks = min(wanted, room, 1)
        need.watchesListener = settings.kind == .service && ready == 0 && room > need.forks
        return need
    }

    private mutating func reportFull(_ room: Int, _ need: inout Need, _ now: Double) {
        guard let most = settings.maxChildren, settings.reportsMaxChildren, settings.kind == .service, most > 0 else { return }
        if room == 0, ready == 0 {
            let text = "service \(label) has reached maxchild=\(most): \(active) processes, all busy; new clients wait"
            if let notice = limits.enter(.maxChildren, text, at: now) { need.actions.append(notice) }
        } else {
            if let notice = limits.leave(.maxChildren, label, at: now) { need.actions.append(notice) }
            need.wake = earliest(need.wake, limits.pendingEnd(.maxChildren))
        }
    }

    /// Processes from before the last SIGHUP that are still there after 30 s, once.
    mutating func overdueAfterReload(at now: Double) -> [Int32] {
        guard let since = reloadedAt, now - since >= Self.reloadGrace else { return [] }
        reloadedAt = nil
        return workers.filter(\.value.isOutdated).keys.sorted()
    }

    static let reloadGrace = 30.0

    var awaitsRecycling: Bool { reloadedAt != nil }

    private func earliest(_ a: Double?, _ b: Double?) -> Double? {
        guard let a else { return b }
        return b.map { min(a, $0) } ?? a
    }

    private func checkInvariants() {
        assert(ready == workers.values.count { $0.state == .ready }, "ready count of \(label) is off")
    }
}
