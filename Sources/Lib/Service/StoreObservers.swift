import Bytes
import Configuration
public import Mailbox
import Posix

/// Tells others of what this process changes: idled at once, and sync_log for replication.
public final class StoreObservers: ChangeObserver {
    private let context: ServiceContext
    private let idled: SocketAddress?

    public init(_ context: ServiceContext) {
        self.context = context
        idled = SocketAddress(unix: context.configuration[.idlesocket])
    }

    public func changed(mailbox name: MailboxName) {
        notify(name)
    }

    public func appended(mailbox name: MailboxName) {
        notify(name)
    }

    public func event(_ event: StoreEvent) {}

    /// IDLE_MSG_NOTIFY with the mailbox's name. idled may not be there.
    private func notify(_ name: MailboxName) {
        guard let idled, FileSystem.exists(context.configuration[.idlesocket]) else { return }
        var bytes: [UInt8] = []
        withUnsafeBytes(of: UInt64(2)) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: name.text.utf8)
        guard let socket = try? Socket.datagram(bound: nil) else { return }
        try? socket.send(bytes, to: idled)
    }
}
