import DebianCyrus
import Foundation
import Logging

@testable import CyrusDB

/// An engine, and for sql where it keeps its records.
enum EngineUnderTest: String, CaseIterable {
    case twoskip, skiplist, flat, quotalegacy, sqlite, postgresql

    /// Without a PostgreSQL server on a developer's machine its tests are left out.
    static let all = allCases.filter { $0 != .postgresql || PostgreSQLServer.isInstalled }
    static let sql = all.filter { $0.engine == .sql }

    var engine: DatabaseEngine {
        switch self {
        case .twoskip: .twoskip
        case .skiplist: .skiplist
        case .flat: .flat
        case .quotalegacy: .quotalegacy
        case .sqlite, .postgresql: .sql
        }
    }

    /// A file's name that is no other test's: on the server all tests' tables are in one database.
    var fileName: String { self == .postgresql ? "x\(UUID().uuidString.replacingOccurrences(of: "-", with: "")).db" : "x.db" }

    func environment(_ directory: String) throws -> DatabaseEnvironment {
        var options = DatabaseEnvironment.Options()
        if engine == .sql { options.sql = try sqlOptions(directory) }
        return DatabaseEnvironment(
            configDirectory: directory, options: options, logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
    }

    func sqlOptions(_ directory: String) throws -> SQLOptions {
        var options = SQLOptions()
        if self == .sqlite {
            options.engine = "sqlite"
            options.database = directory + "/sql.sqlite"
        } else {
            options = SQLOptions(try Self.server.get())
        }
        return options
    }

    /// What tells database-worker the same.
    func workerOptions(_ directory: String) throws -> [String] {
        guard engine == .sql else { return [] }
        let options = try sqlOptions(directory)
        return [
            "sql_engine=\(options.engine)", "sql_hostnames=\(options.hostnames)", "sql_user=\(options.user ?? "")",
            "sql_passwd=\(options.password ?? "")", "sql_database=\(options.database ?? "")",
        ]
    }

    /// Started when it is first asked for, and ended with the test process.
    static let server = Result { try PostgreSQLServer() }
}

extension SQLOptions {
    init(_ server: PostgreSQLServer) {
        self.init()
        engine = "pgsql"
        hostnames = "127.0.0.1:\(server.port)"
        user = "cyrus"
        password = PostgreSQLServer.password
        database = "cyrus"
    }
}
