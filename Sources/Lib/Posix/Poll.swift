import CPosix
import Glibc
import SystemPackage

/// What poll(2) waits for.
public struct PollEntry: Sendable {
    public let descriptor: CInt
    public let write: Bool
    /// Set by `Poll.wait`: readable (or writable), hung up, or in error.
    public fileprivate(set) var isReady = false
    public fileprivate(set) var isHungUp = false

    public init(_ descriptor: CInt, write: Bool = false) {
        self.descriptor = descriptor
        self.write = write
    }
}

public enum Poll {
    /// Waits for any entry, `milliseconds` at most (-1: for ever), or a signal in `signals` (blocked outside of the wait, let through
    /// atomically within it). Returns how many are ready; 0 at the time-out or when a signal came.
    public static func wait(_ entries: inout [PollEntry], milliseconds: Int, signals: [Signal] = []) throws(PosixError) -> Int {
        var raw = entries.map { pollfd(fd: $0.descriptor, events: Int16($0.write ? POLLOUT : POLLIN), revents: 0) }
        let timeout = CInt(clamping: milliseconds)
        let count: CInt
        if signals.isEmpty {
            count = poll(&raw, nfds_t(raw.count), timeout)
        } else {
            count = cy_ppoll(&raw, UInt(raw.count), timeout, signals.reduce(0) { $0 | $1.bit })
        }
        if count < 0 {
            for i in entries.indices { entries[i].isReady = false }
            if errno == EINTR { return 0 }
            throw .last("poll")
        }
        for i in entries.indices {
            entries[i].isReady = raw[i].revents != 0
            entries[i].isHungUp = raw[i].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0
        }
        return Int(count)
    }

    /// Whether one descriptor becomes readable within `milliseconds`; false at the time-out or when a signal came.
    public static func readable(_ descriptor: CInt, milliseconds: Int) throws(PosixError) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let count = poll(&entry, 1, CInt(clamping: milliseconds))
        if count < 0 && errno != EINTR { throw .last("poll") }
        return count > 0
    }
}
