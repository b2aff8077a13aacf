import Bytes
import Logging
import Posix

/// The quotalegacy engine: a file for each quota root, its value as a line.
///
/// A transaction locks each file it touches (one that is not there yet by its `.NEW`), and keeps the new values until commit; then
/// each is written to `<file>.NEW`, synced, and renamed over the file. A crash between two renames leaves each file old or new.
/// Values of Cyrus before 2.5, which do not begin with `%`, have a line end in the file where the value has its first space.
final class QuotaLegacy: StorageEngine {
    let path: String
    private let paths: QuotaLegacyPaths
    private let logger: Logger
    private var state = State.idle
    private var changes: UInt64 = 0

    private enum State {
        case idle
        case reading
        case writing(Touched)
    }

    /// The files a transaction has locked, by key.
    private struct Touched {
        var locks: [[UInt8]: MappedFile] = [:]
        /// nil: deleted.
        var values: [[UInt8]: [UInt8]?] = [:]
    }

    var engine: DatabaseEngine { .quotalegacy }
    var archivedFile: MappedFile? { nil }
    var comparator: Comparator { .raw }

    var inTransaction: Bool {
        if case .idle = state { return false }
        return true
    }

    init(_ path: String, options: DatabaseEnvironment.Options, logger: Logger) {
        self.path = path
        self.logger = logger
        paths = QuotaLegacyPaths(
            base: FileSystem.parent(of: path), fullHash: options.fullDirectoryHash, virtualDomains: options.virtualDomains)
    }

    // MARK: files

    /// Keys become file names: no `/`, no NUL, nothing that leads elsewhere.
    private func filePath(_ key: [UInt8]) throws(CyrusDBError) -> String {
        guard !key.contains(0), !key.contains(UInt8(ascii: "/")), key != [UInt8](".."), key != [UInt8]("."), key.count < 240,
            String(validating: key, as: UTF8.self) != nil
        else { throw .invalidKey(path: path, reason: "it cannot be a file name") }
        return paths.path(key)
    }

    private func decode(_ content: [UInt8], _ file: String) throws(CyrusDBError) -> [UInt8] {
        guard let last = content.last else { return [] }
        guard last == 0x0a else {
            throw .damaged(path: file, offset: content.count, expected: "a line end", found: "the end of the file")
        }
        var value = Array(content.dropLast())
        if value.first != UInt8(ascii: "%"), let lineEnd = value.firstIndex(of: 0x0a) { value[lineEnd] = 0x20 }
        return value
    }

    private func encode(_ value: [UInt8]) -> [UInt8] {
        var content = value
        if value.first != UInt8(ascii: "%"), let space = value.firstIndex(of: 0x20) { content[space] = 0x0a }
        content.append(0x0a)
        return content
    }

    /// The value as the open transaction, or the file, has it.
    private func current(_ key: [UInt8]) throws(CyrusDBError) -> [UInt8]? {
        let file = try filePath(key)
        if case .writing(let touched) = state {
            if let value = touched.values[key] { return value }
            if let lock = touched.locks[key] {
                // Read through the descriptor that holds the lock: closing another one would drop it.
                if lock.path != file { return nil }
                let window = lock.window
                return try decode(window.bytes.array, file)
            }
        }
        guard let content = try io({ () throws(PosixError) in try FileSystem.read(file) }) else { return nil }
        return try decode(content, file)
    }

    // MARK: reading

    func fetch(_ key: RawSpan, _ body: (RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool {
        let owned = key.array
        if case .writing = state { try touch(owned) }
        guard let value = try current(owned) else { return false }
        try body(value.span.bytes)
        return true
    }

    private func sortedRoots() throws(CyrusDBError) -> [[UInt8]] {
        var roots = try io { () throws(PosixError) in try paths.allRoots() }
        if case .writing(let touched) = state {
            for key in touched.values.keys where !roots.contains(key) { roots.append(key) }
        }
        return roots.sorted { $0.span.bytes.compare($1.span.bytes) < 0 }
    }

    func fetchNext(_ key: RawSpan, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool {
        for root in try sortedRoots() where root.span.bytes.compare(key) > 0 {
            guard let value = try current(root) else { continue }
            try body(root.span.bytes, value.span.bytes)
            return true
        }
        return false
    }

    func forEach(
        prefix: RawSpan, filter: ((RawSpan, RawSpan) -> Bool)?, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit {
        var after: [UInt8]?
        while true {
            let changesBefore = changes
            var isStale = false
            for root in try sortedRoots() where root.span.bytes.starts(with: prefix) {
                if let after, root.span.bytes.compare(after.span.bytes) <= 0 { continue }
                guard let value = try current(root) else { continue }
                if let filter, !filter(root.span.bytes, value.span.bytes) { continue }
                if try body(root.span.bytes, value.span.bytes) == .stop { return .stop }
                if changes != changesBefore {
                    after = root
                    isStale = true
                    break
                }
            }
            if !isStale { return .next }
        }
    }

    // MARK: writing

    func begin(shared: Bool) throws(CyrusDBError) {
        guard !inTransaction else { throw .locked(path: path) }
        state = shared ? .reading : .writing(Touched())
    }

    /// Locks a key's file, once in a transaction.
    private func touch(_ key: [UInt8]) throws(CyrusDBError) {
        guard case .writing(var touched) = state else { throw .readOnly(path: path) }
        if touched.locks[key] != nil { return }
        let file = try filePath(key)
        while true {
            let lock: MappedFile
            do throws(CyrusDBError) {
                lock = try MappedFile(file, create: false, logger: logger)
                try lock.lock(.exclusive)
                touched.locks[key] = lock
            } catch {
                guard case .missing = error else { throw error }
                // Nobody has made it so far: who makes it locks the new file first, and looks again whether it came.
                let making = try MappedFile(file + ".NEW", create: true, logger: logger)
                do throws(CyrusDBError) {
                    try making.lock(.exclusive)
                } catch {
                    // Somebody who made it renamed it away while this process waited.
                    guard case .missing = error else { throw error }
                    continue
                }
                if try io({ () throws(PosixError) in try FileSystem.status(file) }) != nil { continue }
                touched.locks[key] = making
            }
            state = .writing(touched)
            return
        }
    }

    private func set(_ key: [UInt8], _ value: [UInt8]?) {
        guard case .writing(var touched) = state else { return }
        state = .idle
        touched.values[key] = .some(value)
        state = .writing(touched)
        changes &+= 1
    }

    func store(_ key: RawSpan, _ value: RawSpan, overwrite: Bool) throws(CyrusDBError) -> Bool {
        let owned = key.array
        try touch(owned)
        if !overwrite, try current(owned) != nil { return false }
        set(owned, value.array)
        return true
    }

    func delete(_ key: RawSpan) throws(CyrusDBError) -> Bool {
        let owned = key.array
        try touch(owned)
        guard try current(owned) != nil else { return false }
        set(owned, nil)
        return true
    }

    func commit() throws(CyrusDBError) {
        guard case .writing(let touched) = state else {
            state = .idle
            return
        }
        defer { end() }
        for (key, value) in touched.values.sorted(by: { $0.key.span.bytes.compare($1.key.span.bytes) < 0 }) {
            let file = try filePath(key)
            guard let value else {
                try io { () throws(PosixError) in _ = try FileSystem.unlink(file) }
                continue
            }
            let content = encode(value)
            if let lock = touched.locks[key], lock.path == file + ".NEW" {
                // The lock is on the new file itself; another descriptor of it must not be closed before the rename.
                try lock.write(content, at: 0)
                if lock.size > content.count { try lock.truncate(to: content.count) }
                try lock.sync()
            } else {
                try io { () throws(PosixError) in
                    let target = try File(file + ".NEW", .readWrite, create: .truncate, mode: 0o666)
                    try target.write(content, at: 0)
                    try target.sync()
                }
            }
            try replaceFile(file, with: file + ".NEW")
        }
    }

    func abort() throws(CyrusDBError) {
        end()
    }

    /// Unlocks everything; new files that came to nothing are removed while they are locked.
    private func end() {
        guard case .writing(let touched) = state else {
            state = .idle
            return
        }
        for lock in touched.locks.values where lock.path.hasSuffix(".NEW") {
            // After a commit the name is gone. What cannot be removed is found and reused by the next writer.
            _ = try? FileSystem.unlink(lock.path)
        }
        state = .idle
        changes &+= 1
    }

    // MARK: upkeep

    var needsCheckpoint: Bool { false }
    func checkpoint(onlyIfNeeded: Bool) throws(CyrusDBError) {}

    /// Every file can be read as a value.
    func checkConsistency() throws(CyrusDBError) {
        for root in try sortedRoots() { _ = try current(root) }
    }

    func rebuild() throws(CyrusDBError) {
        throw .unsupported(path: path, operation: "rebuild")
    }

    func dump(_ line: (String) -> Void) throws(CyrusDBError) {
        throw .unsupported(path: path, operation: "dump")
    }
}
