import Bytes
import Logging
import Posix

/// The skiplist engine: sorted records from the last checkpoint, then a log of adds and deletes, linked by pointers in place.
///
/// Nothing in the file carries a checksum; what is lent to callers without a lock is copied first.
final class SkipList: StorageEngine {
    let file: MappedFile
    let comparator: Comparator
    let logger: Logger
    let options: DatabaseEnvironment.Options
    var header = SkipListHeader()
    var state = State.idle
    /// Where the open transaction's log entries begin.
    var transactionStart = 0
    /// Changes made by the open transaction.
    var transactionChanges = 0
    var changes: UInt64 = 0
    var random: UInt64
    private var scratch: [UInt8] = []

    enum State {
        case idle
        case reading
        case writing
        case failed(CyrusDBError)
    }

    var path: String { file.path }
    var engine: DatabaseEngine { .skiplist }
    var archivedFile: MappedFile? { file }

    var inTransaction: Bool {
        if case .idle = state { return false }
        return true
    }

    /// `recoveryStamp`: a file last recovered before that moment is recovered now; 0 for always.
    init(
        _ path: String, _ flags: OpenFlags, options: DatabaseEnvironment.Options, recoveryStamp: () -> UInt32, logger: Logger
    ) throws(CyrusDBError) {
        file = try MappedFile(path, create: flags.contains(.create), logger: logger)
        comparator = flags.contains(.mailboxSort) ? .mailbox : .signedBytes
        self.options = options
        self.logger = logger
        random = UInt64.random(in: 1...UInt64.max)
        if file.size < SkipListHeader.byteCount {
            try file.lock(.exclusive)
            defer { file.unlock() }
            if file.size == 0 { try createEmpty() }
        }
        try readHeader()
        let stamp = recoveryStamp()
        if stamp == 0 || header.lastRecovery < stamp {
            try file.lock(.exclusive)
            defer { file.unlock() }
            try readHeader()
            // Another process may have done it while this one waited.
            if stamp == 0 || header.lastRecovery < stamp { try recover() }
        }
    }

    private func createEmpty() throws(CyrusDBError) {
        header = SkipListHeader()
        header.lastRecovery = UInt32(clamping: Clock.now)
        var bytes = header.encoded
        let pointers = [UInt32](repeating: 0, count: SkipListHeader.maxLevel)
        let none: [UInt8] = []
        SkipListRecord.encode(.dummy, key: none.span.bytes, value: none.span.bytes, pointers: pointers.span, into: &bytes)
        try file.write(bytes, at: 0)
        try sync()
        // A first commit is not durable in a file whose name is not.
        try io { () throws(PosixError) in try FileSystem.syncDirectory(FileSystem.parent(of: path)) }
    }

    /// Syncs, unless `skiplist_unsafe` is on.
    func sync() throws(CyrusDBError) {
        if options.skiplistUnsafe { try file.flush() } else { try file.sync() }
    }

    // MARK: locks

    func readHeader() throws(CyrusDBError) {
        let window = file.window
        do throws(SkipListHeader.Failure) {
            header = try SkipListHeader(window.bytes)
        } catch {
            switch error {
            case .foreign(let reason): throw .badFormat(path: path, reason: reason)
            }
        }
    }

    /// Takes the lock; a file that ends within a transaction is recovered first.
    func lock(_ kind: LockKind) throws(CyrusDBError) {
        try file.lock(kind)
        do throws(CyrusDBError) {
            try readHeader()
            if endsWithCommit { return }
            if kind == .shared {
                // Recovery, and the reading after it, are done under the exclusive lock.
                file.unlock()
                try file.lock(.exclusive)
                try readHeader()
                if endsWithCommit { return }
            }
            try recover()
        } catch {
            file.unlock()
            throw error
        }
    }

    /// Whether the file ends as a finished transaction, or a checkpoint, leaves it.
    private var endsWithCommit: Bool {
        let size = file.size
        guard header.isPlausible, size & 3 == 0, size >= SkipListHeader.emptyLogStart, Int(header.logStart) <= size else { return false }
        let window = file.window
        let bytes = window.bytes
        let last = bytes.bigEndian32(at: size - 4)
        if size == Int(header.logStart) { return last == SkipListRecord.terminator }
        guard last == SkipListRecord.Kind.commit.rawValue else { return false }
        return bytes.bigEndian32(at: size - 8) == SkipListRecord.terminator
            || bytes.bigEndian32(at: size - 12) == SkipListRecord.Kind.delete.rawValue
    }

    /// Runs a read, in the open transaction or under a lock of its own.
    func reading<R>(_ body: () throws(CyrusDBError) -> R) throws(CyrusDBError) -> R {
        if inTransaction { return try body() }
        try lock(.shared)
        defer { file.unlock() }
        return try body()
    }

    func begin(shared: Bool) throws(CyrusDBError) {
        guard !inTransaction else { throw .locked(path: path) }
        try lock(shared ? .shared : .exclusive)
        state = shared ? .reading : .writing
        transactionStart = file.size
        transactionChanges = 0
    }

    // MARK: records

    func damaged(_ offset: Int, _ expected: String, _ found: String) -> CyrusDBError {
        .damaged(path: path, offset: offset, expected: expected, found: found)
    }

    /// The most records that the file can hold: a walk that is longer goes round in circles.
    var stepLimit: Int { file.size / 20 + 1 }

    /// Lends a buffer that is kept between calls; a call within a call gets another one.
    func withScratch<R>(_ body: (inout [UInt8]) throws(CyrusDBError) -> R) throws(CyrusDBError) -> R {
        var buffer = scratch
        scratch = []
        buffer.removeAll(keepingCapacity: true)
        defer { scratch = buffer.capacity <= 1 << 20 ? buffer : [] }
        return try body(&buffer)
    }
}
