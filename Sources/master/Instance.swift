import Configuration
import Posix

/// One listening socket of a service, or one daemon: its descriptors, and the machine that decides about its processes.
///
/// A class, for it is found both by service and by child; the descriptors are its own and closed with it.
final class Instance {
    /// What it is started by.
    struct Program: Equatable {
        var path: String
        var words: [String]
        var maxDescriptors: Int
    }

    let name: String
    /// CYRUS_ID: 0, 1, 2 … for the addresses of one service.
    let id: Int
    /// ipv4, ipv6, unix or daemon.
    let family: String
    /// What makes it the same service after SIGHUP.
    let key: Key
    var program: Program
    var machine: ServiceMachine
    /// Daemons that are waited for at the start and end last.
    let isWaitDaemon: Bool
    /// -1 for daemons and closed ones.
    private(set) var listener: CInt
    private(set) var statusRead: CInt = -1
    private(set) var statusWrite: CInt = -1
    /// The head of a message whose rest is still to come.
    var statusBytes: [UInt8] = []
    var connectionWaiting = false
    /// What the machine last wanted; nothing is left to fork.
    var need = ServiceMachine.Need()

    struct Key: Hashable {
        var name: String
        var listen: String
        var proto: String
    }

    init(
        name: String, id: Int, family: String, key: Key, program: Program, settings: ServiceMachine.Settings, listener: CInt = -1,
        isWaitDaemon: Bool = false
    ) throws(PosixError) {
        self.name = name
        self.id = id
        self.family = family
        self.key = key
        self.program = program
        self.isWaitDaemon = isWaitDaemon
        self.listener = listener
        machine = ServiceMachine(label: "\(name)/\(family)", settings: settings)
        if settings.kind == .service {
            let pipe = try Pipe()
            let (read, write) = pipe.release()
            statusRead = read
            statusWrite = write
            try Descriptor.setNonBlocking(statusRead, true)
        }
    }

    deinit {
        for descriptor in [listener, statusRead, statusWrite] where descriptor >= 0 { Descriptor.close(descriptor) }
    }

    func closeListener() {
        if listener >= 0 { Descriptor.close(listener) }
        listener = -1
    }

    /// A service that was disabled gets its socket back at SIGHUP.
    func adopt(listener descriptor: CInt) {
        closeListener()
        listener = descriptor
    }

    /// The whole messages that have arrived.
    func readMessages() -> [(message: ServiceMessage?, pid: Int32)] {
        guard statusRead >= 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Descriptor.read(statusRead, into: &buffer)
            guard count > 0 else { break }
            statusBytes += buffer[..<count]
        }
        var messages: [(ServiceMessage?, Int32)] = []
        var rest = statusBytes[...]
        while rest.count >= ServiceMessage.byteCount {
            messages.append(ServiceMessage.decode(rest.prefix(ServiceMessage.byteCount)))
            rest = rest.dropFirst(ServiceMessage.byteCount)
        }
        statusBytes = Array(rest)
        return messages
    }
}
