import Bytes
import Configuration
import CyrusDB
import Mailbox
import Posix
import Service

// tls_prune: removes TLS sessions whose time is over.

func showUsage(_ complaint: String) -> Never {
    Program.printError("\(CommandLine.arguments[0]): \(complaint)\ntls_prune [-C <altconfig>]")
    Process.exit(255)
}

/// A session's value begins with the moment of its end. One that is too short for that is of no use to anybody.
func isOver(_ value: RawSpan, at now: Int64) -> Bool {
    value.byteCount < 8 || Int64(bitPattern: value.bigEndian64(at: 0).byteSwapped) < now
}

let options: ProgramOptions
do throws(ProgramOptions.Failure) {
    options = try ProgramOptions(Array(CommandLine.arguments.dropFirst()), "C:")
} catch {
    showUsage(error.description)
}
let program = Program.start(ident: "tls_prune", configurationPath: options.argument("C"))
let store = MailStore(program.configuration, logger: program.logger)
let path = program.configuration[.tls_sessions_db_path] ?? "\(program.configuration.directory)/tls_sessions.db"
let engine = program.engine(named: program.configuration[.tls_sessions_db])
do throws(CyrusDBError) {
    guard let database = try store.databases.openIfPresent(path, engine) else { Process.exit(ExitStatus.ok) }
    let now = Clock.now
    var seen = 0
    var old: [[UInt8]] = []
    try database.forEach(prefix: [UInt8]().span.bytes) { key, value in
        seen += 1
        if isOver(value, at: now) { old.append(key.array) }
        return .next
    }
    let keys = old
    if !keys.isEmpty {
        try database.transaction { transaction throws(CyrusDBError) in
            for key in keys { try transaction.delete(key) }
        }
        try database.checkpointIfNeeded()
    }
    program.logger.notice("tls_prune: purged \(keys.count) out of \(seen) entries")
} catch {
    program.logger.error("DBERROR: \(path): \(error)")
    Process.exit(ExitStatus.temporaryFailure)
}
