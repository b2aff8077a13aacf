import Glibc
public import SystemPackage

/// A system call that failed: which one, on what, with which errno, and what to do about it where that is known.
///
/// Made only by `PosixError.last`, so that errno is read in one place.
public struct PosixError: Error, CustomStringConvertible, Sendable {
    /// The call, as its man page is named.
    public let call: String
    /// The path, address or object the call was made on; empty when there is none.
    public let object: String
    public let errno: Errno

    public init(_ call: String, _ object: String = "", errno: Errno) {
        self.call = call
        self.object = object
        self.errno = errno
    }

    /// The error of the call that just failed on this thread.
    @usableFromInline
    static func last(_ call: String, _ object: String = "") -> PosixError {
        PosixError(call, object, errno: Errno(rawValue: Glibc.errno))
    }

    /// One line for a log: `open /var/spool/x: Permission denied (is the owner the cyrus user?)`.
    public var description: String {
        let target = object.isEmpty ? "" : " \(object)"
        return "\(call)\(target): \(errno.description)\(advice)"
    }

    private var advice: String {
        switch errno {
        case .noSpace: " (the file system is full)"
        case .diskQuotaExceeded: " (the file system's quota of this user is used up)"
        case .permissionDenied, .notPermitted: " (is it owned by the user this program runs as?)"
        case .tooManyOpenFiles: " (raise maxfds of the service or RLIMIT_NOFILE)"
        case .readOnlyFileSystem: " (mounted read-only)"
        default: ""
        }
    }

    public var isMissing: Bool { errno == .noSuchFileOrDirectory || errno == .notDirectory }
    public var isFull: Bool { errno == .noSpace || errno == .diskQuotaExceeded }
}

/// Repeats a call for as long as a signal interrupts it. -1 means failure, with errno set.
func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || Glibc.errno != EINTR { return result }
    }
}
