import Bytes
import CPosix
import Configuration
import Mailbox
import Posix
import Service
import Wire

extension Session {
    /// IDLE (RFC 2177): what happens to the selected mailbox is told at once, by idled where it runs, by watching the index otherwise;
    /// and looked for every `imapidlepoll` seconds in any case.
    func idle(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.end() }
        let poll = context.configuration[.imapidlepoll]
        guard poll > 0 else {
            bad(tag, "Unrecognized command")
            return
        }
        try tellChanges(mayExpunge: true)
        out("+ idling\r\n")
        let limit = context.configuration[.imapidletimeout] ?? 0
        let silence = max(30 * 60, limit > 0 ? limit : context.configuration[.timeout])
        let watcher = MailboxWatcher(context.configuration, selected?.mailbox)
        defer { watcher.stop() }
        let deadline = Clock.monotonic + Double(silence)
        // What came between the look above and the start of watching.
        try tellChanges(mayExpunge: true)
        while true {
            try wiring { () throws(ConnectionError) in try connection.flush() }
            var others = watcher.descriptors.map { PollEntry($0) }
            let isReady = try wiring { () throws(ConnectionError) in
                try connection.wait(milliseconds: poll * 1000, also: &others)
            }
            if isReady { break }
            if connection.shouldStop() { throw .connection(.interrupted) }
            if Clock.monotonic >= deadline { throw .connection(.timedOut) }
            if let text = context.shutdownText {
                sayBye("[ALERT] \(text)")
                state = .logout
                return
            }
            watcher.drain()
            try tellChanges(mayExpunge: true)
            if case .logout = state { return }
        }
        let line = try wiring { () throws(ConnectionError) in try connection.readLine(limit: 1024) }
        if line.asciiUppercased == [UInt8]("DONE") {
            try tellChanges(mayExpunge: true)
            ok(tag, "Completed")
        } else {
            bad(tag, "Invalid Idle continuation")
        }
    }
}

/// Wakes an idling session: by datagrams of idled on a socket of its own, and by inotify on the mailbox's index.
final class MailboxWatcher {
    private var socket: CInt = -1
    private var socketPath = ""
    private var inotify: CInt = -1
    private let idled: SocketAddress?
    private let mailbox: String

    /// idled's messages: an unsigned long, then the mailbox's name (facts of Cyrus's idlemsg).
    private enum Message: UInt64 {
        case start = 0
        case done = 1
    }

    init(_ configuration: Configuration, _ watched: Mailbox?) {
        mailbox = watched?.name.text ?? ""
        idled = SocketAddress(unix: configuration[.idlesocket])
        guard let watched else { return }
        if let idled, FileSystem.exists(configuration[.idlesocket]) {
            socketPath = "\(configuration.directory)/socket/idle.\(Process.id)"
            if let address = SocketAddress(unix: socketPath), let made = try? Socket.datagram(bound: address) {
                socket = made.release()
                try? Descriptor.setNonBlocking(socket, true)
                send(.start, idled)
            }
        }
        inotify = inotify_init1(CInt(IN_NONBLOCK) | CInt(IN_CLOEXEC))
        if inotify >= 0 {
            let mask = UInt32(IN_MODIFY) | UInt32(IN_MOVED_TO) | UInt32(IN_DELETE_SELF)
            _ = inotify_add_watch(inotify, watched.dataDirectory, mask)
            let index = watched.watchPath
            if !index.hasPrefix(watched.dataDirectory) { _ = inotify_add_watch(inotify, index, mask) }
        }
    }

    var descriptors: [CInt] { [socket, inotify].filter { $0 >= 0 } }

    private func send(_ message: Message, _ address: SocketAddress) {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: message.rawValue) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: mailbox.utf8)
        let own = Socket(adopting: socket)
        // idled may be gone: then the index is watched all the same.
        try? own.send(bytes, to: address)
        _ = own.release()
    }

    /// Takes what woke the session.
    func drain() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        for descriptor in descriptors {
            while let count = try? Descriptor.receive(descriptor, into: &bytes), count > 0 {}
        }
    }

    func stop() {
        if socket >= 0 {
            if let idled { send(.done, idled) }
            Descriptor.close(socket)
            _ = try? FileSystem.unlink(socketPath)
            socket = -1
        }
        if inotify >= 0 {
            Descriptor.close(inotify)
            inotify = -1
        }
    }
}
