import Mailbox
import Posix
import Service

// cyr_expire: removes what has been kept long enough: expunged messages, deleted mailboxes, delivery marks.

func showUsage(_ complaint: String? = nil) -> Never {
    if let complaint { Program.printError(complaint) }
    Program.printError(ExpireOptions.usage)
    Process.exit(ExitStatus.usage)
}

let given: ProgramOptions
do throws(ProgramOptions.Failure) {
    given = try ProgramOptions(Array(CommandLine.arguments.dropFirst()), "C:D:E:X:A:p:u:vaxtch")
} catch {
    showUsage("\(CommandLine.arguments[0]): \(error)")
}
let options: ExpireOptions
do throws(ExpireOptions.Failure) {
    options = try ExpireOptions(given)
} catch .usage(let complaint) {
    showUsage(complaint)
}
let program = Program.start(ident: "cyr_expire", configurationPath: given.argument("C"))
for signal in [Signal.terminate, .quit, .interrupt] { signal.catch() }
let store = MailStore(program.configuration, logger: program.logger)
store.attachObservers()
var expiry = Expiry(store, options, program.logger)
do throws(MailboxError) {
    try expiry.run()
} catch {
    Program.fatal("\(error)", ExitStatus.temporaryFailure, program.logger)
}
