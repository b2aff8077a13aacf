import Bytes
import Logging
import Posix

/// The twoskip engine: a skip list in a mapped file that only grows, between rewrites.
///
/// Record bytes other than the pointers of their heads never change once written, so that a reader who holds the map may go on
/// reading a record without the lock.
final class TwoSkip: StorageEngine {
    let file: MappedFile
    let comparator: Comparator
    let checkCRC: Bool
    let logger: Logger
    /// As read under the lock that is held, and as changed by the transaction.
    var header = TwoSkipHeader()
    /// Where the committed bytes end, and inside a transaction those written since.
    var end = 0
    /// The header on disk is marked dirty by the open transaction.
    var isDirty = false
    var state = State.idle
    /// Changes made by the open transaction.
    var transactionChanges = 0
    /// What the open transaction has overwritten, in that order, for an abort; not kept once it drafts.
    var overwritten: [(offset: Int, bytes: [UInt8])] = []
    /// Counts own changes, so that a walk knows when to find its place anew.
    var changes: UInt64 = 0
    /// Keys looked up by the last checkpoint under the exclusive lock.
    var lastBroughtOver = 0
    /// Seconds for which it held that.
    var lastPause = 0.0
    /// Told when a checkpoint has copied the file, and has locked nothing: tests change the file then.
    var whileCopied: (() throws(CyrusDBError) -> Void)?
    /// What it made smaller, in bytes.
    var lastSize = 0
    var random: UInt64
    /// Reused for records and heads being written.
    var buffer: [UInt8] = []

    enum State {
        case idle
        case reading
        case writing
        /// A write failed: the transaction can only be aborted.
        case failed(CyrusDBError)
    }

    var path: String { file.path }
    var engine: DatabaseEngine { .twoskip }
    var archivedFile: MappedFile? { file }

    var inTransaction: Bool {
        if case .idle = state { return false }
        return true
    }

    init(_ file: MappedFile, _ comparator: Comparator, checkCRC: Bool, logger: Logger) {
        self.file = file
        self.comparator = comparator
        self.checkCRC = checkCRC
        self.logger = logger
        random = UInt64.random(in: 1...UInt64.max)
    }

    convenience init(_ path: String, _ flags: OpenFlags, logger: Logger) throws(CyrusDBError) {
        let file = try MappedFile(path, create: flags.contains(.create), logger: logger)
        self.init(file, flags.contains(.mailboxSort) ? .mailbox : .raw, checkCRC: !flags.contains(.noCRC), logger: logger)
        if file.size < Self.emptySize {
            // New, or just being made by another process, which holds the lock meanwhile. Or its maker was killed or had no room:
            // what is less than header and dummy never held a record.
            try file.lock(.exclusive)
            defer { file.unlock() }
            if file.size == 0 {
                try createEmpty()
            } else if file.size < Self.emptySize, file.window.bytes.begins(TwoSkipHeader.magic, min(file.size, TwoSkipHeader.magic.count)) {
                logger.error(
                    "DBERROR: twoskip: \(path) ends at offset \(file.size): expected \(Self.emptySize) bytes of header and dummy; made anew, empty"
                )
                try createEmpty()
            }
        }
        let window = file.window
        guard window.bytes.begins(TwoSkipHeader.magic, TwoSkipHeader.magic.count) else {
            throw .badFormat(path: path, reason: "no twoskip magic")
        }
    }

    /// Bytes of a file without records.
    private static let emptySize =
        TwoSkipHeader.byteCount + TwoSkipRecord.headLength(level: TwoSkipRecord.maxLevel, keyLength: 0, valueLength: 0)

    /// Header and dummy, synced.
    func createEmpty() throws(CyrusDBError) {
        var dummy: [UInt8] = []
        let pointers = [UInt64](repeating: 0, count: TwoSkipRecord.maxLevel + 1)
        let none: [UInt8] = []
        TwoSkipRecord.encode(.dummy, pointers: pointers.span, key: none.span.bytes, value: none.span.bytes, into: &dummy)
        header = TwoSkipHeader()
        header.currentSize = UInt64(TwoSkipHeader.byteCount + dummy.count)
        header.repackSize = header.currentSize
        try file.write(header.encoded + dummy, at: 0)
        try file.sync()
        // A first commit is not durable in a file whose name is not.
        try io { () throws(PosixError) in try FileSystem.syncDirectory(FileSystem.parent(of: path)) }
        end = file.size
    }

    // MARK: locks

    /// Takes the lock and reads the header; an unclean file is recovered first.
    func lock(_ kind: LockKind) throws(CyrusDBError) {
        try file.lock(kind)
        do throws(CyrusDBError) {
            if try readHeader() { return }
            if kind == .shared {
                // The reader recovers under the exclusive lock, and then goes on under it: an exclusive lock does for reading.
                file.unlock()
                try file.lock(.exclusive)
                if try readHeader() { return }
            }
            try recover()
        } catch {
            file.unlock()
            throw error
        }
    }

    /// Reads the header; false when the file needs recovery.
    private func readHeader() throws(CyrusDBError) -> Bool {
        let window = file.window
        do throws(TwoSkipHeader.Failure) {
            header = try TwoSkipHeader(window.bytes)
        } catch {
            switch error {
            case .foreign(let reason): throw .badFormat(path: path, reason: reason)
            case .damaged(_, let expected, let found):
                guard file.held == .exclusive else { return false }
                logger.error("DBERROR: twoskip: \(path) has a damaged header: expected \(expected), found \(found)")
                header = TwoSkipHeader()
                try rebuild(limit: nil)
                return true
            }
        }
        end = Int(clamping: header.currentSize)
        return !header.isDirty && header.currentSize == UInt64(file.size)
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
        isDirty = false
        transactionChanges = 0
        overwritten.removeAll(keepingCapacity: true)
    }

    // MARK: records

    /// The record at an offset that a pointer gave.
    @inline(__always)
    func record(_ bytes: borrowing RawSpan, at offset: Int) throws(CyrusDBError) -> TwoSkipRecord {
        do throws(TwoSkipRecord.Failure) {
            return try TwoSkipRecord(bytes, at: offset, limit: end, checkCRC: checkCRC)
        } catch {
            throw damaged(error)
        }
    }

    /// A record of which only the bounds are checked: to compare its key, not to go on from it.
    @inline(__always)
    func unchecked(_ bytes: borrowing RawSpan, at offset: Int) throws(CyrusDBError) -> TwoSkipRecord {
        do throws(TwoSkipRecord.Failure) {
            return try TwoSkipRecord(bytes, at: offset, limit: end, checkCRC: false)
        } catch {
            throw damaged(error)
        }
    }

    @inline(__always)
    func checkHead(_ record: TwoSkipRecord, _ bytes: borrowing RawSpan) throws(CyrusDBError) {
        guard checkCRC else { return }
        do throws(TwoSkipRecord.Failure) {
            try record.checkHead(bytes)
        } catch {
            throw damaged(error)
        }
    }

    func checkTail(_ record: TwoSkipRecord, _ bytes: borrowing RawSpan) throws(CyrusDBError) {
        guard checkCRC else { return }
        do throws(TwoSkipRecord.Failure) {
            try record.checkTail(bytes)
        } catch {
            throw damaged(error)
        }
    }

    func damaged(_ failure: TwoSkipRecord.Failure) -> CyrusDBError {
        switch failure {
        case .damaged(let offset, let expected, let found):
            .damaged(path: path, offset: offset, expected: expected, found: found)
        }
    }

    func damaged(_ offset: Int, _ expected: String, _ found: String) -> CyrusDBError {
        .damaged(path: path, offset: offset, expected: expected, found: found)
    }

    /// The most records that the file can hold: a walk that is longer goes round in circles.
    var stepLimit: Int { end / 24 + 1 }
}
