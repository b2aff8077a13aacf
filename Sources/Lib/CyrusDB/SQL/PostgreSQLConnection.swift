import Bytes
import CPostgreSQL
import Posix

/// The sql engine on a PostgreSQL server, through libpq: here the connection and how it is spoken to.
///
/// Every wait ends: for a connection, for a lock and for a statement by limits of the server's, and for a server that says nothing by one
/// of our own (`answerSeconds`), after which the connection is lost.
final class PostgreSQLConnection: SQLConnection {
    let server: String
    private let lockSeconds: Int
    private let answerSeconds: Int
    private var connection: OpaquePointer?
    /// Prepared statements by their text.
    private var statements: [String: String] = [:]
    /// A transaction has been begun.
    var isOpen = false

    var isLost: Bool { connection == nil }

    init(_ options: SQLOptions, _ host: SQLOptions.Host) throws(CyrusDBError) {
        guard let database = options.database, !database.isEmpty else {
            throw .server(server: "pgsql", statement: "connect", reason: "sql_database in imapd.conf names no database")
        }
        let name = host.name.isEmpty ? "local" : host.name
        server = "pgsql \(name)\(host.port.isEmpty ? "" : ":\(host.port)")/\(database)"
        guard cy_pq_load() == 1 else {
            throw .server(server: "pgsql", statement: "connect", reason: "libpq.so.5 cannot be loaded (is the package libpq5 installed?)")
        }
        lockSeconds = options.lockSeconds
        answerSeconds = options.answerSeconds
        var words: [(String, String)] = [
            ("dbname", database), ("sslmode", options.usesTLS ? "require" : "prefer"), ("connect_timeout", "\(options.connectSeconds)"),
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"), ("tcp_user_timeout", "60000"),
            ("fallback_application_name", "cyrus"),
        ]
        if !host.name.isEmpty { words.append(("host", host.name)) }
        if !host.port.isEmpty { words.append(("port", host.port)) }
        if let user = options.user { words.append(("user", user)) }
        if let password = options.password { words.append(("password", password)) }
        connection = Self.connect(words)
        guard cy_PQstatus(connection) == CONNECTION_OK else {
            let reason = cy_PQerrorMessage(connection).map { String(cString: $0) } ?? ""
            drop()
            throw .server(server: server, statement: "connect", reason: Self.oneLine(reason))
        }
        cy_PQsetnonblocking(connection, 1)
        do throws(CyrusDBError) {
            try configure()
        } catch {
            drop()
            throw error
        }
    }

    deinit { drop() }

    private static func connect(_ words: [(String, String)]) -> OpaquePointer? {
        // libpq copies both lists.
        var text: [CChar] = []
        var offsets: [(Int, Int)] = []
        for (key, value) in words {
            let start = text.count
            text += key.utf8CString
            offsets.append((start, text.count))
            text += value.utf8CString
        }
        return text.withUnsafeBufferPointer { bytes in
            // Not empty: both lists have words.
            let base = bytes.baseAddress
            let keys = offsets.map { offset in base.map { $0 + offset.0 } } + [nil]
            let values = offsets.map { offset in base.map { $0 + offset.1 } } + [nil]
            return cy_PQconnectdbParams(keys, values, 0)
        }
    }

    /// Limits, so that neither we nor others wait for ever for this connection; and commits that are durable, whatever the server's default.
    private func configure() throws(CyrusDBError) {
        let settings = [
            ("lock_timeout", "'\(lockSeconds)s'"), ("statement_timeout", "'\(max(lockSeconds, answerSeconds))s'"),
            // A walk reads some records in the order of the index. Without knowing the keys the planner would gather and sort them all.
            ("enable_seqscan", "'off'"), ("enable_bitmapscan", "'off'"), ("enable_sort", "'off'"),
            ("idle_in_transaction_session_timeout", "'10min'"), ("tcp_keepalives_idle", "'60'"), ("client_min_messages", "'warning'"),
            (
                "synchronous_commit",
                "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END"
            ),
        ]
        _ = try send("SET", "SELECT " + settings.map { "set_config('\($0.0)', \($0.1), false)" }.joined(separator: ", "))
    }

    private func drop() {
        guard connection != nil else { return }
        cy_PQfinish(connection)
        connection = nil
        statements.removeAll()
        isOpen = false
    }

    /// Messages come in several lines; logs have one.
    private static func oneLine(_ text: String) -> String {
        text.split { $0 == "\n" || $0 == "\t" }.joined(separator: " ")
    }

    // MARK: statements

    func failure(_ kind: String, _ reason: String) -> CyrusDBError {
        .server(server: server, statement: kind, reason: reason)
    }

    /// Sends a statement without parameters, or several.
    func send(_ kind: String, _ sql: String) throws(CyrusDBError) -> PostgreSQLResult {
        guard cy_PQsendQuery(connection, sql) == 1 else { throw lost(kind) }
        return try answer(kind)
    }

    /// Runs a prepared statement; parameters and columns are bytes as they are.
    func run(_ kind: String, _ sql: String, _ values: [[UInt8]]) throws(CyrusDBError) -> PostgreSQLResult {
        let name: String
        if let known = statements[sql] {
            name = known
        } else {
            name = "s\(statements.count)"
            guard cy_PQsendPrepare(connection, name, sql, 0, nil) == 1 else { throw lost(kind) }
            _ = try answer(kind)
            statements[sql] = name
        }
        var buffer: [CChar] = []
        var offsets: [Int] = []
        for value in values {
            offsets.append(buffer.count)
            value.withUnsafeBytes { buffer.append(contentsOf: $0.bindMemory(to: CChar.self)) }
        }
        // Not empty, or the pointer to an empty value would be NULL, which is NULL.
        buffer.append(0)
        guard values.allSatisfy({ $0.count < 1 << 30 }) else { throw failure(kind, "a value is longer than PostgreSQL keeps") }
        let sent = buffer.withUnsafeBufferPointer { bytes in
            let pointers = offsets.map { offset in bytes.baseAddress.map { $0 + offset } }
            let lengths = values.map { CInt($0.count) }
            let formats = [CInt](repeating: 1, count: values.count)
            return cy_PQsendQueryPrepared(connection, name, CInt(values.count), pointers, lengths, formats, 1)
        }
        guard sent == 1 else { throw lost(kind) }
        return try answer(kind)
    }

    /// The last answer to what was sent, once there are no more; an error of the server's is thrown.
    private func answer(_ kind: String) throws(CyrusDBError) -> PostgreSQLResult {
        let deadline = Clock.monotonic + Double(answerSeconds)
        var last: PostgreSQLResult?
        var complaint: (state: String, message: String)?
        while true {
            try awaitAnswer(kind, until: deadline)
            guard let next = cy_PQgetResult(connection) else { break }
            let result = PostgreSQLResult(next)
            if !result.isOK, complaint == nil { complaint = result.complaint }
            last = consume result
        }
        if cy_PQstatus(connection) == CONNECTION_BAD { throw lost(kind, complaint?.message) }
        if let complaint { throw refused(kind, complaint.state, complaint.message) }
        guard let last = last.take() else { throw lost(kind) }
        return last
    }

    /// Sends what is not sent yet, and waits until an answer can be had without waiting.
    private func awaitAnswer(_ kind: String, until deadline: Double) throws(CyrusDBError) {
        while true {
            let unsent = cy_PQflush(connection)
            if unsent < 0 { throw lost(kind) }
            if unsent == 0 && cy_PQisBusy(connection) == 0 { return }
            let left = deadline - Clock.monotonic
            if left <= 0 { throw lost(kind, "no answer in \(answerSeconds) s") }
            try io { () throws(PosixError) in
                var entries = [PollEntry(cy_PQsocket(connection))]
                if unsent > 0 { entries.append(PollEntry(cy_PQsocket(connection), write: true)) }
                _ = try Poll.wait(&entries, milliseconds: Int(left * 1000) + 1)
            }
            if cy_PQconsumeInput(connection) == 0 { throw lost(kind) }
        }
    }

    /// The connection is of no use any more.
    private func lost(_ kind: String, _ reason: String? = nil) -> CyrusDBError {
        let known = reason ?? cy_PQerrorMessage(connection).map { Self.oneLine(String(cString: $0)) } ?? ""
        drop()
        let fate = kind == "COMMIT" ? "; whether it was committed is not known" : ""
        return failure(kind, "connection lost: \(known)\(fate)")
    }

    private func refused(_ kind: String, _ state: String, _ message: String) -> CyrusDBError {
        // Invalid authorisation of this kind comes when an administrator ends the session or the server stops: nothing more will come.
        if state == "57P01" || state == "57P02" || state == "57P03" { return lost(kind, message) }
        return failure(kind, "\(message) (\(state))")
    }
}
