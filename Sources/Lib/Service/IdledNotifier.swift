import Bytes
import Configuration
public import Mailbox
import Posix

/// Tells idled at once of what this process changes, so that sessions in IDLE hear of it.
final class IdledNotifier: ChangeObserver {
    private let path: String
    private let idled: SocketAddress?

    init(_ configuration: Configuration) {
        path = configuration[.idlesocket]
        idled = SocketAddress(unix: path)
    }

    func changed(mailbox name: MailboxName) {
        notify(name)
    }

    func appended(mailbox name: MailboxName) {
        notify(name)
    }

    func event(_ event: StoreEvent) {}

    /// IDLE_MSG_NOTIFY with the mailbox's name. idled may not be there.
    private func notify(_ name: MailboxName) {
        guard let idled, FileSystem.exists(path) else { return }
        var bytes: [UInt8] = []
        withUnsafeBytes(of: UInt64(2)) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: name.text.utf8)
        guard let socket = try? Socket.datagram(bound: nil) else { return }
        try? socket.send(bytes, to: idled)
    }
}

extension MailStore {
    /// Makes this process's changes known: to idled, to the STATUS cache, and to replication where sync_log is on. Every program that changes mail calls it.
    public func attachObservers() {
        observers = [IdledNotifier(configuration)]
        if let cache = StatusCacheInvalidator(self) { observers.append(cache) }
        if let log = SyncLog(configuration, logger: logger) { observers.append(log) }
    }
}
