import Posix
import Service

// mbpath: where a mailbox's files are.

func showUsage(_ complaint: String? = nil) -> Never {
    if let complaint { Program.printError("\(CommandLine.arguments[0]): \(complaint)") }
    Program.printError(PathOptions.usage)
    Process.exit(ExitStatus.usage)
}

let given: ProgramOptions
do throws(ProgramOptions.Failure) {
    given = try ProgramOptions(Array(CommandLine.arguments.dropFirst()), "C:7ajlmqsupADMSU")
} catch {
    showUsage(error.description)
}
let options: PathOptions
do throws(PathOptions.Failure) {
    options = try PathOptions(given)
} catch {
    // As Cyrus prints it: after the usage, without an end of line.
    Program.printError(PathOptions.usage)
    do throws(PosixError) { try Descriptor.write(2, Array("\nERROR: \(error.rawValue)".utf8)) } catch {}
    Process.exit(ExitStatus.usage)
}
let program = Program.start(ident: "mbpath", configurationPath: given.argument("C"))
let finder = PathFinder(program, options)
var status = ExitStatus.ok
for argument in given.operands {
    if finder.show(argument) {
        status = ExitStatus.ok
        continue
    }
    status = ExitStatus.dataError
    guard options.stopsAtError else { continue }
    Program.fatal(options.isQuiet ? "" : "Error in processing mailbox. Stopping\n", ExitStatus.dataError, nil)
}
Process.exit(status)
