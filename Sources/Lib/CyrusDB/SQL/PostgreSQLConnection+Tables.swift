import Bytes

/// The statements.
///
/// An index of PostgreSQL's takes no more than some 2,700 bytes of a row: ours is over the first kilobyte of the key, which gives the order
/// with the key itself after it, and over its SHA-256, which makes it unique.
extension PostgreSQLConnection {
    private static let start = "substring(dbkey, 1, 1024)"

    private func start(_ parameter: Int) -> String { "substring($\(parameter)::bytea, 1, 1024)" }

    /// The condition that leaves only the records of a database, and its value: `first` is the number of its parameter.
    private func own(_ table: SQLTable, first: Int) -> (condition: String, values: [[UInt8]]) {
        guard let file = table.file else { return ("", []) }
        return ("dbfile = $\(first)::bytea AND ", [file])
    }

    // MARK: tables

    /// As a text constant.
    private func constant(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }

    func exists(_ table: SQLTable) throws(CyrusDBError) -> Bool {
        guard table.name.utf8.count <= 57 else { throw failure("SELECT", "\(table.name): too long for a table's name") }
        let names = "to_regclass(\(constant(table.quoted))) IS NOT NULL, to_regclass(\(constant(table.quotedIndex))) IS NOT NULL"
        let (isTable, isIndexed) = try found(names)
        guard isTable else { return false }
        // A table of Cyrus's has no index.
        if !isIndexed { try create(table) }
        guard let file = table.file else { return true }
        let result = try run("SELECT", "SELECT 1 FROM \(table.quoted) WHERE dbfile = $1::bytea LIMIT 1", [file])
        return result.rowCount > 0
    }

    private func found(_ conditions: String) throws(CyrusDBError) -> (Bool, Bool) {
        let result = try run("SELECT", "SELECT \(conditions)", [])
        guard result.rowCount == 1 else { return (false, false) }
        return (result.value(0, 0) == [1], result.value(0, 1) == [1])
    }

    func create(_ table: SQLTable) throws(CyrusDBError) {
        let (column, key) = table.file == nil ? ("", "") : ("dbfile BYTEA NOT NULL, ", "dbfile, ")
        // IF NOT EXISTS does not hold against another who makes it at the same moment: the lock does.
        _ = try send(
            "CREATE TABLE",
            """
            BEGIN; SELECT pg_advisory_xact_lock(\(Self.makingNumber));
            CREATE TABLE IF NOT EXISTS \(table.quoted) (\(column)dbkey BYTEA NOT NULL, data BYTEA);
            CREATE UNIQUE INDEX IF NOT EXISTS \(table.quotedIndex) ON \(table.quoted) (\(key)\(Self.start), sha256(dbkey)); COMMIT
            """)
    }

    /// "cyrusdb" as a number.
    private static let makingNumber: Int64 = 0x63_7972_7573_6462

    // MARK: reading

    func value(_ table: SQLTable, _ key: [UInt8]) throws(CyrusDBError) -> [UInt8]? {
        let own = own(table, first: 2)
        let result = try run(
            "SELECT", "SELECT data FROM \(table.quoted) WHERE \(own.condition)\(Self.start) = \(start(1)) AND dbkey = $1::bytea",
            [key] + own.values)
        return result.rowCount == 0 ? nil : result.value(0, 0)
    }

    func records(_ table: SQLTable, _ range: SQLRange, limit: Int) throws(CyrusDBError) -> [SQLRecord] {
        let own = own(table, first: 2)
        var condition = "\(own.condition)\(Self.start) >= \(start(1)) AND dbkey \(range.isAfter ? ">" : ">=") $1::bytea"
        var values = [range.from] + own.values
        if let end = range.end {
            values.append(end)
            condition += " AND \(Self.start) <= \(start(values.count)) AND dbkey < $\(values.count)::bytea"
        }
        let order = "\(own.values.isEmpty ? "" : "dbfile, ")\(Self.start), dbkey"
        let result = try run(
            "SELECT", "SELECT dbkey, data FROM \(table.quoted) WHERE \(condition) ORDER BY \(order) LIMIT \(limit)", values)
        var records: [SQLRecord] = []
        records.reserveCapacity(result.rowCount)
        for row in 0..<result.rowCount { records.append(SQLRecord(key: result.value(row, 0), value: result.value(row, 1))) }
        return records
    }

    // MARK: transactions

    /// A table of one database is locked as a table, so that Cyrus's own processes do not write it meanwhile either; in the shared
    /// table a number stands for the file. Statements after it see what was committed before the lock was had.
    func lock(_ table: SQLTable) throws(CyrusDBError) {
        isOpen = true
        let lock =
            table.file == nil
            ? "LOCK TABLE \(table.quoted) IN SHARE ROW EXCLUSIVE MODE" : "SELECT pg_advisory_xact_lock(\(table.number))"
        _ = try send("LOCK", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \(lock)")
    }

    func beginReading() throws(CyrusDBError) {
        isOpen = true
        _ = try send("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    /// All changes in two statements.
    func write(_ table: SQLTable, _ changes: [(key: [UInt8], value: [UInt8]?)]) throws(CyrusDBError) {
        let deleted = changes.filter { $0.value == nil }
        if !deleted.isEmpty {
            let own = own(table, first: 2)
            _ = try run(
                "DELETE",
                """
                DELETE FROM \(table.quoted) USING unnest($1::bytea[]) AS gone(gonekey) WHERE \(own.condition)\
                \(Self.start) = substring(gonekey, 1, 1024) AND dbkey = gonekey
                """, [Self.array(deleted.map(\.key))] + own.values)
        }
        let stored = changes.filter { $0.value != nil }
        if !stored.isEmpty {
            let own = own(table, first: 3)
            let (column, value, key) = table.file == nil ? ("", "", "") : ("dbfile, ", "$3::bytea, ", "dbfile, ")
            _ = try run(
                "INSERT",
                """
                INSERT INTO \(table.quoted) (\(column)dbkey, data) SELECT \(value)newkey, newdata \
                FROM unnest($1::bytea[], $2::bytea[]) AS new(newkey, newdata) \
                ON CONFLICT (\(key)(\(Self.start)), (sha256(dbkey))) DO UPDATE SET data = excluded.data
                """, [Self.array(stored.map(\.key)), Self.array(stored.map { $0.value ?? [] })] + own.values)
        }
    }

    /// A `bytea[]` of one dimension in binary form.
    private static func array(_ items: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(items.reduce(20) { $0 + $1.count + 4 })
        // Dimensions, whether there are NULLs, the type (bytea); of the dimension: count and first index.
        for word in [1, 0, 17, UInt32(clamping: items.count), 1] as [UInt32] { bytes.append(bigEndian: word) }
        for item in items {
            bytes.append(bigEndian: UInt32(clamping: item.count))
            bytes += item
        }
        return bytes
    }

    func commit() throws(CyrusDBError) {
        _ = try send("COMMIT", "COMMIT")
        isOpen = false
    }

    func rollBack() {
        guard isOpen, !isLost else { return }
        isOpen = false
        // A connection that cannot roll back is lost, and the server rolls back with it.
        _ = try? send("ROLLBACK", "ROLLBACK")
    }

    // MARK: upkeep

    func copy(_ table: SQLTable, to other: SQLTable) throws(CyrusDBError) {
        guard let old = table.file, let new = other.file else { return }
        let columns = "INSERT INTO \(table.quoted) (dbfile, dbkey, data)"
        _ = try run("INSERT", "\(columns) SELECT $1::bytea, dbkey, data FROM \(table.quoted) WHERE dbfile = $2::bytea", [new, old])
    }

    func removeAll(_ table: SQLTable) throws(CyrusDBError) {
        let condition = table.file == nil ? "" : " WHERE dbfile = $1::bytea"
        _ = try run("DELETE", "DELETE FROM \(table.quoted)\(condition)", table.file.map { [$0] } ?? [])
    }

    /// The server checks what it reads by itself.
    func checkIntegrity(_ table: SQLTable) throws(CyrusDBError) {}
}
