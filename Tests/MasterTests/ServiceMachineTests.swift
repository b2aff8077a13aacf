@testable import master
import Testing

/// A machine with a clock of its own.
final class Bench {
    var machine: ServiceMachine
    var now = 100.0
    var lines: [String] = []
    var closedListener = false

    init(_ settings: ServiceMachine.Settings) {
        machine = ServiceMachine(label: "t/ipv4", settings: settings)
    }

    func send(_ event: ServiceMachine.Event) {
        note(machine.handle(event, at: now))
    }

    func need(waiting: Bool = false) -> ServiceMachine.Need {
        let need = machine.need(connectionWaiting: waiting, at: now)
        note(need.actions)
        return need
    }

    /// Starts what is needed, as the loop does; how many that were.
    func fork(waiting: Bool = false, firstPID: Int32) -> Int32 {
        var count: Int32 = 0
        while need(waiting: waiting && count == 0).forks > 0, count < 1000 {
            send(.started(pid: firstPID + count))
            count += 1
        }
        return count
    }

    private func note(_ actions: [ServiceMachine.Action]) {
        for action in actions {
            switch action {
            case .log(let level, let text): lines.append("\(level): \(text)")
            case .closeListener: closedListener = true
            }
        }
    }
}

@Suite struct ServiceMachineTests {
    @Test func preforkIsKeptReadyUpToMaxchild() {
        let bench = Bench(.init(prefork: 2, maxChildren: 3))
        #expect(bench.fork(firstPID: 1) == 2)
        bench.send(.message(.unavailable, pid: 1))
        #expect(bench.fork(firstPID: 3) == 1)
        bench.send(.message(.unavailable, pid: 2))
        #expect(bench.fork(firstPID: 4) == 0)
        #expect((bench.machine.active, bench.machine.ready) == (3, 1))
        bench.send(.ended(pid: 1, .normal))
        #expect(bench.fork(firstPID: 4) == 1)
    }

    @Test func withoutPreforkAConnectionIsWaitedFor() {
        let bench = Bench(.init(prefork: 0))
        #expect(bench.need().watchesListener)
        #expect(bench.need().forks == 0)
        #expect(bench.fork(waiting: true, firstPID: 1) == 1)
        #expect(!bench.need().watchesListener)
        bench.send(.message(.unavailable, pid: 1))
        #expect(bench.need().watchesListener)
    }

    @Test func maxchildIsSaidOnceAndAgainWhenItEnds() {
        let bench = Bench(.init(prefork: 1, maxChildren: 1))
        #expect(bench.fork(firstPID: 1) == 1)
        bench.send(.message(.unavailable, pid: 1))
        #expect(!bench.need(waiting: true).watchesListener)
        bench.now += 5
        _ = bench.need()
        #expect(bench.lines == ["warning: service t/ipv4 has reached maxchild=1: 1 processes, all busy; new clients wait"])
        bench.send(.message(.available, pid: 1))
        #expect(bench.need().wake == bench.now + LimitNotices.settle)
        bench.now += 2
        _ = bench.need()
        bench.now += 2
        _ = bench.need()
        #expect(bench.lines.dropFirst() == ["notice: service t/ipv4 is no longer held back by maxchild (it was for 5.0 s)"])
    }

    @Test func maxforkrateDelaysAndIsSaid() {
        let bench = Bench(.init(prefork: 50, maxForkRate: 5))
        #expect(bench.fork(firstPID: 1) == 5)
        let need = bench.need()
        #expect(need.forks == 0)
        #expect(need.wake == bench.now + ForkRateMeter.interval)
        #expect(bench.lines == ["warning: service t/ipv4 has reached maxforkrate=5: 5 processes, 5 ready; new ones are delayed"])
        var pid: Int32 = 10
        for _ in 0..<40 {
            bench.now += 0.4
            pid += bench.fork(firstPID: pid)
        }
        #expect(bench.machine.active == 50)
        bench.now += LimitNotices.settle
        _ = bench.need()
        #expect(bench.lines.count == 2)
    }

    @Test func readyProcessesThatDieFiveTimesDisableTheService() {
        let bench = Bench(.init(prefork: 1))
        var pid: Int32 = 1
        for _ in 0..<200 where bench.machine.phase == .enabled {
            if bench.fork(firstPID: pid) == 1 {
                bench.send(.ended(pid: pid, .signaled(11, core: true)))
                pid += 1
            }
            bench.now += 0.1
        }
        #expect(pid == 6)
        #expect(bench.closedListener)
        #expect(bench.machine.phase == .disabled)
        #expect(bench.lines.last == "error: too many failures for service t/ipv4, disabling until next SIGHUP")
        #expect(bench.lines.first == "warning: service t/ipv4 pid 1 in READY state: terminated abnormally")
        #expect(bench.need(waiting: true) == ServiceMachine.Need())
        bench.send(.reloaded(.init(prefork: 1)))
        #expect(bench.fork(firstPID: 20) == 1)
    }

    @Test func killedProcessesMakeForPausesAndDisableNothing() {
        let bench = Bench(.init(prefork: 1))
        var pid: Int32 = 1
        for _ in 0..<600 {
            if bench.fork(firstPID: pid) == 1 {
                bench.send(.ended(pid: pid, .signaled(9, core: false)))
                pid += 1
            }
            bench.now += 0.1
        }
        #expect(bench.machine.phase == .enabled)
        // 60 seconds, with pauses that grow to ten.
        #expect((8...16).contains(pid))
        // They do not count when it then fails by itself.
        bench.now += 20
        for _ in 0..<4 {
            while bench.fork(firstPID: pid) == 0 { bench.now += 0.1 }
            bench.send(.ended(pid: pid, .failed(status: 1)))
            pid += 1
        }
        #expect(bench.machine.phase == .enabled)
    }

    @Test func busyDeathsAndStatus75AreNoFailures() {
        let bench = Bench(.init(prefork: 1))
        for pid in Int32(1)...20 {
            #expect(bench.fork(firstPID: pid) == 1)
            if pid % 2 == 0 { bench.send(.message(.unavailable, pid: pid)) }
            bench.send(.ended(pid: pid, pid % 2 == 0 ? .signaled(11, core: true) : .killed))
        }
        #expect(bench.machine.phase == .enabled)
        #expect(bench.machine.readyFailures == 0)
    }

    @Test func failuresFarApartDoNotAddUp() {
        let bench = Bench(.init(prefork: 1))
        for pid in Int32(1)...20 {
            #expect(bench.fork(firstPID: pid) == 1)
            bench.send(.ended(pid: pid, .failed(status: 1)))
            bench.now += 10.5
        }
        #expect(bench.machine.phase == .enabled)
        #expect(bench.machine.readyFailures == 20)
    }

    @Test func aBabysatServiceAndADaemonAreNeverGivenUp() {
        for settings in [ServiceMachine.Settings(prefork: 1, babysit: true), .init(kind: .daemon, maxChildren: 1)] {
            let bench = Bench(settings)
            var starts: [Double] = []
            var pid: Int32 = 1
            while bench.now < 700 {
                if bench.fork(firstPID: pid) == 1 {
                    starts.append(bench.now)
                    bench.send(.ended(pid: pid, .failed(status: 1)))
                    pid += 1
                }
                bench.now += 0.1
            }
            #expect(bench.machine.phase == .enabled)
            let pauses = zip(starts.dropFirst(), starts).map { $0 - $1 }
            #expect(pauses.max().map { $0 < 10.3 } == true)
            #expect(pauses.last.map { $0 > 9.9 } == true)
            #expect(starts.count < 80)
            if settings.babysit { #expect(bench.lines.contains("error: lost all children for service: t/ipv4.  Applying babysitter.")) }
        }
    }

    @Test func messagesFromTheDeadAreReportedAndChangeNothing() {
        let bench = Bench(.init(prefork: 1))
        #expect(bench.fork(firstPID: 1) == 1)
        bench.send(.message(.unavailable, pid: 99))
        #expect(bench.lines == ["warning: service t/ipv4: receiving messages from long dead children (pid 99)"])
        #expect(bench.machine.ready == 1)
    }

    @Test func aShortageIsSaidOnceAndTriedAgain() {
        let bench = Bench(.init(prefork: 1))
        bench.send(.startFailed(reason: "fork: Resource temporarily unavailable", isShortage: true))
        bench.send(.startFailed(reason: "fork: Resource temporarily unavailable", isShortage: true))
        #expect(bench.lines.count == 1)
        #expect(bench.need().forks == 0)
        #expect(bench.need().wake == bench.now + LimitNotices.resourcePause)
        bench.now += 1
        #expect(bench.need().forks == 1)
        bench.send(.started(pid: 1))
        #expect(bench.lines.count == 2)
        #expect(bench.machine.phase == .enabled)
    }

    @Test func aRemovedServiceLosesItsListenerAndForksNoMore() {
        let bench = Bench(.init(prefork: 2))
        #expect(bench.fork(firstPID: 1) == 2)
        bench.send(.reloaded(nil))
        #expect(bench.closedListener)
        #expect(bench.fork(waiting: true, firstPID: 5) == 0)
        bench.send(.ended(pid: 1, .failed(status: 1)))
        #expect(bench.lines.isEmpty)
        bench.now += 31
        let overdue = bench.machine.overdueAfterReload(at: bench.now)
        let again = bench.machine.overdueAfterReload(at: bench.now)
        #expect(overdue == [2] && again.isEmpty)
    }

    @Test func aStoppingServiceForksNoMore() {
        let bench = Bench(.init(prefork: 2))
        bench.send(.stop)
        #expect(bench.fork(waiting: true, firstPID: 1) == 0)
    }
}
