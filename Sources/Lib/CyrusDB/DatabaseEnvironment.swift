public import Logging
import Bytes
import Posix

/// What the databases of one process share: the options they follow and the registry of open files.
///
/// fcntl locks belong to the process and fall when *any* descriptor of the file is closed, so a file is opened once:
/// a second `open` of it gets the same `Database`. Owned by the program's context; one thread.
public final class DatabaseEnvironment {
    /// The imapd.conf options that engines follow.
    public struct Options: Sendable {
        /// `skiplist_unsafe`: skiplist does not sync.
        public var skiplistUnsafe = false
        /// `skiplist_always_checkpoint`: a recovered skiplist is also rewritten.
        public var skiplistAlwaysCheckpoint = true
        /// `fulldirhash`: quotalegacy's directories are hashed over the whole name.
        public var fullDirectoryHash = false
        /// `virtdomains` is not off: quota roots may carry a domain.
        public var virtualDomains = false

        /// `sql_*`: where the sql engine keeps its databases.
        public var sql = SQLOptions()

        public init() {}
    }

    /// `configdirectory`; empty for tools that work on a file alone.
    public let configDirectory: String
    public let options: Options
    public var logger: Logger
    private var handles: [String: WeakDatabase] = [:]
    /// The databases opened last, which stay open: most are opened again for the next command, and opening and mapping a large file
    /// costs more than a read in it.
    private var recent: [Database] = []
    private static let recentCount = 4
    private var stamp: UInt32?
    /// Of the sql engine, made when it is first used.
    lazy var sqlConnections = SQLConnections(options.sql, logger: logger)

    public init(configDirectory: String = "", options: Options = Options(), logger: Logger = Logger(label: "cyrusdb")) {
        self.configDirectory = configDirectory
        self.options = options
        self.logger = logger
    }

    /// Opens a database, or hands out the handle this process already has.
    ///
    /// A file of another engine than asked for is opened with its own (or converted, with `.convert`).
    /// Throws `.missing` when the file is not there and `.create` is not given, `.locked` while a transaction is open on it.
    public func open(_ path: String, _ engine: DatabaseEngine, _ flags: OpenFlags = []) throws(CyrusDBError) -> Database {
        if let index = recent.firstIndex(where: { $0.path == path }) {
            let database = recent[index]
            let status = try io { () throws(PosixError) in try FileSystem.status(path) }
            // Removed, replaced or asked for in another way: it is opened anew, unless somebody else still has it.
            if let status, database.storage.isFile(status), database.flags.union(.create) == flags.union(.create) {
                if database.inTransaction { throw .locked(path: path) }
                return database
            }
            recent.remove(at: index)
        }
        if let known = handles[path]?.database {
            if known.inTransaction { throw .locked(path: path) }
            // A file that was removed meanwhile (a user's, say) is a new one when it is opened again.
            let status = try io { () throws(PosixError) in try FileSystem.status(path) }
            if !known.engine.isFile || status != nil { return known }
        }
        handles = handles.filter { $0.value.database != nil }
        let opened = try openEngine(path, engine, flags)
        let database = Database(opened, flags, logger)
        handles[path] = WeakDatabase(database)
        if database.engine.isFile {
            if recent.count == Self.recentCount { recent.removeFirst() }
            recent.append(database)
        }
        return database
    }

    /// As `open`, with nil for a missing file.
    public func openIfPresent(_ path: String, _ engine: DatabaseEngine, _ flags: OpenFlags = []) throws(CyrusDBError) -> Database? {
        do throws(CyrusDBError) {
            return try open(path, engine, flags.subtracting(.create))
        } catch {
            if case .missing = error { return nil }
            throw error
        }
    }

    /// The moment before which a skiplist must have been recovered (seconds since 1970); 0 when `db/skipstamp` cannot be read:
    /// then every skiplist is recovered when opened.
    var recoveryStamp: UInt32 {
        if let stamp { return stamp }
        var value: UInt32 = 0
        if !configDirectory.isEmpty {
            let file = configDirectory + "/db/skipstamp"
            if let bytes = try? FileSystem.read(file), bytes.count >= 4 {
                value = bytes.span.bytes.bigEndian32(at: 0)
            } else {
                logger.error("DBERROR: skipstamp unreadable, assuming the worst", metadata: ["path": "\(file)"])
            }
        }
        stamp = value
        return value
    }

    private struct WeakDatabase {
        weak var database: Database?
        init(_ database: Database) { self.database = database }
    }
}
