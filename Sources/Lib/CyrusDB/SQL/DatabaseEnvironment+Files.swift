import Bytes
import Posix

// Databases as files: what callers do with the file itself, where there may be none.
extension DatabaseEnvironment {
    /// Whether a database is there.
    public func isPresent(_ path: String, _ engine: DatabaseEngine) throws(CyrusDBError) -> Bool {
        if FileSystem.exists(path) { return true }
        return engine == .sql ? try openIfPresent(path, engine) != nil : false
    }

    /// Removes a user's or a mailbox's database: its file, and its records in the SQL database. Nothing happens when there is none.
    public func remove(_ path: String, _ engine: DatabaseEngine) throws(CyrusDBError) {
        try io { () throws(PosixError) in _ = try FileSystem.unlink(path) }
        guard engine == .sql else { return }
        let table = SQLTable(path: path, configDirectory: configDirectory)
        guard try sqlConnections.run({ connection throws(CyrusDBError) in try connection.exists(table) }) else { return }
        try change(table) { connection throws(CyrusDBError) in try connection.removeAll(table) }
    }

    /// Gives what a mailbox's database of the sql engine holds to another path too, in place of what was there. Files are copied by
    /// whoever copies the folders they are in.
    public func copyRecords(_ path: String, to other: String, _ engine: DatabaseEngine) throws(CyrusDBError) {
        let table = SQLTable(path: path, configDirectory: configDirectory)
        let target = SQLTable(path: other, configDirectory: configDirectory)
        guard engine == .sql, path != other, table.file != nil, target.file != nil,
            try sqlConnections.run({ connection throws(CyrusDBError) in try connection.exists(table) })
        else { return }
        try change(target) { connection throws(CyrusDBError) in
            try connection.removeAll(target)
            try connection.copy(table, to: target)
        }
    }

    /// One change of a table in a transaction.
    private func change(_ table: SQLTable, _ body: (any SQLConnection) throws(CyrusDBError) -> Void) throws(CyrusDBError) {
        let connection = try sqlConnections.begin { connection throws(CyrusDBError) in
            try connection.lock(table)
            try connection.write(table, [])
        }
        defer { sqlConnections.give(connection) }
        do throws(CyrusDBError) {
            try body(connection)
            try connection.commit()
        } catch {
            connection.rollBack()
            throw error
        }
    }
}
