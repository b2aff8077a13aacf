public import Posix

/// Why a database operation could not be done. "Not found" and "already there" are outcomes (nil, false), not errors.
public enum CyrusDBError: Error, Sendable {
    /// A system call failed (Cyrus `CYRUSDB_IOERROR`); the error names call, path and errno.
    case io(PosixError)
    /// The file is not there and `.create` was not asked for.
    case missing(path: String)
    /// This process already holds a lock on the file: waiting would never end (Cyrus `CYRUSDB_LOCKED`).
    case locked(path: String)
    /// A write in a shared (read) transaction, or in a database opened without write permission.
    case readOnly(path: String)
    /// The key is empty, or cannot be kept by this engine.
    case invalidKey(path: String, reason: String)
    /// This engine has no such operation (Cyrus `CYRUSDB_NOTIMPLEMENTED`).
    case unsupported(path: String, operation: String)
    /// The file is of an engine or version this program does not know.
    case badFormat(path: String, reason: String)
    /// Bytes on disk are not what the format says: where, what was expected, what is there.
    case damaged(path: String, offset: Int, expected: String, found: String)
    /// The sql engine's database refused a statement, or could not be reached: which (never with its password), what kind of statement, and
    /// what it said.
    case server(server: String, statement: String, reason: String)
    /// The caller's callback gave up for a reason of its own.
    case stopped(reason: String)
}

extension CyrusDBError: CustomStringConvertible {
    /// One line for a log.
    public var description: String {
        switch self {
        case .io(let error): "IO error: \(error)"
        case .missing(let path): "\(path): database not found"
        case .locked(let path): "\(path): locked by this process already"
        case .readOnly(let path): "\(path): database is readonly"
        case .invalidKey(let path, let reason): "\(path): invalid key: \(reason)"
        case .unsupported(let path, let operation): "\(path): action not implemented: \(operation)"
        case .badFormat(let path, let reason): "\(path): not a database: \(reason)"
        case .damaged(let path, let offset, let expected, let found):
            "\(path): damaged at offset \(offset): expected \(expected), found \(found)"
        case .server(let server, let statement, let reason): "\(server): \(statement): \(reason)"
        case .stopped(let reason): reason
        }
    }

    /// Cyrus's text for the class of the error (`cyrusdb_strerror`).
    public var cyrusText: String {
        switch self {
        case .io(let error): error.isFull ? "no space available" : "IO error"
        case .server: "IO error"
        case .missing: "item not found"
        case .locked: "locked"
        case .readOnly: "database is readonly"
        case .unsupported: "action not implemented"
        case .invalidKey, .badFormat, .damaged, .stopped: "internal error"
        }
    }

    /// Whether recovery may help.
    public var isDamage: Bool {
        if case .damaged = self { return true }
        return false
    }
}

/// Runs system calls, turning their errors into database errors.
func io<R: ~Copyable>(_ body: () throws(PosixError) -> R) throws(CyrusDBError) -> R {
    do throws(PosixError) {
        return try body()
    } catch {
        throw .io(error)
    }
}
