import Configuration
import Logging
import Posix

extension Master {
    // MARK: entries to instances

    /// The sockets of a service; none when none could be made (logged).
    func add(_ entry: ServiceEntry) throws(Exit) {
        let outcome = listeners.make(entry)
        for note in outcome.notes { log.log(level: note.isError ? .error : .info, "\(note.text)") }
        if outcome.bindFailed, configuration[.master_bind_errors_fatal] {
            for made in outcome.made { Descriptor.close(made.descriptor) }
            throw Exit(.unavailable, "unable to bind to \(entry.name) socket")
        }
        for (id, made) in outcome.made.enumerated() { add(entry, made, id: id) }
        for (place, address) in outcome.taken.enumerated() {
            takenAddresses.append(.init(entry: entry, address: address, id: outcome.made.count + place))
        }
    }

    private func add(_ entry: ServiceEntry, _ made: Listeners.Made, id: Int) {
        do throws(PosixError) {
            instances.append(
                try Instance(
                    name: entry.name, id: id, family: made.family, key: key(entry), program: program(entry),
                    settings: Self.settings(entry), listener: made.descriptor))
        } catch {
            log.error("unable to create \(entry.name) status pipe: \(error)")
            Descriptor.close(made.descriptor)
        }
    }

    /// An address that was somebody else's when its service was to be made: of a service that a killed master left, most often.
    struct TakenAddress {
        var entry: ServiceEntry
        var address: SocketAddress
        /// The number its instance is to have.
        var id: Int
    }

    /// Tries for the addresses that were taken, once a second.
    func retryTakenAddresses(_ now: Double) {
        guard !takenAddresses.isEmpty, !isStopping, now >= nextBind ?? 0 else { return }
        nextBind = now + 1
        takenAddresses.removeAll { taken in
            guard let made = try? listeners.listen(on: taken.address, datagram: taken.entry.isDatagram) else { return false }
            log.notice("bound to \(taken.entry.name)/\(made.family) socket, whose address was taken until now")
            add(taken.entry, made, id: taken.id)
            return true
        }
    }

    @discardableResult
    func add(_ entry: DaemonEntry) throws(Exit) -> Instance {
        do throws(PosixError) {
            let instance = try Instance(
                name: entry.name, id: 0, family: "daemon", key: key(entry), program: program(entry), settings: Self.settings(entry),
                isWaitDaemon: entry.wait)
            instances.append(instance)
            return instance
        } catch {
            throw Exit(.osError, "\(error)")
        }
    }

    private func key(_ entry: ServiceEntry) -> Instance.Key { .init(name: entry.name, listen: entry.listen, proto: entry.proto) }
    private func key(_ entry: DaemonEntry) -> Instance.Key { .init(name: entry.name, listen: "", proto: entry.wait ? "wait" : "") }

    private func program(_ entry: ServiceEntry) -> Instance.Program {
        .init(path: path(of: entry.command), words: entry.command.words, maxDescriptors: entry.maxDescriptors)
    }

    private func program(_ entry: DaemonEntry) -> Instance.Program {
        .init(path: path(of: entry.command), words: entry.command.words, maxDescriptors: entry.maxDescriptors)
    }

    /// A datagram socket is served by one process, for all read from the same queue.
    static func settings(_ entry: ServiceEntry) -> ServiceMachine.Settings {
        var settings = ServiceMachine.Settings()
        settings.prefork = entry.isDatagram ? min(entry.prefork, 1) : entry.prefork
        settings.maxChildren = entry.isDatagram ? 1 : entry.maxChildren < 0 ? nil : entry.maxChildren
        settings.maxForkRate = entry.maxForkRate
        settings.babysit = entry.babysit
        settings.reportsMaxChildren = !entry.isDatagram
        return settings
    }

    static func settings(_ entry: DaemonEntry) -> ServiceMachine.Settings {
        .init(kind: .daemon, prefork: 1, maxChildren: 1, maxForkRate: entry.maxForkRate, reportsMaxChildren: false)
    }

    // MARK: SIGHUP

    /// Reads cyrus.conf again. One that cannot be read changes nothing.
    func reload() {
        guard !isStopping else { return }
        log.notice("got SIGHUP")
        manager.tell("RELOADING=1", "MONOTONIC_USEC=\(Int(Clock.monotonic * 1_000_000))")
        defer { manager.tell("READY=1", "STATUS=\(statusLine)") }
        let wanted: MasterConfiguration
        do throws(Exit) {
            wanted = try readConfiguration(isReload: true)
        } catch {
            log.critical("\(error.text); going on with the configuration as it was")
            return
        }
        let before = instances
        takenAddresses = []
        let now = Clock.monotonic
        var services = Dictionary(wanted.services.map { (key($0), $0) }, uniquingKeysWith: { first, _ in first })
        var daemons = Dictionary(wanted.daemons.map { (key($0), $0) }, uniquingKeysWith: { first, _ in first })
        // The sockets of removed services are closed only below, after their processes were told: no client meets a closed port before.
        let living = children.living
        for instance in before {
            if let entry = services[instance.key] {
                instance.program = program(entry)
                update(instance, Self.settings(entry), now)
            } else if let entry = daemons[instance.key] {
                instance.program = program(entry)
                update(instance, Self.settings(entry), now)
            }
        }
        for pid in living.keys { try? Signal.hangup.send(to: pid) }
        for instance in before where services[instance.key] == nil && daemons[instance.key] == nil {
            update(instance, nil, now)
        }
        for instance in before where instance.machine.phase == .enabled {
            // A service that was given up lost its socket and is made again below.
            if instance.machine.settings.kind == .daemon || instance.listener >= 0 {
                services[instance.key] = nil
                daemons[instance.key] = nil
            } else {
                update(instance, nil, now)
            }
        }
        for entry in wanted.services where services[key(entry)] != nil {
            do throws(Exit) { try add(entry) } catch { log.error("\(error.text)") }
        }
        for entry in wanted.daemons where daemons[key(entry)] != nil {
            do throws(Exit) { try add(entry) } catch { log.error("\(error.text)") }
        }
        instances.removeAll { $0.machine.phase == .removed && $0.machine.active == 0 }
        order(wanted)
        schedule = EventSchedule(wanted.events, at: Clock.now)
        logReloaded()
    }

    private func update(_ instance: Instance, _ settings: ServiceMachine.Settings?, _ now: Double) {
        perform(instance.machine.handle(.reloaded(settings), at: now), for: instance)
    }

    /// The order of cyrus.conf, services first; what is on its way out comes last.
    private func order(_ wanted: MasterConfiguration) {
        let names = wanted.services.map(\.name) + wanted.daemons.map(\.name)
        let places = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: min)
        instances.sort { a, b in
            func rank(_ instance: Instance) -> (Int, Int, Int) {
                (instance.machine.phase == .removed ? 1 : 0, places[instance.name] ?? .max, instance.id)
            }
            return rank(a) < rank(b)
        }
    }

    /// Cyrus's line, whose limits are those of its table.
    private func logReloaded() {
        let limit = 2_147_483_637
        let waiting = instances.filter(\.isWaitDaemon)
        let used = instances.count { $0.machine.phase == .enabled && !$0.isWaitDaemon }
        log.notice(
            "Services reconfigured. \(used) out of \(instances.count - waiting.count) (max \(limit)) services structures and \(waiting.count { $0.machine.phase == .enabled }) out of \(waiting.count) (max \(limit)) waitdaemon structures are now in use"
        )
    }
}
