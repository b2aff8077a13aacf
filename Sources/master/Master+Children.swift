import Configuration
import Logging
import Posix
import SystemPackage

extension Master {
    /// The START section: one after the other, each waited for; any failure but 75 ends master.
    func runStartEntries(_ entries: [StartEntry]) throws(Exit) {
        for entry in entries {
            let path = path(of: entry.command)
            log.debug("about to exec \(path)")
            let started = Clock.monotonic
            do throws(PosixError) {
                let pid = try Process.spawn(command(path, entry.command.words))
                let child = Children.Child(role: .START, name: entry.name, path: path, started: started)
                let ending = try Process.wait(for: pid)
                logEnding(pid, child, ending, Clock.monotonic)
                guard ending == .exited(0) || ending == .exited(75) else { throw PosixError("run", path, errno: .invalidArgument) }
            } catch {
                if error.call != "run" { log.critical("can't exec \(path) for startup: \(error.errno.description)") }
                throw Exit(.failure, "can't run startup")
            }
            // Stopped while starting: nothing runs yet that would have to be ended.
            if Signal.terminate.isPending || Signal.interrupt.isPending || Signal.quit.isPending { return }
        }
    }

    private func command(_ path: String, _ words: [String]) -> Process.Command {
        Process.Command(path, words)
    }

    /// Starts one process of a service or daemon; false when that failed.
    @discardableResult
    func spawn(_ instance: Instance, readiness: CInt? = nil) -> Bool {
        let now = Clock.monotonic
        let isDaemon = instance.machine.settings.kind == .daemon
        var command = command(instance.program.path, instance.program.words)
        // What services inherit is fixed by number: 3 is the way to tell master, 4 the socket to accept from.
        // A daemon finds nothing at either, but for the pipe of one whose readiness is waited for.
        let (three, four) = isDaemon ? (readiness ?? nullDescriptor, nullDescriptor) : (instance.statusWrite, instance.listener)
        command.descriptors = [(from: three, to: 3), (from: four, to: 4)]
        command.descriptorLimit = instance.program.maxDescriptors
        if instance.isWaitDaemon { command.processGroup = waitDaemonGroup > 0 ? waitDaemonGroup : 1 }
        var environment = Process.environment.filter {
            !$0.hasPrefix("CYRUS_SERVICE=") && !$0.hasPrefix("CYRUS_ID=") && !$0.hasPrefix("CYRUS_ISDAEMON=")
        }
        if isDaemon { environment.append("CYRUS_ISDAEMON=1") }
        environment += ["CYRUS_SERVICE=\(instance.name)", "CYRUS_ID=\(instance.id)"]
        command.environment = environment
        log.debug("about to exec \(instance.program.path)")
        do throws(PosixError) {
            let pid = try Process.spawn(command)
            if instance.isWaitDaemon, waitDaemonGroup == 0 { waitDaemonGroup = pid }
            let role: Children.Role = isDaemon ? .DAEMON : .SERVICE
            children.add(
                pid, .init(role: role, name: instance.name, path: instance.program.path, started: now, instance: instance))
            perform(instance.machine.handle(.started(pid: pid), at: now), for: instance)
            return true
        } catch {
            if instance.isWaitDaemon { waitDaemonGroup = 0 }
            let event = ServiceMachine.Event.startFailed(reason: error.description, isShortage: error.call != "exec")
            perform(instance.machine.handle(event, at: now), for: instance)
            return false
        }
    }

    /// A daemon with wait=y: the services come after it has said `ok`.
    func startWaitDaemon(_ instance: Instance) throws(Exit) {
        let failure = "waitdaemon \(instance.name)/daemon did not write \"ok\\r\\n\" to fd 3, exiting"
        do throws(PosixError) {
            let pipe = try Pipe()
            let (read, write) = pipe.release()
            let reader = File(adopting: read, path: "pipe of \(instance.name)")
            let isStarted = spawn(instance, readiness: write)
            // Only the daemon holds the other end now, so that its death ends the reading.
            Descriptor.close(write)
            guard isStarted else { throw PosixError("read", errno: .brokenPipe) }
            var answer: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64)
            while answer.count < 4 {
                var entries = [PollEntry(reader.descriptor)]
                _ = try Poll.wait(&entries, milliseconds: -1, signals: Self.signals)
                // Told to stop meanwhile: the loop does that.
                if Signal.terminate.isPending || Signal.interrupt.isPending || Signal.quit.isPending { return }
                guard entries[0].isReady else { continue }
                let count = Descriptor.read(reader.descriptor, into: &buffer)
                guard count > 0 else { break }
                answer += buffer[..<count]
            }
            guard answer.starts(with: Array("ok\r\n".utf8)) else { throw PosixError("read", errno: .brokenPipe) }
        } catch {
            for (pid, child) in children.living where child.role == .DAEMON { try? Signal.terminate.send(to: pid) }
            throw Exit(.failure, failure)
        }
    }

    /// An EVENTS command: nobody waits for it.
    func run(_ event: EventEntry) {
        let path = path(of: event.command)
        log.debug("about to exec \(path)")
        do throws(PosixError) {
            let pid = try Process.spawn(command(path, event.command.words))
            children.add(pid, .init(role: .EVENT, name: event.name, path: path, started: Clock.monotonic))
        } catch {
            log.error("can't exec \(path) on schedule: \(error.errno.description)")
        }
    }

    /// A child was reaped.
    func ended(_ pid: Int32, _ ending: Process.Ending) {
        let now = Clock.monotonic
        guard let child = children.remove(pid, at: now) else {
            // The first process of a container inherits everybody's orphans.
            log.log(level: Process.id == 1 ? .debug : .error, "received SIGCHLD from unknown child pid \(pid), ignoring")
            return
        }
        logEnding(pid, child, ending, now)
        guard let instance = child.instance else { return }
        perform(instance.machine.handle(.ended(pid: pid, WorkerEnding(ending)), at: now), for: instance)
        if instance.isWaitDaemon, instances.allSatisfy({ !$0.isWaitDaemon || $0.machine.active == 0 }) { waitDaemonGroup = 0 }
    }

    func logEnding(_ pid: Int32, _ child: Children.Child, _ ending: Process.Ending, _ now: Double) {
        let milliseconds = Int((now - child.started) * 1000)
        let digits = String(milliseconds % 1000 + 1000).dropFirst()
        let who =
            "process type:\(child.role.rawValue) name:\(child.name) path:\(child.path) age:\(milliseconds / 1000).\(digits)s pid:\(pid)"
        switch ending {
        case .exited(0): log.debug("\(who) exited normally")
        case .exited(75): log.debug("\(who) was killed")
        case .exited(let status): log.error("\(who) exited, status \(status)")
        case .signaled(let signal, let core):
            log.error("\(who) signaled to death by signal \(signal) (\(Signal.name(of: signal)))\(core ? ", core dumped" : "")")
        }
    }
}

extension WorkerEnding {
    init(_ ending: Process.Ending) {
        self =
            switch ending {
            case .exited(0): .normal
            case .exited(75): .killed
            case .exited(let status): .failed(status: status)
            case .signaled(let signal, let core): .signaled(signal, core: core)
            }
    }
}
