import Bytes

/// An open transaction: the file is locked until it is committed or aborted; dropping it aborts.
///
/// Reads see what was written in it. When a write throws, nothing of the transaction is kept: the rest of it can only be aborted.
public struct Transaction: ~Copyable {
    public let database: Database
    private let number: UInt64

    init(_ database: Database, _ number: UInt64) {
        self.database = database
        self.number = number
    }

    deinit {
        guard database.inTransaction, database.transactionNumber == number else { return }
        do throws(CyrusDBError) {
            try database.storage.abort()
        } catch {
            database.logger.error("DBERROR: abort failed: \(error)")
        }
    }

    /// Lends the value of `key`; nil when the key is absent.
    public func fetch<R>(_ key: RawSpan, _ body: (RawSpan) throws(CyrusDBError) -> R) throws(CyrusDBError) -> R? {
        try database.fetch(key, body)
    }

    /// Lends the first record after `key`.
    public func fetchNext<R>(
        _ key: RawSpan, _ body: (_ key: RawSpan, _ value: RawSpan) throws(CyrusDBError) -> R
    ) throws(CyrusDBError) -> R? {
        try database.fetchNext(key, body)
    }

    /// As `Database.forEach`, with the lock kept. `body` may write through the transaction it is handed.
    @discardableResult
    public mutating func forEach(
        prefix: RawSpan, filter: ((_ key: RawSpan, _ value: RawSpan) -> Bool)? = nil,
        _ body: (_ transaction: inout Transaction, _ key: RawSpan, _ value: RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit {
        try database.storage.forEach(prefix: prefix, filter: filter) { key, value throws(CyrusDBError) in
            try body(&self, key, value)
        }
    }

    /// Stores, whether or not the key is there.
    public mutating func store(_ key: RawSpan, _ value: RawSpan) throws(CyrusDBError) {
        _ = try write(key) { storage throws(CyrusDBError) in try storage.store(key, value, overwrite: true) }
    }

    /// Stores unless the key is there; false when it is.
    public mutating func create(_ key: RawSpan, _ value: RawSpan) throws(CyrusDBError) -> Bool {
        try write(key) { storage throws(CyrusDBError) in try storage.store(key, value, overwrite: false) }
    }

    /// False when the key was not there.
    @discardableResult
    public mutating func delete(_ key: RawSpan) throws(CyrusDBError) -> Bool {
        try write(key) { storage throws(CyrusDBError) in try storage.delete(key) }
    }

    /// Makes everything written durable, and unlocks.
    public consuming func commit() throws(CyrusDBError) {
        try database.storage.commit()
    }

    /// Forgets everything written, and unlocks.
    public consuming func abort() throws(CyrusDBError) {
        try database.storage.abort()
    }

    private func write(
        _ key: RawSpan, _ body: (any StorageEngine) throws(CyrusDBError) -> Bool
    ) throws(CyrusDBError) -> Bool {
        try database.checkKey(key)
        return try body(database.storage)
    }
}
