import Mailbox
import Posix
import Service

// ctl_cyrusdb: recovers the databases at start, archives them from time to time, and tells how they are.

let usage = "ctl_cyrusdb [-C <altconfig>] -c\nctl_cyrusdb [-C <altconfig>] -r [-x]"

func showUsage(_ complaint: String? = nil) -> Never {
    if let complaint { Program.printError("\(CommandLine.arguments[0]): \(complaint)") }
    Program.printError(usage)
    Process.exit(255)
}

// Words of our own beside Cyrus's flags.
var words = Array(CommandLine.arguments.dropFirst())
let showsStatus = words.contains("--status")
let asJSON = words.contains("--json")
words.removeAll { $0 == "--status" || $0 == "--json" }

let options: ProgramOptions
do throws(ProgramOptions.Failure) {
    options = try ProgramOptions(words, "C:rxc")
} catch {
    showUsage(error.description)
}
let actions = [options.has("r"), options.has("c"), showsStatus].count { $0 }
guard actions == 1, showsStatus || !asJSON else { showUsage() }

let program = Program.start(ident: "ctl_cyrusdb", configurationPath: options.argument("C"))
let store = MailStore(program.configuration, logger: program.logger)
let isWhole =
    if showsStatus {
        Status(store: store).run(asJSON: asJSON)
    } else if options.has("r") {
        Recovery(store, program.logger).run(mailboxList: !options.has("x"))
    } else {
        Archive(store, program.logger).run()
    }
Process.exit(isWhole ? ExitStatus.ok : ExitStatus.temporaryFailure)
