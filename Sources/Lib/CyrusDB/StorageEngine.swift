import Bytes
import Posix

/// What every engine does; `Database` is the face of it.
///
/// Reads outside a transaction take and drop the file's shared lock by themselves; inside one they run in it.
/// `store` and `delete` are only called inside a transaction.
protocol StorageEngine: AnyObject {
    var path: String { get }
    var engine: DatabaseEngine { get }
    /// The order `forEach` visits keys in.
    var comparator: Comparator { get }
    /// Whether this is the file that it has open.
    func isFile(_ status: FileStatus) -> Bool
    /// A transaction is open on this handle.
    var inTransaction: Bool { get }

    /// False when the key is absent.
    func fetch(_ key: RawSpan, _ body: (RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool
    /// The first record after `key` (the first of all for an empty key); false when there is none.
    func fetchNext(_ key: RawSpan, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool
    func forEach(
        prefix: RawSpan, filter: ((RawSpan, RawSpan) -> Bool)?, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit

    func begin(shared: Bool) throws(CyrusDBError)
    /// False, with nothing changed, when the key is there and `overwrite` is not asked for.
    func store(_ key: RawSpan, _ value: RawSpan, overwrite: Bool) throws(CyrusDBError) -> Bool
    /// False when the key was not there.
    func delete(_ key: RawSpan) throws(CyrusDBError) -> Bool
    func commit() throws(CyrusDBError)
    func abort() throws(CyrusDBError)

    /// Enough dead bytes have gathered that a checkpoint pays.
    var needsCheckpoint: Bool { get }
    /// Rewrites the file with its live records only. Takes the exclusive lock.
    func checkpoint(onlyIfNeeded: Bool) throws(CyrusDBError)
    /// Walks everything; throws `.damaged` for the first thing that is not as it must be.
    func checkConsistency() throws(CyrusDBError)
    /// The one file that all of it is in; nil when it is not in one.
    var archivedFile: MappedFile? { get }
    /// Makes the file anew of every record in it that is whole. Takes the exclusive lock.
    func rebuild() throws(CyrusDBError)
    /// The engine's own listing of its records and pointers (`cyr_dbtool … dump`).
    func dump(_ line: (String) -> Void) throws(CyrusDBError)
}

extension StorageEngine {
    func isFile(_ status: FileStatus) -> Bool { archivedFile?.isFile(status) ?? false }
}
