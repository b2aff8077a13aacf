import Bytes
import CSQLite
import Posix

/// The sql engine in a file of SQLite's.
///
/// SQLite has one writer at a time for all tables of a file, and cyrusdb one for each database: a process may have transactions on two of
/// them. So a database is locked by a byte of the file `<sql_database>-cyrusdb-lock`, its changes are sent when it commits, and only for
/// that moment is SQLite's own lock held. The file is in WAL mode, where readers and the writer do not wait for each other and a commit
/// syncs once, and `synchronous` is FULL: a commit that returned is on the disk.
///
/// Keys that are text are stored as TEXT, as Cyrus does, which quotes everything into its statements; other keys as BLOB, which Cyrus's
/// engine cannot write. The unique index is over the bytes of either.
final class SQLiteConnection: SQLConnection {
    let server: String
    let isLost = false
    private let path: String
    private let lockSeconds: Int
    private var handle: OpaquePointer?
    private var statements: [String: OpaquePointer] = [:]
    private let locks: File
    /// The lock byte of the database that the open transaction writes.
    private var locked: Int64?
    /// SQLite's own transaction is open.
    private var isOpen = false
    /// The byte locked while file and tables are made.
    private static let makingByte: Int64 = 0

    init(_ options: SQLOptions) throws(CyrusDBError) {
        guard let database = options.database, !database.isEmpty else {
            throw .server(server: "sqlite", statement: "open", reason: "sql_database in imapd.conf names no file")
        }
        path = database
        server = "sqlite \(database)"
        lockSeconds = options.lockSeconds
        locks = try io { () throws(PosixError) in
            try FileSystem.makeParents(of: database)
            return try File("\(database)-cyrusdb-lock", .readWrite, create: .ifMissing, mode: 0o600)
        }
        // Who makes the file, or goes over to WAL, does so alone: SQLite would not wait.
        try lock(byte: Self.makingByte)
        do throws(CyrusDBError) {
            try open()
        } catch {
            unlock(byte: Self.makingByte)
            close()
            throw error
        }
        unlock(byte: Self.makingByte)
    }

    deinit { close() }

    private func open() throws(CyrusDBError) {
        let isNew = !FileSystem.exists(path)
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        guard sqlite3_open_v2(path, &handle, flags, nil) == SQLITE_OK else { throw failure("open") }
        sqlite3_busy_timeout(handle, CInt(clamping: lockSeconds * 1000))
        if try text("PRAGMA journal_mode") != "wal", try text("PRAGMA journal_mode = WAL") != "wal" {
            throw .server(server: server, statement: "PRAGMA journal_mode", reason: "the file system does not let it have a WAL")
        }
        _ = try text("PRAGMA synchronous = FULL")
        guard try text("PRAGMA encoding") == "UTF-8" else {
            throw .badFormat(path: path, reason: "its text is not UTF-8: keys could not be kept as they are")
        }
        if isNew { try io { () throws(PosixError) in try FileSystem.syncDirectory(FileSystem.parent(of: path)) } }
    }

    private func close() {
        for statement in statements.values { sqlite3_finalize(statement) }
        statements.removeAll()
        sqlite3_close_v2(handle)
        handle = nil
    }

    // MARK: statements

    private func failure(_ statement: String) -> CyrusDBError {
        let code = sqlite3_errcode(handle) & 0xff
        let reason = sqlite3_errmsg(handle).map { String(cString: $0) } ?? "out of memory"
        if code == SQLITE_CORRUPT || code == SQLITE_NOTADB {
            return .damaged(path: path, offset: 0, expected: "an SQLite database", found: "\(statement): \(reason)")
        }
        return .server(server: server, statement: statement, reason: reason)
    }

    private func prepared(_ sql: String) throws(CyrusDBError) -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else { throw failure(Self.kind(sql)) }
        statements[sql] = statement
        return statement
    }

    /// The first word of a statement, to tell it by.
    private static func kind(_ sql: String) -> String { String(sql.prefix { $0 != " " }) }

    private enum Value {
        case text([UInt8])
        case blob([UInt8])

        /// As TEXT where it is text.
        static func key(_ key: [UInt8]) -> Value {
            key.contains(0) || String(validating: key, as: UTF8.self) == nil ? .blob(key) : .text(key)
        }
    }

    /// Runs a statement; `row` is called for each row, and reads its columns by the statement handed to it.
    private func run(
        _ sql: String, _ values: [Value] = [], _ row: (OpaquePointer) -> Void = { _ in }
    ) throws(CyrusDBError) {
        let statement = try prepared(sql)
        // What is bound stays valid until the reset below: one buffer with all of it.
        var buffer: [UInt8] = []
        var spans: [(offset: Int, length: Int, isText: Bool)] = []
        for value in values {
            switch value {
            case .text(let bytes):
                spans.append((buffer.count, bytes.count, true))
                buffer += bytes
            case .blob(let bytes):
                spans.append((buffer.count, bytes.count, false))
                buffer += bytes
            }
        }
        var result = SQLITE_OK
        var isTooLong = false
        buffer.withUnsafeBytes { bytes in
            for (i, span) in spans.enumerated() {
                guard let length = CInt(exactly: span.length) else {
                    isTooLong = true
                    return
                }
                let start = bytes.baseAddress.map { $0 + span.offset }
                result =
                    span.isText
                    ? cy_sqlite_bind_text(statement, CInt(i + 1), start, length)
                    : cy_sqlite_bind_blob(statement, CInt(i + 1), start, length)
                if result != SQLITE_OK { return }
            }
            result = sqlite3_step(statement)
            while result == SQLITE_ROW {
                row(statement)
                result = sqlite3_step(statement)
            }
        }
        let error = isTooLong || result == SQLITE_DONE ? nil : failure(Self.kind(sql))
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
        if isTooLong { throw .server(server: server, statement: Self.kind(sql), reason: "a value is longer than SQLite keeps") }
        if let error { throw error }
    }

    private static func column(_ statement: OpaquePointer, _ index: CInt) -> [UInt8] {
        // The pointer first: it decides about the form whose length is then asked for.
        guard let start = sqlite3_column_blob(statement, index) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, index))))
    }

    private func text(_ sql: String) throws(CyrusDBError) -> String {
        var answer = ""
        try run(sql) { answer = String(decoding: Self.column($0, 0), as: UTF8.self) }
        return answer
    }

    // MARK: tables

    func exists(_ table: SQLTable) throws(CyrusDBError) -> Bool {
        var names: [[UInt8]] = []
        try run(
            "SELECT name FROM sqlite_master WHERE name IN (?1, ?2)",
            [.text(Array(table.name.utf8)), .text(Array("\(table.name)_dbkey".utf8))]
        ) {
            names.append(Self.column($0, 0))
        }
        guard !names.isEmpty else { return false }
        // A table of Cyrus's has no index.
        if names.count == 1 { try create(table) }
        guard let file = table.file else { return true }
        var isThere = false
        try run("SELECT 1 FROM \(table.quoted) WHERE dbfile = ?1 LIMIT 1", [.blob(file)]) { _ in isThere = true }
        return isThere
    }

    func create(_ table: SQLTable) throws(CyrusDBError) {
        let (column, key) = table.file == nil ? ("", "") : ("dbfile BLOB NOT NULL, ", "dbfile, ")
        try lock(byte: Self.makingByte)
        defer { unlock(byte: Self.makingByte) }
        try run("CREATE TABLE IF NOT EXISTS \(table.quoted) (\(column)dbkey BLOB NOT NULL, data BLOB)")
        try run("CREATE UNIQUE INDEX IF NOT EXISTS \(table.quotedIndex) ON \(table.quoted) (\(key)CAST(dbkey AS BLOB))")
    }

    /// The condition that leaves only the records of a database, and its value: `first` is the number of its parameter.
    private func own(_ table: SQLTable, first: Int) -> (condition: String, values: [Value]) {
        guard let file = table.file else { return ("", []) }
        return ("dbfile = ?\(first) AND ", [.blob(file)])
    }

    // MARK: reading

    func value(_ table: SQLTable, _ key: [UInt8]) throws(CyrusDBError) -> [UInt8]? {
        let own = own(table, first: 2)
        var value: [UInt8]?
        try run("SELECT data FROM \(table.quoted) WHERE \(own.condition)CAST(dbkey AS BLOB) = ?1", [.blob(key)] + own.values) {
            value = Self.column($0, 0)
        }
        return value
    }

    func records(_ table: SQLTable, _ range: SQLRange, limit: Int) throws(CyrusDBError) -> [SQLRecord] {
        let own = own(table, first: 2)
        var condition = "\(own.condition)CAST(dbkey AS BLOB) \(range.isAfter ? ">" : ">=") ?1"
        var values: [Value] = [.blob(range.from)] + own.values
        if let end = range.end {
            values.append(.blob(end))
            condition += " AND CAST(dbkey AS BLOB) < ?\(values.count)"
        }
        var records: [SQLRecord] = []
        try run("SELECT dbkey, data FROM \(table.quoted) WHERE \(condition) ORDER BY CAST(dbkey AS BLOB) LIMIT \(limit)", values) {
            records.append(SQLRecord(key: Self.column($0, 0), value: Self.column($0, 1)))
        }
        return records
    }

    // MARK: transactions

    /// Waits for a byte of the lock file.
    private func lock(byte: Int64) throws(CyrusDBError) {
        let deadline = Clock.monotonic + Double(lockSeconds)
        var pause = 1
        while try io({ () throws(PosixError) in try !locks.tryLock(byte: byte, .exclusive) }) {
            guard Clock.monotonic < deadline else {
                throw .server(server: server, statement: "lock", reason: "another process has held the database for \(lockSeconds) s")
            }
            // There is no wait with an end for these locks.
            try io { () throws(PosixError) in
                var none: [PollEntry] = []
                _ = try Poll.wait(&none, milliseconds: pause)
            }
            pause = min(pause + 1, 5)
        }
    }

    private func unlock(byte: Int64) {
        // Fails only on a bad descriptor; the lock falls when the file is closed.
        try? locks.unlock(byte: byte)
    }

    func lock(_ table: SQLTable) throws(CyrusDBError) {
        try lock(byte: table.number)
        locked = table.number
    }

    func beginReading() throws(CyrusDBError) {
        try run("BEGIN")
        isOpen = true
    }

    func write(_ table: SQLTable, _ changes: [(key: [UInt8], value: [UInt8]?)]) throws(CyrusDBError) {
        if !isOpen {
            try run("BEGIN IMMEDIATE")
            isOpen = true
        }
        let own = own(table, first: 3)
        let (columns, places, key) = table.file == nil ? ("", "", "") : ("dbfile, ", "?3, ", "dbfile, ")
        let store =
            "INSERT INTO \(table.quoted) (\(columns)dbkey, data) VALUES (\(places)?1, ?2) "
            + "ON CONFLICT (\(key)CAST(dbkey AS BLOB)) DO UPDATE SET data = excluded.data"
        let ownForDelete = self.own(table, first: 2)
        let delete = "DELETE FROM \(table.quoted) WHERE \(ownForDelete.condition)CAST(dbkey AS BLOB) = ?1"
        for change in changes {
            if let value = change.value {
                try run(store, [.key(change.key), .blob(value)] + own.values)
            } else {
                try run(delete, [.blob(change.key)] + ownForDelete.values)
            }
        }
    }

    func commit() throws(CyrusDBError) {
        if isOpen {
            try run("COMMIT")
            isOpen = false
        }
        release()
    }

    func rollBack() {
        // SQLite itself rolls back after some errors: then there is nothing left to do.
        if isOpen, sqlite3_get_autocommit(handle) == 0 { try? run("ROLLBACK") }
        isOpen = false
        release()
    }

    private func release() {
        if let locked { unlock(byte: locked) }
        locked = nil
    }

    // MARK: upkeep

    func copy(_ table: SQLTable, to other: SQLTable) throws(CyrusDBError) {
        guard let old = table.file, let new = other.file else { return }
        try run(
            "INSERT INTO \(table.quoted) (dbfile, dbkey, data) SELECT ?1, dbkey, data FROM \(table.quoted) WHERE dbfile = ?2",
            [.blob(new), .blob(old)])
    }

    func removeAll(_ table: SQLTable) throws(CyrusDBError) {
        let condition = table.file == nil ? "" : " WHERE dbfile = ?1"
        try run("DELETE FROM \(table.quoted)\(condition)", table.file.map { [.blob($0)] } ?? [])
    }

    func checkIntegrity(_ table: SQLTable) throws(CyrusDBError) {
        let found = try text("PRAGMA quick_check(1)")
        guard found == "ok" else { throw .damaged(path: path, offset: 0, expected: "an SQLite database that is whole", found: found) }
    }
}
