import CPosix
import Glibc

/// A private image of a file that is changed and appended to before any of it is written: copy-on-write pages over the file, and
/// plain memory after its end.
///
/// For whoever holds the file's exclusive lock: changes that others make meanwhile may or may not show.
public struct FileDraft: ~Copyable {
    private let base: UnsafeMutableRawPointer
    private let reserved: Int
    /// Up to here bytes are the file's, changed or not; what comes after was appended, and is not in the file yet.
    private var written: Int
    /// Bytes in all.
    public private(set) var count: Int
    /// One bit for each page of the file that was changed.
    private var changedPages: [UInt64]
    private var changedCount = 0

    private static let pageSize = 4096

    /// Maps the first `size` bytes of a file, with room to append `room` bytes.
    public init(_ file: borrowing File, size: Int, room: Int) throws(PosixError) {
        let pages = (size + Self.pageSize - 1) / Self.pageSize
        let length = (pages * Self.pageSize + room + 0xffff) & ~0xffff
        let address = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let address, address != cy_map_failed() else { throw .last("mmap", file.path) }
        if pages > 0 {
            let mapped = mmap(
                address, pages * Self.pageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file.descriptor, 0)
            guard mapped != cy_map_failed() else {
                let error = PosixError.last("mmap", file.path)
                munmap(address, length)
                throw error
            }
        }
        base = address
        reserved = length
        written = size
        count = size
        changedPages = [UInt64](repeating: 0, count: (pages + 63) / 64)
    }

    deinit {
        munmap(base, reserved)
    }

    /// Where the bytes stand, for as long as the draft is held.
    public var address: UnsafeRawPointer { UnsafeRawPointer(base) }
    /// How many bytes there can be.
    public var capacity: Int { reserved }
    /// Memory that the draft has taken, in bytes.
    public var changedBytes: Int { changedCount * Self.pageSize + count - written }

    /// Changes bytes, or appends them. `offset` is not after the end, and what is written ends within `capacity`.
    public mutating func write(_ bytes: borrowing RawSpan, at offset: Int) {
        let length = bytes.byteCount
        guard length > 0 else { return }
        precondition(offset >= 0 && offset <= count && length <= reserved - offset)
        bytes.withUnsafeBytes { source in
            // length > 0, so there is an address.
            _ = memcpy(base + offset, source.baseAddress!, length)
        }
        count = max(count, offset + length)
        guard offset < written else { return }
        for page in (offset / Self.pageSize)...((min(offset + length, written) - 1) / Self.pageSize) {
            let bit: UInt64 = 1 << UInt64(page & 63)
            if changedPages[page >> 6] & bit == 0 {
                changedPages[page >> 6] |= bit
                changedCount += 1
            }
        }
    }

    /// Lends what is not in the file yet, in pieces in the order of the file, and takes it for written: what was appended first, then
    /// the pages that were changed.
    public mutating func flush(_ body: (_ bytes: RawSpan, _ offset: Int) throws(PosixError) -> Void) throws(PosixError) {
        let end = written
        if count > end { try body(RawSpan(_unsafeStart: base + end, byteCount: count - end), end) }
        if changedCount > 0 {
            var page = 0
            let pages = changedPages.count * 64
            while page < pages {
                guard isChanged(page) else {
                    page += changedPages[page >> 6] == 0 ? 64 - page & 63 : 1
                    continue
                }
                var next = page + 1
                while next < pages, isChanged(next) { next += 1 }
                let from = page * Self.pageSize
                try body(RawSpan(_unsafeStart: base + from, byteCount: min(next * Self.pageSize, end) - from), from)
                page = next
            }
            for word in changedPages.indices { changedPages[word] = 0 }
            changedCount = 0
        }
        written = count
        let words = ((count + Self.pageSize - 1) / Self.pageSize + 63) / 64
        if words > changedPages.count { changedPages += [UInt64](repeating: 0, count: words - changedPages.count) }
    }

    private func isChanged(_ page: Int) -> Bool {
        changedPages[page >> 6] & 1 << UInt64(page & 63) != 0
    }
}
