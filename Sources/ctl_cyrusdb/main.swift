import Mailbox
import Posix
import Service

// ctl_cyrusdb: recovers the databases at start, and archives them from time to time.

let usage = "ctl_cyrusdb [-C <altconfig>] -c\nctl_cyrusdb [-C <altconfig>] -r [-x]"

func showUsage(_ complaint: String? = nil) -> Never {
    if let complaint { Program.printError("\(CommandLine.arguments[0]): \(complaint)") }
    Program.printError(usage)
    Process.exit(255)
}

let options: ProgramOptions
do throws(ProgramOptions.Failure) {
    options = try ProgramOptions(Array(CommandLine.arguments.dropFirst()), "C:rxc")
} catch {
    showUsage(error.description)
}
guard options.has("r") != options.has("c") else { showUsage() }

let program = Program.start(ident: "ctl_cyrusdb", configurationPath: options.argument("C"))
let store = MailStore(program.configuration, logger: program.logger)
if options.has("r") {
    Process.exit(Recovery(store, program.logger).run(mailboxList: !options.has("x")) ? ExitStatus.ok : ExitStatus.temporaryFailure)
} else {
    Process.exit(Archive(store, program.logger).run() ? ExitStatus.ok : ExitStatus.temporaryFailure)
}
