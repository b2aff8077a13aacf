import CyrusDB
import Mailbox
import Posix
import Service

// ctl_conversationsdb: shows, checks and makes anew what is counted of users' conversations.

func showUsage(_ complaint: String? = nil) -> Never {
    let name = CommandLine.arguments[0]
    if let complaint { Program.printError("\(name): \(complaint)") }
    Program.printError(
        """
        usage: \(name) [options] [-u|-d|-z|-f] [-r] username

        options are:
            -v             be more verbose
            -C altconfig   use altconfig instead of imapd.conf
            -u             undump the conversations database from stdin
            -d             dump the conversations database to stdout
            -z             zero the conversations DB (make all NULLs)
            -b             build conversations entries for any NULL records
            -R             recalculate all counts
            -A             audit conversations DB counts
            -F             check folder names
            -T dir         store temporary data for audit in dir

            -r             recursive mode: username is a prefix
        """)
    Process.exit(ExitStatus.usage)
}

let options: ProgramOptions
do throws(ProgramOptions.Failure) {
    options = try ProgramOptions(Array(CommandLine.arguments.dropFirst()), "durzSAbvRFC:T:")
} catch {
    showUsage(error.description)
}
let modes = Set(options.flags.map(\.letter).filter { "duzbRAF".contains($0) })
guard modes.count == 1, let mode = modes.first, options.operands.count == 1 else { showUsage() }

let program = Program.start(ident: "ctl_conversationsdb", configurationPath: options.argument("C"))
let store = MailStore(program.configuration, logger: program.logger)
store.attachObservers()
let work = ConversationWork(
    store, program, mode: mode, isVerbose: options.has("v"), temporary: options.argument("T"))
var isRight = true
do throws(MailboxError) {
    for user in try work.users(options.operands[0], isPrefix: options.has("r")) where try !work.run(user) { isRight = false }
} catch {
    program.logger.error("\(error)")
    Program.fatal("\(error)", ExitStatus.temporaryFailure, program.logger)
}
Process.exit(isRight ? ExitStatus.ok : 1)
