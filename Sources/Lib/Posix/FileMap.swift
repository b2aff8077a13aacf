import Bytes
import CPosix
import Glibc
import SystemPackage

/// A read-only shared map of a file, growing with it.
///
/// The address range is reserved with room to grow, so that an append by another process needs one fstat and no new map most times.
/// Bytes beyond the file's end are never handed out. A file that another process truncates under the map would raise SIGBUS:
/// every file mapped here is only truncated by holders of its exclusive lock, and is re-measured (`refresh`) after locking.
public struct FileMap: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    private var reserved = 0
    /// Bytes of the file that may be read.
    public private(set) var count = 0

    /// How far the file can grow before another map is needed, in bytes from its start.
    public var capacity: Int { reserved }

    /// No file mapped yet.
    public init() {}

    /// Maps `size` bytes of the file (its size now, when nil).
    public init(_ file: borrowing File, size: Int? = nil) throws(PosixError) {
        try refresh(file, size: size)
    }

    deinit {
        if let base { munmap(base, reserved) }
    }

    /// Follows the file to its size now (or to `size`, which the caller has just measured).
    public mutating func refresh(_ file: borrowing File, size: Int? = nil) throws(PosixError) {
        let size = if let size { size } else { try file.status.size }
        if size <= reserved {
            count = size
            return
        }
        try map(file, size)
    }

    /// Maps anew, for a file that was replaced.
    public mutating func remap(_ file: borrowing File) throws(PosixError) {
        if let base { munmap(base, reserved) }
        base = nil
        reserved = 0
        count = 0
        try refresh(file)
    }

    private mutating func map(_ file: borrowing File, _ size: Int) throws(PosixError) {
        // A quarter more than now, in whole 64 KiB steps; small files that never grow cost one such step of address space only.
        let wanted = (size + size / 4 + 0xffff) & ~0xffff
        let address = mmap(nil, wanted, PROT_READ, MAP_SHARED, file.descriptor, 0)
        guard let address, address != cy_map_failed() else { throw .last("mmap", file.path) }
        if let base { munmap(base, reserved) }
        base = address
        reserved = wanted
        count = size
    }

    /// The file's bytes, in place.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = RawSpan(_unsafeStart: UnsafeRawPointer(base ?? Self.nowhere), byteCount: base == nil ? 0 : count)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    private static var nowhere: UnsafeMutableRawPointer {
        // An address that is never read: the span over it is empty.
        UnsafeMutableRawPointer(bitPattern: 1).unsafelyUnwrapped
    }

    /// Gives the pages back while the map is not looked at; they come again from the page cache when it is.
    public func rest() {
        if let base, count >= 1 << 18 { madvise(base, reserved, MADV_DONTNEED) }
    }

    /// Tells the kernel the access pattern.
    public func advise(sequential: Bool) {
        if let base { madvise(base, reserved, sequential ? MADV_SEQUENTIAL : MADV_RANDOM) }
    }
}
