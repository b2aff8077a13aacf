import CyrusDB
import Mailbox
import Posix
import Service

// cyr_dbtool: shows and changes the records of a database.

func showUsage(_ complaint: String? = nil) -> Never {
    let name = CommandLine.arguments[0]
    if let complaint { Program.printError("\(name): \(complaint)") }
    Program.printError("Usage: \(name) [-C altconfig] <db file> <db backend> <action> [<key>] [<value>]")
    Program.printError("Usable Backends: \(Program.engineNames)")
    Program.printError(
        """

        Actions:
        * show [<prefix>]
        * get <key>
        * set <key> <value>
        * delete <key>
        * dump - internal format dump
        * consistent - check consistency
        * repack - repack/checkpoint the DB (if supported)
        * damage - start a commit then die during
        * batch - read from stdin and execute commands
        You may omit key or key/value and specify one per line on stdin
        keys are terminated by tab or newline, values are terminated by newline
        """)
    Process.exit(255)
}

// Keys are bytes: a character for each of them, and back.
let options: ProgramOptions
do throws(ProgramOptions.Failure) {
    options = try ProgramOptions(Process.arguments.map { OneByteText.text($0) }, "C:MntTc")
} catch {
    showUsage(error.description)
}
let operands = options.operands.map { OneByteText.bytes($0) }
guard operands.count >= 3 else { showUsage() }
let names = operands[..<3].map { String(decoding: $0, as: UTF8.self) }
Program.requireAbsolute([names[0]])
let configuration = options.argument("C").map { String(decoding: OneByteText.bytes($0), as: UTF8.self) }
let program = Program.start(ident: "cyr_dbtool", configurationPath: configuration)
let engine = program.engine(named: names[1])
var flags: OpenFlags = []
if options.has("n") || names[2] == "create" { flags.insert(.create) }
if options.has("c") { flags.insert(.convert) }
if options.has("M") { flags.insert(.mailboxSort) }

// Handles are kept in the environment: it stays for as long as they do.
let store = MailStore(program.configuration, logger: program.logger)
let database: Database
do throws(CyrusDBError) {
    database = try store.databases.open(names[0], engine, flags)
} catch {
    program.logger.error("DBERROR: \(error)")
    Program.fatal("can't open database", ExitStatus.temporaryFailure, program.logger)
}
var session = DatabaseSession(database, program.logger)
do throws(CyrusDBError) {
    if options.has("T") { try session.begin() }
    try session.perform(names[2], Array(operands[3...]))
    try session.end()
} catch {
    program.logger.error("DBERROR: \(error)")
    Program.fatal("\(error)", ExitStatus.temporaryFailure, program.logger)
}
