import Bytes
import CPosix
import Glibc
import SystemPackage

/// An open file, owned once and closed at the end of its scope.
///
/// POSIX record locks belong to the process and fall with the *first* close of any descriptor of the file: whoever locks
/// files opens each of them once (CyrusDB and Mailbox keep registries for that).
public struct File: ~Copyable {
    /// The descriptor, for poll and for handing to a child; it stays owned by this value.
    public private(set) var descriptor: CInt
    /// The path it was opened by, for errors.
    public let path: String

    public struct Access: Sendable {
        let flags: CInt
        public static let read = Access(flags: O_RDONLY)
        public static let write = Access(flags: O_WRONLY)
        public static let readWrite = Access(flags: O_RDWR)
        public static let append = Access(flags: O_WRONLY | O_APPEND)
    }

    public enum Creation: Sendable {
        /// The file must be there.
        case never
        /// Made when missing.
        case ifMissing
        /// Made when missing, emptied when there.
        case truncate
        /// Must not be there.
        case exclusive

        var flags: CInt {
            switch self {
            case .never: 0
            case .ifMissing: O_CREAT
            case .truncate: O_CREAT | O_TRUNC
            case .exclusive: O_CREAT | O_EXCL
            }
        }
    }

    /// Opens close-on-exec. `mode` is subject to the umask.
    public init(_ path: String, _ access: Access, create: Creation = .never, mode: UInt32 = 0o666) throws(PosixError) {
        let fd = retrying { cy_open(path, access.flags | create.flags | O_CLOEXEC, mode) }
        guard fd >= 0 else { throw .last("open", path) }
        descriptor = fd
        self.path = path
    }

    /// Takes over a descriptor (inherited, accepted, from a pipe).
    public init(adopting descriptor: CInt, path: String = "") {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        // Nothing can be done about a failing close here; whoever needs to know has synced before.
        if descriptor >= 0 { close(descriptor) }
    }

    /// Gives the descriptor away; it will not be closed.
    public consuming func release() -> CInt {
        let fd = descriptor
        descriptor = -1
        return fd
    }

    public var status: FileStatus {
        get throws(PosixError) {
            var raw = stat()
            guard fstat(descriptor, &raw) == 0 else { throw .last("fstat", path) }
            return FileStatus(raw)
        }
    }

    // MARK: reading

    /// Reads up to the buffer's size at the current position; 0 is end of file.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(PosixError) -> Int {
        let count = retrying { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
        guard count >= 0 else { throw .last("read", path) }
        return count
    }

    /// Reads up to the buffer's size at `offset`; less only at the end of the file.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(PosixError) -> Int {
        var done = 0
        while done < buffer.count {
            // done < buffer.count, so the buffer has an address.
            let count = retrying { pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done)) }
            guard count >= 0 else { throw .last("pread", path) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// `count` bytes at `offset`, fewer only at the end of the file.
    public func read(_ count: Int, at offset: Int) throws(PosixError) -> [UInt8] {
        var failure: PosixError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(PosixError) {
                filled = try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Everything from the start of the file.
    public func readAll() throws(PosixError) -> [UInt8] {
        try read(status.size, at: 0)
    }

    // MARK: writing

    /// Writes all of it at the current position.
    public func write(_ bytes: borrowing RawSpan) throws(PosixError) {
        var done = 0
        while done < bytes.byteCount {
            let count = bytes.withUnsafeBytes { buffer in
                // done < count, so the buffer has an address.
                retrying { Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done) }
            }
            guard count >= 0 else { throw .last("write", path) }
            done += count
        }
    }

    public func write(_ bytes: [UInt8]) throws(PosixError) {
        try write(bytes.span.bytes)
    }

    /// Writes all of it at `offset`.
    public func write(_ bytes: borrowing RawSpan, at offset: Int) throws(PosixError) {
        var done = 0
        while done < bytes.byteCount {
            let count = bytes.withUnsafeBytes { buffer in
                // done < count, so the buffer has an address.
                retrying { pwrite(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done)) }
            }
            guard count >= 0 else { throw .last("pwrite", path) }
            done += count
        }
    }

    public func write(_ bytes: [UInt8], at offset: Int) throws(PosixError) {
        try write(bytes.span.bytes, at: offset)
    }

    public func truncate(to size: Int) throws(PosixError) {
        guard retrying({ ftruncate(descriptor, off_t(size)) }) == 0 else { throw .last("ftruncate", path) }
    }

    /// Data and metadata are on the disk when this returns.
    public func sync() throws(PosixError) {
        guard retrying({ fsync(descriptor) }) == 0 else { throw .last("fsync", path) }
    }

    /// Data, and the size if it changed, are on the disk when this returns.
    public func syncData() throws(PosixError) {
        guard retrying({ fdatasync(descriptor) }) == 0 else { throw .last("fdatasync", path) }
    }

    public func setTimes(modified: Int64) throws(PosixError) {
        var times = [timespec(tv_sec: Int(modified), tv_nsec: 0), timespec(tv_sec: Int(modified), tv_nsec: 0)]
        guard futimens(descriptor, &times) == 0 else { throw .last("futimens", path) }
    }

    public func setMode(_ mode: UInt32) throws(PosixError) {
        guard fchmod(descriptor, mode) == 0 else { throw .last("fchmod", path) }
    }
}
