import Configuration
import Posix

/// Makes the listening sockets of a service: one for each address its `listen=` stands for, or those that systemd passed.
struct Listeners {
    let backlog: Int
    /// -1: leave it.
    let typeOfService: Int32
    /// Sockets that came with the process and are not taken yet.
    var activated: [Activation.Passed]

    struct Made {
        var descriptor: CInt
        var family: String
    }

    /// What went wrong with one address or all of them, as (level is error, text).
    struct Outcome {
        var made: [Made] = []
        var notes: [(isError: Bool, text: String)] = []
        /// An address that could not be bound (`master_bind_errors_fatal`).
        var bindFailed = false
        /// Those that somebody else has, perhaps not for long.
        var taken: [SocketAddress] = []
    }

    mutating func make(_ entry: ServiceEntry) -> Outcome {
        var outcome = Outcome()
        guard let transport = entry.transport else {
            outcome.notes.append((false, "invalid proto '\(entry.proto)', disabling \(entry.name)"))
            return outcome
        }
        var addresses: [SocketAddress] = []
        switch ListenAddress(entry.listen) {
        case .unix(let path):
            guard let address = SocketAddress(unix: path) else {
                outcome.notes.append((true, "invalid listen '\(path)' (too long), disabling \(entry.name)"))
                return outcome
            }
            addresses = [address]
        case .network(let host, let port):
            let family: SocketAddress.Family =
                switch transport {
                case .tcp4, .udp4: .ipv4
                case .tcp6, .udp6: .ipv6
                case .tcp, .udp: .other
                }
            switch SocketAddress.resolve(host: host, port: port, family: family, datagram: entry.isDatagram, passive: true) {
            case .success(let found): addresses = found
            case .failure(let error):
                outcome.notes.append((false, "\(error), disabling \(entry.name)"))
                // A socket passed under the service's name needs no address.
                addresses = []
            }
        }
        outcome.made = takeActivated(entry.name, addresses)
        if !outcome.made.isEmpty { return outcome }
        for address in addresses {
            do throws(PosixError) {
                outcome.made.append(try listen(on: address, datagram: entry.isDatagram))
            } catch {
                outcome.bindFailed = true
                if error.errno == .addressInUse { outcome.taken.append(address) }
                outcome.notes.append((true, "unable to bind to \(entry.name)/\(address.family.label) socket: \(error.errno.description)"))
            }
        }
        if outcome.made.isEmpty, !addresses.isEmpty {
            outcome.notes.append((true, "unable to create \(entry.name) listener socket"))
        }
        return outcome
    }

    func listen(on address: SocketAddress, datagram: Bool) throws(PosixError) -> Made {
        let socket = try Socket.listen(address, backlog: backlog, datagram: datagram)
        if address.family != .unix, typeOfService > 0 {
            Socket.setTypeOfService(socket.descriptor, typeOfService, ipv6: address.family == .ipv6)
        }
        return Made(descriptor: socket.release(), family: address.family.label)
    }

    private mutating func takeActivated(_ name: String, _ addresses: [SocketAddress]) -> [Made] {
        var made: [Made] = []
        activated.removeAll { passed in
            guard passed.name == name || passed.address.map({ addresses.contains($0) }) ?? false else { return false }
            made.append(Made(descriptor: passed.descriptor, family: passed.address?.family.label ?? "unix"))
            return true
        }
        return made
    }
}

extension SocketAddress.Family {
    /// As logs and metrics name it.
    var label: String {
        switch self {
        case .ipv4: "ipv4"
        case .ipv6: "ipv6"
        case .unix: "unix"
        case .other: "unknown"
        }
    }
}
