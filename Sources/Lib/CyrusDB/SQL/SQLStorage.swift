import Bytes
import Logging
import Posix

/// The sql engine: the records of a database in a table of an SQL database.
///
/// A transaction locks its database (not the others in the same SQL database), keeps what it writes, and sends it when it commits: order of
/// a commit is lock, changes, COMMIT (which returns when the SQL database has synced them), unlock. Reads inside a transaction see its
/// writes; others see what was committed. See docs/decisions/0040-the-sql-engine-locks-a-database.md.
final class SQLStorage: StorageEngine {
    let path: String
    let table: SQLTable
    let connections: SQLConnections
    private var state = State.idle
    private var writes = SQLWriteSet()
    /// Counts own changes, so that a walk knows when to find its place anew.
    private var changes: UInt64 = 0

    private enum State {
        case idle
        case reading(any SQLConnection)
        case writing(any SQLConnection)
        /// A statement failed: the transaction is over, and can only be aborted.
        case failed(CyrusDBError)
    }

    var engine: DatabaseEngine { .sql }
    var comparator: Comparator { .raw }
    var archivedFile: MappedFile? { nil }

    var inTransaction: Bool {
        if case .idle = state { return false }
        return true
    }

    init(_ path: String, _ flags: OpenFlags, configDirectory: String, connections: SQLConnections) throws(CyrusDBError) {
        self.path = path
        self.connections = connections
        let table = SQLTable(path: path, configDirectory: configDirectory)
        self.table = table
        let isThere = try connections.run { connection throws(CyrusDBError) in
            if try connection.exists(table) { return true }
            guard flags.contains(.create) else { return false }
            try connection.create(table)
            return true
        }
        if !isThere { throw .missing(path: path) }
    }

    deinit {
        switch state {
        case .reading(let connection), .writing(let connection): connection.rollBack()
        default: break
        }
    }

    // MARK: reading

    /// Runs a read: on the transaction's connection when there is one.
    private func read<R>(_ body: (any SQLConnection) throws(CyrusDBError) -> R) throws(CyrusDBError) -> R {
        switch state {
        case .idle: return try connections.run(body)
        case .failed(let error): throw error
        case .reading(let connection), .writing(let connection):
            do throws(CyrusDBError) {
                return try body(connection)
            } catch {
                fail(connection, error)
                throw error
            }
        }
    }

    private func value(_ key: RawSpan) throws(CyrusDBError) -> [UInt8]? {
        if let change = writes.change(key) { return change.value }
        let owned = key.array
        return try read { connection throws(CyrusDBError) in try connection.value(table, owned) }
    }

    func fetch(_ key: RawSpan, _ body: (RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool {
        guard let value = try value(key) else { return false }
        try body(value.span.bytes)
        return true
    }

    func fetchNext(_ key: RawSpan, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool {
        var range = SQLRange(after: key.array)
        while true {
            let batch = try gather(&range, limit: writes.isEmpty ? 1 : 8)
            if let first = batch.records.first {
                try body(first.key.span.bytes, first.value.span.bytes)
                return true
            }
            if batch.isLast { return false }
        }
    }

    /// The next records of a range as the transaction sees them; the range then begins after them. `isLast`: there are no more.
    private func gather(_ range: inout SQLRange, limit: Int) throws(CyrusDBError) -> (records: [SQLRecord], isLast: Bool) {
        let asked = range
        let records = try read { connection throws(CyrusDBError) in try connection.records(table, asked, limit: limit) }
        let isLast = records.count < limit
        let merged = writes.merged(with: records, range, isWhole: isLast)
        if let last = records.last {
            range.from = last.key
            range.isAfter = true
        }
        return (merged, isLast)
    }

    private static let firstBatch = 8
    private static let largestBatch = 256

    /// Records are read in batches (8 at first, doubling to 256), and the visitor gets copies of them. As soon as this process has changed
    /// something the rest of the batch is dropped, and the place is found anew by the last key.
    func forEach(
        prefix: RawSpan, filter: ((RawSpan, RawSpan) -> Bool)?, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit {
        var range = SQLRange(prefix: prefix.array)
        var size = Self.firstBatch
        while true {
            let batch = try gather(&range, limit: size)
            size = min(size * 2, Self.largestBatch)
            let changesBefore = changes
            var isStale = false
            for record in batch.records {
                if let filter, !filter(record.key.span.bytes, record.value.span.bytes) { continue }
                if try body(record.key.span.bytes, record.value.span.bytes) == .stop { return .stop }
                if changes != changesBefore {
                    range.from = record.key
                    range.isAfter = true
                    isStale = true
                    break
                }
            }
            if batch.isLast && !isStale { return .next }
        }
    }

    // MARK: writing

    func begin(shared: Bool) throws(CyrusDBError) {
        guard !inTransaction else { throw .locked(path: path) }
        let table = table
        let connection = try connections.begin { connection throws(CyrusDBError) in
            if shared { try connection.beginReading() } else { try connection.lock(table) }
        }
        state = shared ? .reading(connection) : .writing(connection)
    }

    func store(_ key: RawSpan, _ value: RawSpan, overwrite: Bool) throws(CyrusDBError) -> Bool {
        try checkWritable()
        if !overwrite, try self.value(key) != nil { return false }
        try set(key.array, value.array)
        return true
    }

    func delete(_ key: RawSpan) throws(CyrusDBError) -> Bool {
        try checkWritable()
        guard try value(key) != nil else { return false }
        try set(key.array, nil)
        return true
    }

    private func checkWritable() throws(CyrusDBError) {
        switch state {
        case .writing: break
        case .failed(let error): throw error
        default: throw .readOnly(path: path)
        }
    }

    private func set(_ key: [UInt8], _ value: [UInt8]?) throws(CyrusDBError) {
        writes.set(key, value)
        changes &+= 1
        if writes.isLarge { try send() }
    }

    /// Sends what was written so far; it is still the transaction's alone.
    private func send() throws(CyrusDBError) {
        guard case .writing(let connection) = state, !writes.isEmpty else { return }
        do throws(CyrusDBError) {
            try connection.write(table, writes.changes)
            writes.removeAll()
        } catch {
            fail(connection, error)
            throw error
        }
    }

    /// The transaction is over; what is left of it is to be aborted.
    private func fail(_ connection: any SQLConnection, _ error: CyrusDBError) {
        if !connection.isLost { connection.rollBack() }
        connections.give(connection)
        writes.removeAll()
        changes &+= 1
        state = .failed(error)
    }

    func commit() throws(CyrusDBError) {
        do throws(CyrusDBError) {
            try send()
            if case .failed(let error) = state { throw error }
            if case .writing(let connection) = state { try finish(connection) }
        } catch {
            try abort()
            throw error
        }
        // A transaction for reading has nothing to commit.
        try abort()
    }

    private func finish(_ connection: any SQLConnection) throws(CyrusDBError) {
        do throws(CyrusDBError) {
            try connection.commit()
            connections.give(connection)
            state = .idle
        } catch {
            fail(connection, error)
            throw error
        }
    }

    func abort() throws(CyrusDBError) {
        switch state {
        case .idle: return
        case .failed: break
        case .reading(let connection), .writing(let connection):
            connection.rollBack()
            connections.give(connection)
        }
        if !writes.isEmpty { changes &+= 1 }
        writes.removeAll()
        state = .idle
    }

    // MARK: upkeep

    /// Dead rows are the SQL database's own affair.
    var needsCheckpoint: Bool { false }
    func checkpoint(onlyIfNeeded: Bool) throws(CyrusDBError) {}

    /// The SQL database finds its storage whole, and every record can be read, each key after the one before it.
    func checkConsistency() throws(CyrusDBError) {
        try read { connection throws(CyrusDBError) in try connection.checkIntegrity(table) }
        var previous: [UInt8] = []
        let none: [UInt8] = []
        _ = try forEach(prefix: none.span.bytes, filter: nil) { key, _ throws(CyrusDBError) in
            guard previous.span.bytes.compare(key) < 0 else {
                throw .damaged(path: path, offset: 0, expected: "a key after the one before it", found: "one that is not: \(key.text)")
            }
            previous = key.array
            return .next
        }
    }

    func rebuild() throws(CyrusDBError) {
        throw .unsupported(path: path, operation: "rebuild")
    }

    func dump(_ line: (String) -> Void) throws(CyrusDBError) {
        throw .unsupported(path: path, operation: "dump")
    }
}
