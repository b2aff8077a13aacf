import Bytes
import Logging
import Posix

/// The connections of one process to its SQL database: one for each transaction that is open, and otherwise one for everything.
///
/// A connection that was lost outside a transaction is made anew, and what was asked of it asked once more: a read changes nothing, and
/// a transaction that could not begin has done nothing.
final class SQLConnections {
    private let options: SQLOptions
    private let logger: Logger
    private var idle: [any SQLConnection] = []

    init(_ options: SQLOptions, logger: Logger) {
        self.options = options
        self.logger = logger
    }

    func take() throws(CyrusDBError) -> any SQLConnection {
        if let connection = idle.popLast() { return connection }
        return try connect()
    }

    /// To be called outside of a transaction.
    func give(_ connection: any SQLConnection) {
        guard !connection.isLost else { return }
        idle.append(connection)
    }

    /// Runs statements that may be run twice, on a connection in no transaction.
    func run<R>(_ body: (any SQLConnection) throws(CyrusDBError) -> R) throws(CyrusDBError) -> R {
        let connection = try take()
        do throws(CyrusDBError) {
            let result = try body(connection)
            give(connection)
            return result
        } catch {
            give(connection)
            guard connection.isLost else { throw error }
            logger.notice("sql: \(error); connecting again")
        }
        // The others went with the same server.
        idle.removeAll()
        let fresh = try connect()
        defer { give(fresh) }
        return try body(fresh)
    }

    /// A connection on which `begin` has begun a transaction.
    func begin(_ begin: (any SQLConnection) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> any SQLConnection {
        let connection = try take()
        do throws(CyrusDBError) {
            try begin(connection)
            return connection
        } catch {
            if !connection.isLost { connection.rollBack() }
            give(connection)
            guard connection.isLost else { throw error }
            logger.notice("sql: \(error); connecting again")
        }
        idle.removeAll()
        let fresh = try connect()
        do throws(CyrusDBError) {
            try begin(fresh)
            return fresh
        } catch {
            if !fresh.isLost { fresh.rollBack() }
            give(fresh)
            throw error
        }
    }

    private func connect() throws(CyrusDBError) -> any SQLConnection {
        switch options.engine {
        case "sqlite": return try SQLiteConnection(options)
        case "pgsql", "": return try connectToPostgreSQL()
        default:
            throw .server(
                server: "sql", statement: "connect",
                reason: "sql_engine: \(options.engine) in imapd.conf is not built in (sqlite and pgsql are)")
        }
    }

    /// The first of the hosts that takes us.
    private func connectToPostgreSQL() throws(CyrusDBError) -> any SQLConnection {
        var failure: CyrusDBError?
        for host in options.hosts {
            do throws(CyrusDBError) {
                return try PostgreSQLConnection(options, host)
            } catch {
                logger.error("DBERROR: \(error)")
                failure = error
            }
        }
        throw failure ?? .server(server: "sql", statement: "connect", reason: "sql_hostnames names no host")
    }
}
