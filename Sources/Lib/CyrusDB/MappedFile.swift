import Bytes
import Logging
import Posix

/// A database file, open, mapped and locked: what Cyrus calls a mappedfile.
///
/// Locks are fcntl record locks over the whole file. Whoever waited for one may find that the file was replaced by a rename
/// meanwhile: then the new one is opened and locked instead. Under a lock `size` is what the file has, and follows own writes.
final class MappedFile {
    let path: String
    private let logger: Logger
    private var file: File
    private var device: UInt64
    private var inode: UInt64
    /// When the file's status last changed, as of the last time that the path was seen to name it.
    private var changed: Int64 = -1
    private var shared: Map
    /// What a long transaction has written, before it is in the file.
    private var draft: Map?
    /// Some of a draft has gone to the file since it was locked.
    private(set) var hasSpilled = false
    /// Kept alive by whoever reads from it while the file may grow out of it or be replaced.
    var map: Map { draft ?? shared }
    /// Bytes of the file that may be read.
    private(set) var size: Int
    private(set) var held: LockKind?
    private var lockedSince = 0.0
    /// Told of every change in the order it is made: crash tests rebuild from it what a power loss may leave.
    var observer: ((Change) -> Void)?

    enum Change {
        case write(offset: Int, bytes: [UInt8])
        case truncate(Int)
        case sync
    }

    /// One map of one file; the address range outlasts the file's replacement for as long as somebody holds this.
    final class Map {
        private let map: FileMap
        fileprivate var draft: FileDraft?
        fileprivate let base: UnsafeRawPointer?

        fileprivate init(_ file: borrowing File, _ size: Int) throws(PosixError) {
            let map = try FileMap(file, size: size)
            capacity = map.capacity
            base = Self.address(of: map)
            self.map = map
        }

        fileprivate init(draftOf file: borrowing File, _ size: Int, room: Int) throws(PosixError) {
            let draft = try FileDraft(file, size: size, room: room)
            capacity = draft.capacity
            base = draft.address
            map = FileMap()
            self.draft = consume draft
        }

        private static func address(of map: borrowing FileMap) -> UnsafeRawPointer? {
            map.bytes.withUnsafeBytes { $0.baseAddress }
        }

        /// How far the file can grow within this map.
        let capacity: Int
    }

    /// A view of the first `count` bytes of a map. Valid while the map is held, which whoever makes one sees to.
    struct Window {
        private let base: UnsafeRawPointer?
        let count: Int

        fileprivate init(_ base: UnsafeRawPointer?, _ count: Int) {
            self.base = base
            self.count = base == nil ? 0 : count
        }

        var bytes: RawSpan {
            @_lifetime(borrow self)
            get {
                // `count` never passes the file's size at the last lock or own write, which the map covers.
                let span = RawSpan(_unsafeElements: UnsafeBufferPointer(start: base?.assumingMemoryBound(to: UInt8.self), count: count))
                return _overrideLifetime(span, borrowing: self)
            }
        }
    }

    /// Opens for reading and writing; with `create` a missing file is made, and its directories.
    init(_ path: String, create: Bool, logger: Logger) throws(CyrusDBError) {
        self.path = path
        self.logger = logger
        file = try Self.open(path, create: create)
        do throws(PosixError) {
            let status = try file.status
            device = status.device
            inode = status.inode
            size = status.size
            shared = try Map(file, size)
        } catch {
            throw .io(error)
        }
    }

    /// Makes a file, empties it, and holds its exclusive lock until it is closed; nil when another process has it.
    ///
    /// Between being made and being locked a file may have been renamed by its holder: then it is another's, and left alone.
    convenience init?(makingAndLocking path: String, logger: Logger) throws(CyrusDBError) {
        try self.init(path, create: true, logger: logger)
        guard try io({ () throws(PosixError) in try file.tryLock(.exclusive) }) else { return nil }
        guard let named = try io({ () throws(PosixError) in try FileSystem.status(path) }), isFile(named) else { return nil }
        held = .exclusive
        lockedSince = Clock.monotonic
        try truncate(to: 0)
    }

    private static func open(_ path: String, create: Bool) throws(CyrusDBError) -> File {
        do throws(PosixError) {
            return try File(path, .readWrite)
        } catch {
            guard error.isMissing else { throw .io(error) }
            guard create else { throw .missing(path: path) }
        }
        do throws(PosixError) {
            return try File(path, .readWrite, create: .ifMissing, mode: 0o644)
        } catch {
            guard error.isMissing else { throw .io(error) }
        }
        return try io { () throws(PosixError) in
            try FileSystem.makeDirectories(FileSystem.parent(of: path), mode: 0o755)
            return try File(path, .readWrite, create: .ifMissing, mode: 0o644)
        }
    }

    /// The file's bytes now.
    var window: Window { Window(map.base, min(size, map.capacity)) }

    // MARK: locks

    /// Waits for the lock, on the file that the path names when it is had.
    func lock(_ kind: LockKind) throws(CyrusDBError) {
        let started = Clock.monotonic
        do throws(PosixError) {
            while true {
                try file.lock(kind)
                if try isStillNamed(kind) {
                    if size > shared.capacity || shared.base == nil { shared = try Map(file, size) }
                    break
                }
                // Closing the old descriptor gives up its lock.
                try reopen()
            }
        } catch {
            held = nil
            if error.isMissing { throw .missing(path: path) }
            throw .io(error)
        }
        held = kind
        hasSpilled = false
        lockedSince = Clock.monotonic
        if lockedSince - started > 1 { noteSlow("waited for lock on", lockedSince - started) }
    }

    /// Whether the path names this file, under its lock; its size is measured.
    ///
    /// A rename over or away from the path changes the file's status (the number of its links, or ctime). A reader that finds it
    /// as it was when the path was last looked up need not look up the path, which costs most of such a lock.
    private func isStillNamed(_ kind: LockKind) throws(PosixError) -> Bool {
        if kind == .shared {
            let opened = try file.status
            if opened.changedNanoseconds == changed && opened.links == 1 {
                size = opened.size
                return true
            }
        }
        guard let status = try FileSystem.status(path) else {
            try file.unlock()
            throw PosixError("stat", path, errno: .noSuchFileOrDirectory)
        }
        guard status.inode == inode && status.device == device else { return false }
        // What happens to the file in the same tick of the clock could not be told from what was seen now.
        changed = Clock.nowNanoseconds - status.changedNanoseconds > 50_000_000 ? status.changedNanoseconds : -1
        size = status.size
        return true
    }

    /// Opens the file that the path names now, without locking: for engines whose files are only ever replaced.
    func follow() throws(CyrusDBError) {
        do throws(PosixError) {
            while true {
                guard let status = try FileSystem.status(path) else { throw PosixError("stat", path, errno: .noSuchFileOrDirectory) }
                if status.inode == inode && status.device == device {
                    if status.size != size {
                        size = status.size
                        if size > shared.capacity { shared = try Map(file, size) }
                    }
                    return
                }
                try reopen()
            }
        } catch {
            if error.isMissing { throw .missing(path: path) }
            throw .io(error)
        }
    }

    private func reopen() throws(PosixError) {
        changed = -1
        file = try File(path, .readWrite)
        let opened = try file.status
        device = opened.device
        inode = opened.inode
        size = opened.size
        shared = try Map(file, size)
    }

    func unlock() {
        guard held != nil else { return }
        draft = nil
        held = nil
        // Unlocking fails only on a bad descriptor; the lock falls when the file is closed.
        try? file.unlock()
        let seconds = Clock.monotonic - lockedSince
        if seconds > 1 { noteSlow("longlock", seconds) }
    }

    private func noteSlow(_ what: String, _ seconds: Double) {
        let tenths = Int(seconds * 10)
        logger.notice("mappedfile: \(what) \(path) for \(tenths / 10).\(tenths % 10) seconds")
    }

    // MARK: writing (under the exclusive lock)

    /// Memory that a draft may take before it is spilled to the file, in bytes.
    private static let draftLimit = 256 << 20

    /// From here to the unlocking, writes are kept in memory until `sync`: a transaction of many changes then writes each page once.
    func startDraft() throws(CyrusDBError) {
        guard draft == nil else { return }
        try io { () throws(PosixError) in draft = try Map(draftOf: file, size, room: Self.draftLimit) }
    }

    var isDrafting: Bool { draft != nil }

    /// Forgets what is not in the file yet, and reads and writes the file itself from here on.
    func leaveDraft() throws(CyrusDBError) {
        guard draft != nil else { return }
        draft = nil
        size = try measuredSize
        if size > shared.capacity { try io { () throws(PosixError) in shared = try Map(file, size) } }
    }

    func write(_ bytes: borrowing RawSpan, at offset: Int) throws(CyrusDBError) {
        let end = offset + bytes.byteCount
        if let map = draft {
            if end > map.capacity || map.draft?.changedBytes ?? 0 > Self.draftLimit {
                // The new draft starts from the file as it then is.
                try flush()
                draft = nil
                try io { () throws(PosixError) in
                    draft = try Map(draftOf: file, size, room: max(Self.draftLimit, bytes.byteCount + 0xffff))
                }
            }
            draft?.draft?.write(bytes, at: offset)
            size = max(size, end)
            return
        }
        do throws(PosixError) {
            observer?(.write(offset: offset, bytes: bytes.array))
            try file.write(bytes, at: offset)
            if end > size { try grow(to: end) }
        } catch {
            throw .io(error)
        }
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(CyrusDBError) {
        try write(bytes.span.bytes, at: offset)
    }

    /// Writes the draft out, not yet to the disk.
    func flush() throws(CyrusDBError) {
        guard let map = draft else { return }
        hasSpilled = true
        do throws(PosixError) {
            try map.draft?.flush { bytes, offset throws(PosixError) in
                observer?(.write(offset: offset, bytes: bytes.array))
                try file.write(bytes, at: offset)
            }
        } catch {
            throw .io(error)
        }
    }

    private func grow(to end: Int) throws(PosixError) {
        if end > shared.capacity || shared.base == nil { shared = try Map(file, end) }
        size = end
    }

    /// Not while drafting.
    func truncate(to length: Int) throws(CyrusDBError) {
        observer?(.truncate(length))
        try io { () throws(PosixError) in try file.truncate(to: length) }
        size = length
    }

    /// Data, and the size if it changed, are on the disk when this returns.
    func sync() throws(CyrusDBError) {
        try flush()
        try io { () throws(PosixError) in try file.syncData() }
        observer?(.sync)
    }

    /// Whether this is the file that is open.
    func isFile(_ status: FileStatus) -> Bool { status.inode == inode && status.device == device }

    /// Whether a reader's map of this file still is the newest.
    func isCurrent(_ other: Map) -> Bool { map === other }

    /// The size of the open file now, whether or not a lock is held.
    var measuredSize: Int {
        get throws(CyrusDBError) {
            do throws(PosixError) {
                return try file.status.size
            } catch {
                throw .io(error)
            }
        }
    }
}

/// Makes the complete and synced file `new` the database `path`, durably.
///
/// It gets the mode and (as far as this process may) the owner of the file it replaces: a tool run by root must not take the
/// database away from the cyrus user.
func replaceFile(_ path: String, with new: String) throws(CyrusDBError) {
    try io { () throws(PosixError) in
        if let old = try FileSystem.status(path), let made = try FileSystem.status(new) {
            if old.owner != made.owner || old.group != made.group {
                // Only root may; for anybody else the file was theirs to write, and goes on being so.
                try? FileSystem.setOwner(new, user: old.owner, group: old.group)
            }
            if old.mode != made.mode { try FileSystem.setMode(new, old.mode) }
        }
        try FileSystem.rename(new, to: path)
        try FileSystem.syncDirectory(FileSystem.parent(of: path))
    }
}

/// Keeps a damaged file beside the one that takes its place, as `<file>.DAMAGED`, for whoever wants to look what was lost.
func keepDamaged(_ path: String) throws(CyrusDBError) {
    try io { () throws(PosixError) in
        try FileSystem.unlink(path + ".DAMAGED")
        try FileSystem.link(path, to: path + ".DAMAGED")
    }
}
