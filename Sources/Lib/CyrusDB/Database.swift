import Bytes
import Logging

/// An open database: sorted keys with values, whichever engine keeps them.
///
/// Values are lent to closures as `RawSpan`, which the compiler does not let outlive the call; a copy is `span.array`.
/// Reads run inside the transaction that is open on the database, if there is one; writes are made either through that
/// transaction, or, when there is none, each in one of its own.
public final class Database {
    let storage: any StorageEngine
    let flags: OpenFlags
    let logger: Logger
    /// Counts transactions, so that a `Transaction` value knows whether it is still the open one.
    var transactionNumber: UInt64 = 0

    init(_ storage: any StorageEngine, _ flags: OpenFlags, _ logger: Logger) {
        self.storage = storage
        self.logger = logger
        self.flags = flags
    }

    public var path: String { storage.path }
    /// The engine the file really is of.
    public var engine: DatabaseEngine { storage.engine }
    public var comparator: Comparator { storage.comparator }
    public var inTransaction: Bool { storage.inTransaction }

    // MARK: reading

    /// Lends the value of `key`; nil when the key is absent.
    public func fetch<R>(_ key: RawSpan, _ body: (RawSpan) throws(CyrusDBError) -> R) throws(CyrusDBError) -> R? {
        try checkKey(key)
        var result: R?
        _ = try storage.fetch(key) { value throws(CyrusDBError) in result = try body(value) }
        return result
    }

    /// Lends the first record whose key is after `key` (the very first for an empty key); nil when there is none.
    public func fetchNext<R>(
        _ key: RawSpan, _ body: (_ key: RawSpan, _ value: RawSpan) throws(CyrusDBError) -> R
    ) throws(CyrusDBError) -> R? {
        var result: R?
        _ = try storage.fetchNext(key) { key, value throws(CyrusDBError) in result = try body(key, value) }
        return result
    }

    /// Visits, in key order, every record whose key begins with `prefix`.
    ///
    /// Without a transaction `body` runs with the lock released: it may store, delete the record it was given, or replace the
    /// file; the walk goes on from the next key that is then there. `filter` runs under the lock, and may be asked about
    /// records ahead of `body`'s turn: it must depend on its arguments alone.
    @discardableResult
    public func forEach(
        prefix: RawSpan, filter: ((_ key: RawSpan, _ value: RawSpan) -> Bool)? = nil,
        _ body: (_ key: RawSpan, _ value: RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit {
        try storage.forEach(prefix: prefix, filter: filter, body)
    }

    /// Visits the record of `key` itself, if there is one, as `forEach` would (Cyrus `cyrusdb_forone`).
    @discardableResult
    public func forOne(
        _ key: RawSpan, _ body: (_ key: RawSpan, _ value: RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit {
        try fetch(key) { value throws(CyrusDBError) in try body(key, value) } ?? .next
    }

    // MARK: writing

    /// Stores in a transaction of its own; `.locked` while one is open.
    public func store(_ key: RawSpan, _ value: RawSpan) throws(CyrusDBError) {
        try checkKey(key)
        _ = try writing { engine throws(CyrusDBError) in try engine.store(key, value, overwrite: true) }
    }

    /// Stores unless the key is there; false when it is.
    public func create(_ key: RawSpan, _ value: RawSpan) throws(CyrusDBError) -> Bool {
        try checkKey(key)
        return try writing { engine throws(CyrusDBError) in try engine.store(key, value, overwrite: false) }
    }

    /// False when the key was not there.
    @discardableResult
    public func delete(_ key: RawSpan) throws(CyrusDBError) -> Bool {
        try checkKey(key)
        return try writing { engine throws(CyrusDBError) in try engine.delete(key) }
    }

    /// Locks the file for reading and writing until commit or abort. `.locked` when this process has it locked already.
    public func begin() throws(CyrusDBError) -> Transaction {
        try begin(shared: flags.contains(.shared))
    }

    /// Locks the file for reading until commit or abort: one moment's view over several reads.
    public func beginShared() throws(CyrusDBError) -> Transaction {
        try begin(shared: true)
    }

    private func begin(shared: Bool) throws(CyrusDBError) -> Transaction {
        if storage.inTransaction { throw .locked(path: path) }
        try storage.begin(shared: shared)
        transactionNumber &+= 1
        return Transaction(self, transactionNumber)
    }

    /// Runs `body` in a transaction: committed when it returns, aborted when it throws.
    public func transaction<R>(_ body: (inout Transaction) throws(CyrusDBError) -> R) throws(CyrusDBError) -> R {
        var transaction = try begin()
        // A throw drops the transaction, which aborts it.
        let result = try body(&transaction)
        try transaction.commit()
        return result
    }

    // MARK: upkeep

    /// Enough dead bytes have gathered that `checkpoint` pays. See `checkpointIfNeeded`.
    public var needsCheckpoint: Bool {
        !flags.contains(.noCompact) && storage.needsCheckpoint
    }

    /// Checkpoints when it pays, asking again under the lock whether another process has done it meanwhile.
    /// To be called after the client was answered; does nothing inside a transaction.
    public func checkpointIfNeeded() throws(CyrusDBError) {
        guard needsCheckpoint, !storage.inTransaction else { return }
        try storage.checkpoint(onlyIfNeeded: true)
    }

    /// Rewrites the file with its live records only; `.locked` inside a transaction.
    public func checkpoint() throws(CyrusDBError) {
        if storage.inTransaction { throw .locked(path: path) }
        try storage.checkpoint(onlyIfNeeded: false)
    }

    /// Walks the whole file; throws `.damaged` for the first thing that is not as it must be.
    public func checkConsistency() throws(CyrusDBError) {
        try storage.checkConsistency()
    }

    /// Makes the file anew of every committed record in it that is whole, for a file whose consistency check fails.
    ///
    /// What is kept and what could not be read is logged. A record whose bytes are damaged is gone, or is back as it was before
    /// its last change; a key whose deletion is damaged may be back.
    public func rebuild() throws(CyrusDBError) {
        if storage.inTransaction { throw .locked(path: path) }
        try storage.rebuild()
    }

    /// The engine's own listing of records and pointers, line by line.
    public func dump(_ line: (String) -> Void) throws(CyrusDBError) {
        try storage.dump(line)
    }

    // MARK: within

    func checkKey(_ key: RawSpan) throws(CyrusDBError) {
        if key.byteCount == 0 { throw .invalidKey(path: path, reason: "it is empty") }
    }

    /// A write in a transaction of its own, aborted when it fails.
    private func writing(_ body: (any StorageEngine) throws(CyrusDBError) -> Bool) throws(CyrusDBError) -> Bool {
        if storage.inTransaction { throw .locked(path: path) }
        try storage.begin(shared: false)
        let result: Bool
        do throws(CyrusDBError) {
            result = try body(storage)
        } catch {
            // The first error is the one to tell; an abort that fails too leaves the file to recovery.
            if storage.inTransaction { try? storage.abort() }
            throw error
        }
        try storage.commit()
        return result
    }
}
