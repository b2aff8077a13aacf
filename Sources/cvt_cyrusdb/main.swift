import CyrusDB
import Mailbox
import Posix
import Service

// cvt_cyrusdb: a database becomes one of another engine.

func showUsage(_ complaint: String? = nil) -> Never {
    let name = CommandLine.arguments[0]
    if let complaint { Program.printError("\(name): \(complaint)") }
    Program.printError("Usage: \(name) [-C altconfig] <old db> <old db backend> <new db> <new db backend>")
    Program.printError("Usable Backends:  : \(Program.engineNames)")
    Process.exit(255)
}

let options: ProgramOptions
do throws(ProgramOptions.Failure) {
    options = try ProgramOptions(Array(CommandLine.arguments.dropFirst()), "C:")
} catch {
    showUsage(error.description)
}
let operands = options.operands
guard operands.count == 4 else { showUsage() }
Program.requireAbsolute([operands[0], operands[2]])
let program = Program.start(ident: "cvt_cyrusdb", configurationPath: options.argument("C"))
Program.printOutput("Converting from \(operands[0]) (\(operands[1])) to \(operands[2]) (\(operands[3]))\n")
let conversion = Conversion(
    from: operands[0], program.engine(named: operands[1]), to: operands[2], program.engine(named: operands[3]),
    MailStore(program.configuration, logger: program.logger).databases)
do throws(CyrusDBError) {
    try conversion.run()
} catch {
    program.logger.error("DBERROR: converting \(operands[0]): \(error)")
    Program.printOutput("\nDBERROR: Conversion failed (r was \(error.cyrusCode)). Check syslog for details.\n")
    Process.exit(ExitStatus.temporaryFailure)
}
