import CPosix
import Glibc
import SystemPackage

/// The two ends of a pipe, both close-on-exec.
public struct Pipe: ~Copyable {
    public var read: File
    public var write: File

    public init() throws(PosixError) {
        var ends: [CInt] = [0, 0]
        guard cy_pipe(&ends) == 0 else { throw .last("pipe2") }
        read = File(adopting: ends[0], path: "pipe")
        write = File(adopting: ends[1], path: "pipe")
    }

    /// Gives both ends away.
    public consuming func release() -> (read: CInt, write: CInt) {
        (read.release(), write.release())
    }
}

/// Descriptors as numbers, where a contract fixes them (0 to 4 in Cyrus's services).
public enum Descriptor {
    /// `to` becomes a copy of `from`, not close-on-exec.
    public static func duplicate(_ from: CInt, to: CInt) throws(PosixError) {
        guard retrying({ dup2(from, to) }) >= 0 else { throw .last("dup2", "\(from) to \(to)") }
    }

    /// A close-on-exec copy, numbered at least `minimum`.
    public static func duplicate(_ from: CInt, atLeast minimum: CInt) throws(PosixError) -> File {
        let fd = cy_duplicate(from, minimum)
        guard fd >= 0 else { throw .last("fcntl(F_DUPFD)", String(from)) }
        return File(adopting: fd)
    }

    public static func close(_ descriptor: CInt) {
        _ = Glibc.close(descriptor)
    }

    /// Reads what is there into `buffer`; 0 at the end, -1 when nothing is there (non-blocking) or it failed.
    public static func read(_ descriptor: CInt, into buffer: inout [UInt8]) -> Int {
        buffer.withUnsafeMutableBytes { raw in retrying { Glibc.read(descriptor, raw.baseAddress, raw.count) } }
    }

    /// Somebody looks at what is written there.
    public static func isTerminal(_ descriptor: CInt) -> Bool { isatty(descriptor) == 1 }

    public static func isOpen(_ descriptor: CInt) -> Bool {
        cy_fcntl_get(descriptor, F_GETFD) >= 0
    }

    public static func setCloseOnExec(_ descriptor: CInt, _ on: Bool) throws(PosixError) {
        guard cy_fcntl_set(descriptor, F_SETFD, on ? FD_CLOEXEC : 0) >= 0 else { throw .last("fcntl(F_SETFD)", String(descriptor)) }
    }

    /// Every descriptor from `first` on vanishes at exec: what this process has inherited is not its children's.
    /// Kernels before 5.11 cannot, and leave them as they are.
    public static func closeOnExec(from first: CInt) {
        _ = cy_close_on_exec_from(UInt32(clamping: first))
    }

    public static func setNonBlocking(_ descriptor: CInt, _ on: Bool) throws(PosixError) {
        let flags = cy_fcntl_get(descriptor, F_GETFL)
        guard flags >= 0, cy_fcntl_set(descriptor, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) >= 0 else {
            throw .last("fcntl(F_SETFL)", String(descriptor))
        }
    }
}

extension Descriptor {
    /// Reads what there is, up to the array's size; 0 is end of file.
    public static func receive(_ descriptor: CInt, into bytes: inout [UInt8]) throws(PosixError) -> Int {
        let count = bytes.withUnsafeMutableBytes { buffer in
            retrying { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
        }
        guard count >= 0 else { throw .last("read", String(descriptor)) }
        return count
    }

    /// Writes all of it, waiting where the descriptor does not take more.
    public static func write(_ descriptor: CInt, _ bytes: [UInt8]) throws(PosixError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                // done < count, so the buffer has an address.
                retrying { Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done) }
            }
            if count < 0, errno == EAGAIN {
                var entries = [PollEntry(descriptor, write: true)]
                _ = try Poll.wait(&entries, milliseconds: -1)
                continue
            }
            guard count >= 0 else { throw .last("write", String(descriptor)) }
            done += count
        }
    }
}
