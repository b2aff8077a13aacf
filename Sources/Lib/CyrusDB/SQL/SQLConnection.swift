import Bytes

/// A record as an SQL database gave it.
struct SQLRecord {
    var key: [UInt8]
    var value: [UInt8]
}

/// The records of a walk: keys after `from` (or from it on), before `end`.
struct SQLRange {
    var from: [UInt8]
    /// `from` itself is left out.
    var isAfter: Bool
    /// nil: to the last key.
    var end: [UInt8]?

    /// All keys with a prefix: up to the first key after them, which is the prefix with its last byte one higher.
    init(prefix: [UInt8]) {
        from = prefix
        isAfter = false
        var end = prefix
        while end.last == 0xff { end.removeLast() }
        if let last = end.popLast() {
            end.append(last + 1)
            self.end = end
        }
    }

    init(after key: [UInt8]) {
        from = key
        isAfter = true
    }
}

/// One connection to an SQL database: statements on the table of a database, and at most one transaction.
///
/// A statement that fails inside a transaction leaves nothing but `rollBack`. After `isLost` it can only be dropped.
protocol SQLConnection: AnyObject {
    /// Engine, host and database, for errors: never the password.
    var server: String { get }
    /// The server is gone, or silent for too long.
    var isLost: Bool { get }

    /// Whether the table is there (in the shared table: whether it has a record of the file).
    func exists(_ table: SQLTable) throws(CyrusDBError) -> Bool
    /// Makes table and index, unless they are there.
    func create(_ table: SQLTable) throws(CyrusDBError)

    func value(_ table: SQLTable, _ key: [UInt8]) throws(CyrusDBError) -> [UInt8]?
    /// In the order of memcmp, `limit` at most.
    func records(_ table: SQLTable, _ range: SQLRange, limit: Int) throws(CyrusDBError) -> [SQLRecord]

    /// Begins a transaction in which nobody else writes the database: waits for the one who does, for `lockSeconds`.
    func lock(_ table: SQLTable) throws(CyrusDBError)
    /// Begins a transaction for reading in which everything stays as it is now.
    func beginReading() throws(CyrusDBError)
    /// Changes in the transaction, seen by it alone: a nil value deletes. Keys are distinct.
    func write(_ table: SQLTable, _ changes: [(key: [UInt8], value: [UInt8]?)]) throws(CyrusDBError)
    func commit() throws(CyrusDBError)
    /// Ends the transaction without a trace; a connection that cannot do so is lost.
    func rollBack()

    /// Adds all records of a file of the shared table to another file of it, which has none.
    func copy(_ table: SQLTable, to other: SQLTable) throws(CyrusDBError)
    /// Removes all records.
    func removeAll(_ table: SQLTable) throws(CyrusDBError)
    /// The engine's own check of its storage.
    func checkIntegrity(_ table: SQLTable) throws(CyrusDBError)
}
