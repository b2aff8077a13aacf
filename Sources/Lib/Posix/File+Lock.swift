import CPosix
import Glibc
import SystemPackage

/// How a file is locked (fcntl record lock over the whole file, as Cyrus takes them).
public enum LockKind: Sendable {
    case shared
    case exclusive

    var type: Int16 {
        switch self {
        case .shared: Int16(F_RDLCK)
        case .exclusive: Int16(F_WRLCK)
        }
    }
}

extension File {
    /// Waits for the lock. A lock already held by this process is converted.
    public func lock(_ kind: LockKind) throws(PosixError) {
        guard retrying({ cy_lock(descriptor, kind.type, 1) }) == 0 else { throw .last("fcntl(F_SETLKW)", path) }
    }

    /// Takes the lock if nobody holds it against us; false when somebody does.
    public func tryLock(_ kind: LockKind) throws(PosixError) -> Bool {
        if retrying({ cy_lock(descriptor, kind.type, 0) }) == 0 { return true }
        if errno == EACCES || errno == EAGAIN { return false }
        throw .last("fcntl(F_SETLK)", path)
    }

    /// Takes the lock within `seconds`; throws ETIMEDOUT-like `.resourceTemporarilyUnavailable` naming the holder's pid in `object`.
    ///
    /// fcntl has no timed wait; the wait is polled with growing pauses of 1 to 50 ms.
    public func lock(_ kind: LockKind, within seconds: Double) throws(PosixError) {
        let deadline = Clock.monotonic + seconds
        var pause: UInt32 = 1_000
        while try !tryLock(kind) {
            if Clock.monotonic >= deadline {
                let holder = lockHolder(kind)
                throw PosixError(
                    "fcntl(F_SETLK)", holder > 0 ? "\(path) (held by process \(holder))" : path, errno: .resourceTemporarilyUnavailable)
            }
            usleep(pause)
            pause = min(pause * 2, 50_000)
        }
    }

    /// The process that keeps us from the lock, 0 when none does.
    public func lockHolder(_ kind: LockKind) -> Int32 {
        max(0, cy_lock_holder(descriptor, kind.type))
    }

    public func unlock() throws(PosixError) {
        guard retrying({ cy_lock(descriptor, Int16(F_UNLCK), 1) }) == 0 else { throw .last("fcntl(F_UNLCK)", path) }
    }
}

extension File {
    /// Waits for the lock until a signal comes; false when one did.
    public func lockUnlessInterrupted(_ kind: LockKind) throws(PosixError) -> Bool {
        if cy_lock(descriptor, kind.type, 1) == 0 { return true }
        if errno == EINTR { return false }
        throw .last("fcntl(F_SETLKW)", path)
    }
}

extension File {
    /// Takes a lock of one byte, which need not be there, that belongs to this open file and no other, also within this process
    /// (Linux's open file description lock); false when somebody else holds one against it.
    public func tryLock(byte: Int64, _ kind: LockKind) throws(PosixError) -> Bool {
        if retrying({ cy_lock_byte(descriptor, kind.type, byte) }) == 0 { return true }
        if errno == EACCES || errno == EAGAIN { return false }
        throw .last("fcntl(F_OFD_SETLK)", path)
    }

    public func unlock(byte: Int64) throws(PosixError) {
        guard retrying({ cy_lock_byte(descriptor, Int16(F_UNLCK), byte) }) == 0 else { throw .last("fcntl(F_OFD_SETLK)", path) }
    }
}
