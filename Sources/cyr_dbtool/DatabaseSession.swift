import Bytes
import CyrusDB
import Logging
import Posix
import Service

/// An open database, with the transaction that is open on it, if one is.
struct DatabaseSession: ~Copyable {
    let database: Database
    let logger: Logger
    private var transaction: Transaction?
    private var output = BufferedOutput()

    init(_ database: Database, _ logger: Logger) {
        self.database = database
        self.logger = logger
    }

    // MARK: transactions

    var inTransaction: Bool { database.inTransaction }

    mutating func begin() throws(CyrusDBError) { transaction = try database.begin() }

    mutating func commit() throws(CyrusDBError) {
        let open = transaction.take()
        guard let open else { return }
        try open.commit()
    }

    mutating func abort() { transaction = nil }

    /// What is still open is committed, and what was printed written.
    mutating func end() throws(CyrusDBError) {
        try commit()
        output.flush()
    }

    // MARK: records

    func value(_ key: [UInt8]) throws(CyrusDBError) -> [UInt8]? { try database.value(key) }

    mutating func store(_ key: [UInt8], _ value: [UInt8]) throws(CyrusDBError) {
        if try transaction?.store(key, value) == nil { try database.store(key, value) }
    }

    mutating func delete(_ key: [UInt8]) throws(CyrusDBError) {
        if try transaction?.delete(key) == nil { try database.delete(key) }
    }

    mutating func print(_ bytes: [UInt8]) { output.write(bytes) }
    mutating func flush() { output.flush() }

    /// Every record whose key begins with `prefix`, made into bytes by `form`.
    mutating func show(_ prefix: [UInt8], _ form: (_ key: RawSpan, _ value: RawSpan) -> [UInt8]) throws(CyrusDBError) {
        // Out of the property: the walk is over the database of the same value.
        var lines = BufferedOutput()
        output.flush()
        try database.forEach(prefix: prefix.span.bytes) { key, value in
            lines.write(form(key, value))
            return .next
        }
    }

    // MARK: actions

    /// One action of the command line.
    mutating func perform(_ action: String, _ arguments: [[UInt8]]) throws(CyrusDBError) {
        switch action {
        case "show":
            try show(arguments.first ?? []) { key, value in key.array + [0x09] + value.array + [0x0a] }
        case "get":
            try forEachKey(arguments) { session, key, _ throws(CyrusDBError) in
                session.print((try session.value(key) ?? []) + [0x0a])
            }
        case "set":
            if arguments.count == 1 { showUsage() }
            try forEachKey(arguments) { session, key, value throws(CyrusDBError) in try session.store(key, value) }
        case "delete":
            try forEachKey(arguments) { session, key, _ throws(CyrusDBError) in try session.delete(key) }
        case "dump": dump()
        case "consistent": printConsistency()
        case "repack", "checkpoint": try repack()
        case "batch": try runBatch()
        case "create": break
        case "damage": Program.fatal("damage is not for this program to do", ExitStatus.software, logger)
        default: print(Array("Unknown action \(action)\n".utf8))
        }
    }

    /// The key (and value) given, or those on standard input: a line each, the key up to its first TAB. An empty key ends it.
    private mutating func forEachKey(
        _ arguments: [[UInt8]],
        _ body: (inout DatabaseSession, _ key: [UInt8], _ value: [UInt8]) throws(CyrusDBError) -> Void
    ) throws(CyrusDBError) {
        if let key = arguments.first {
            try body(&self, key, arguments.count > 1 ? arguments[1] : [])
            return
        }
        var input = InputBytes()
        while let line = input.line() {
            let key = Array(line.prefix { $0 != 0x09 })
            if key.isEmpty { return }
            try body(&self, key, Array(line.dropFirst(key.count + 1)))
        }
    }

    private mutating func dump() {
        var lines = BufferedOutput()
        do throws(CyrusDBError) {
            try database.dump { lines.write($0 + "\n") }
        } catch {
            // Engines whose records are their file have nothing to tell.
            if case .unsupported = error { return }
            lines.write("ERROR [\(error)]\n")
        }
    }

    private mutating func printConsistency() {
        do throws(CyrusDBError) {
            try database.checkConsistency()
            print(Array("Yes, consistent\n".utf8))
        } catch {
            logger.error("DBERROR: \(error)")
            print(Array("No, not consistent\n".utf8))
        }
    }

    private mutating func repack() throws(CyrusDBError) {
        // A file is rewritten between transactions.
        try commit()
        try database.checkpoint()
    }
}
