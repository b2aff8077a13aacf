import Configuration
import Logging
import Posix

extension Master {
    /// Turns until all that has to end has ended.
    func loop() throws(Exit) {
        while true {
            takeSignals()
            let now = Clock.monotonic
            if isStopping {
                if !hasServiceChildren {
                    stopWaitDaemons()
                    return
                }
                reportStuckChildren(now)
            } else {
                startWhatIsNeeded()
                runDueEvents()
            }
            retryTakenAddresses(now)
            doPeriodicWork(now)
            wait(milliseconds: pause())
        }
    }

    private func takeSignals() {
        if Signal.hangup.take() { reload() }
        for signal in [Signal.terminate, .quit, .interrupt] where signal.take() { stop() }
        // What a child said before it ended is heard first, so that its last state is known.
        if Signal.child.take() {
            readMessages()
            while let (pid, ending) = Process.reap() { ended(pid, ending) }
            instances.removeAll { $0.machine.phase == .removed && $0.machine.active == 0 }
        }
    }

    private func startWhatIsNeeded() {
        for instance in instances {
            repeat {
                instance.need = instance.machine.need(connectionWaiting: instance.connectionWaiting, at: Clock.monotonic)
                perform(instance.need.actions, for: instance)
                // A start that fails makes the machine want a pause, so this ends.
                if instance.need.forks > 0 { spawn(instance) }
                instance.connectionWaiting = false
            } while instance.need.forks > 0
        }
    }

    private func runDueEvents() {
        for event in schedule.takeDue(at: Clock.now) { run(event) }
    }

    private func doPeriodicWork(_ now: Double) {
        if let due = nextReport, now >= due {
            writeReport()
            nextReport = now + Double(max(1, configuration[.prometheus_update_freq]))
        }
        if let due = nextSign, now >= due, let interval = manager.watchdogInterval {
            manager.tell("WATCHDOG=1", "STATUS=\(statusLine)")
            nextSign = now + interval
        }
        guard now >= nextSweep ?? 0 else { return }
        nextSweep = now + 1 / Double(options.janitorFrequency)
        children.forgetDead(before: now - Children.memory)
        for instance in instances {
            for pid in instance.machine.overdueAfterReload(at: now) {
                log.notice(
                    "service \(instance.machine.label) pid \(pid) has not yet been recycled since SIGHUP was sent (30s ago)")
            }
        }
    }

    /// How long nothing is to be done unless something happens, in milliseconds; -1 for ever.
    private func pause() -> Int {
        let now = Clock.monotonic
        var wake = [nextReport, nextSign].compactMap(\.self)
        // Something is remembered that a sweep forgets or reports.
        if children.hasDead || instances.contains(where: \.machine.awaitsRecycling), let nextSweep { wake.append(nextSweep) }
        if isStopping {
            wake.append(now + 1)
        } else {
            for instance in instances {
                if let moment = instance.need.wake { wake.append(moment) }
            }
            if !takenAddresses.isEmpty { wake.append(nextBind ?? now) }
            if let due = schedule.next { wake.append(now + Double(max(0, due - Clock.now))) }
        }
        guard let first = wake.min() else { return -1 }
        // At most a minute: the wall clock may be set while we wait for a time of day.
        return Int(min(max(0, first - now), 60) * 1000) + 1
    }

    private func wait(milliseconds: Int) {
        var entries: [PollEntry] = []
        var watched: [Instance] = []
        for instance in instances where instance.statusRead >= 0 { entries.append(PollEntry(instance.statusRead)) }
        let messages = entries.count
        if !isStopping {
            for instance in instances where instance.listener >= 0 {
                guard instance.need.watchesListener else { continue }
                entries.append(PollEntry(instance.listener))
                watched.append(instance)
            }
        }
        do throws(PosixError) {
            _ = try Poll.wait(&entries, milliseconds: milliseconds, signals: Self.signals)
        } catch {
            // Nothing here may end master; a pause keeps a lasting error from spinning.
            log.error("waiting for events: \(error)")
            Clock.sleep(milliseconds: 100)
            return
        }
        for (entry, instance) in zip(entries[messages...], watched) where entry.isReady { instance.connectionWaiting = true }
        if entries[..<messages].contains(where: \.isReady) { readMessages() }
    }

    func readMessages() {
        let now = Clock.monotonic
        for instance in instances {
            for (message, pid) in instance.readMessages() {
                guard let message else {
                    log.warning("service \(instance.machine.label) pid \(pid): unrecognized message")
                    continue
                }
                // A process that has just ended may still be heard; that is no news.
                if instance.machine.workers[pid] == nil, children.isRecentlyDead(pid) { continue }
                perform(instance.machine.handle(.message(message, pid: pid), at: now), for: instance)
            }
        }
    }

    // MARK: metrics

    var reportPath: String { "\(configuration[.prometheus_stats_dir] ?? "\(configuration.directory)/stats")/master.txt" }

    /// Written in place under a lock, as the readers of the directory expect.
    private func writeReport() {
        let rows = instances.filter { $0.machine.phase != .removed }.map { instance in
            let machine = instance.machine
            return PrometheusReport.Row(
                service: instance.name, family: instance.family, ready: machine.ready, forks: machine.forks, active: machine.active,
                maxChildren: machine.settings.maxChildren, forkRate: machine.meter.rate, maxForkRate: machine.settings.maxForkRate,
                readyFailures: machine.readyFailures)
        }
        let text = PrometheusReport.text(rows, at: Clock.nowNanoseconds / 1_000_000)
        do throws(PosixError) {
            try FileSystem.makeParents(of: reportPath)
            let file = try File(reportPath, .readWrite, create: .ifMissing, mode: 0o600)
            guard try file.tryLock(.exclusive) else { return }
            try file.write(text, at: 0)
            try file.truncate(to: text.count)
        } catch {
            log.error("prometheus report: \(error)")
            nextReport = nil
        }
    }
}
