import Logging
import Posix

extension Master {
    /// SIGTERM, SIGQUIT or SIGINT: everything is told to end, and nothing new begins.
    func stop() {
        if !isStopping {
            log.info("attempting clean shutdown on signal")
            manager.tell("STOPPING=1", "STATUS=waiting for \(children.living.count) processes to end")
            stopBegan = Clock.monotonic
        }
        isStopping = true
        let now = Clock.monotonic
        for instance in instances {
            perform(instance.machine.handle(.stop, at: now), for: instance)
            instance.closeListener()
        }
        terminateChildren()
    }

    /// As Cyrus does, the whole process group, so that what children have started ends too; but only when the group is our own:
    /// under a script that has no job control, its other members are not ours to end.
    private func terminateChildren() {
        if Process.leadsGroup {
            Signal.terminate.sendToGroup()
            // Our own copy is pending, for the signal is blocked here; ignoring it throws it away.
            Signal.terminate.ignore()
            Signal.terminate.catch()
            return
        }
        for (pid, child) in children.living where child.instance?.isWaitDaemon != true { try? Signal.terminate.send(to: pid) }
    }

    /// Whether a service or a daemon that was not waited for is still there. EVENTS are not waited for.
    var hasServiceChildren: Bool {
        children.living.values.contains { child in child.instance.map { !$0.isWaitDaemon } ?? false }
    }

    /// In reverse order, each waited for: a service may need them to its end.
    func stopWaitDaemons() {
        for instance in instances.reversed() where instance.isWaitDaemon {
            for pid in instance.machine.workers.keys {
                try? Signal.terminate.send(to: pid)
                if let ending = try? Process.wait(for: pid) { ended(pid, ending) }
            }
        }
    }

    func reportStuckChildren(_ now: Double) {
        guard !reportedStuck, let began = stopBegan, now - began >= 30 else { return }
        reportedStuck = true
        defer { terminateChildren() }
        for (pid, child) in children.living.sorted(by: { $0.key < $1.key }) {
            log.warning("still waiting for \(child.name) pid \(pid) to end, 30 s after it was told to; telling it again")
        }
    }
}
