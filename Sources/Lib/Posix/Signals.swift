import CPosix
import Glibc

/// Signals as flags: a caught signal interrupts a waiting system call and is asked for afterwards.
public enum Signal: CInt, Sendable, CaseIterable {
    case hangup = 1
    case interrupt = 2
    case quit = 3
    case user1 = 10
    case user2 = 12
    case pipe = 13
    case alarm = 14
    case terminate = 15
    case child = 17

    public func `catch`() { _ = cy_signal_catch(rawValue) }
    public func ignore() { _ = cy_signal_ignore(rawValue) }
    public func restoreDefault() { _ = cy_signal_default(rawValue) }

    /// Has the kernel send it when the process that started this one has ended. Lost when this process changes its user.
    public func comesWhenParentEnds() { _ = cy_signal_when_parent_ends(rawValue) }

    /// Whether it came since it was last taken.
    public func take() -> Bool { cy_signal_take(rawValue) != 0 }
    public var isPending: Bool { cy_signal_pending(rawValue) != 0 }
    /// The process that sent the last one, 0 when unknown.
    public var sender: Int32 { cy_signal_sender(rawValue) }

    var bit: UInt64 { 1 << UInt64(rawValue) }

    public static func block(_ signals: [Signal]) {
        _ = cy_signal_block(signals.reduce(0) { $0 | $1.bit }, 1)
    }

    public static func unblock(_ signals: [Signal]) {
        _ = cy_signal_block(signals.reduce(0) { $0 | $1.bit }, 0)
    }

    /// The system's words for a signal's number (`Terminated`).
    public static func name(of signal: CInt) -> String {
        strsignal(signal).map { String(cString: $0) } ?? String(signal)
    }

    /// To every process of this one's group, itself included.
    public func sendToGroup() {
        _ = kill(0, rawValue)
    }

    public func send(to pid: Int32) throws(PosixError) {
        guard kill(pid, rawValue) == 0 else { throw .last("kill", String(pid)) }
    }
}
