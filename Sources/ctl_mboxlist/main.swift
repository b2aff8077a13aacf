import Mailbox
import Posix
import Service

// ctl_mboxlist: the mailbox list as text, from text, and against what is on the disk.

let usage = """
    DUMP:
      ctl_mboxlist [-C <alt_config>] -d [-x] [-y] [-p partition] [-f filename]
    UNDUMP:
      ctl_mboxlist [-C <alt_config>] -u [-f filename] [-L]    [< mboxlist.dump]
    MUPDATE populate:
      ctl_mboxlist [-C <alt_config>] -m [-a] [-w] [-i] [-f filename]
    VERIFY:
      ctl_mboxlist [-C <alt_config>] -v [-f filename]
    """

func showUsage(_ complaint: String? = nil) -> Never {
    if let complaint { Program.printError("\(CommandLine.arguments[0]): \(complaint)") }
    Program.printError(usage)
    Process.exit(1)
}

let options: ProgramOptions
do throws(ProgramOptions.Failure) {
    options = try ProgramOptions(Array(CommandLine.arguments.dropFirst()), "C:Lawmdurcxf:p:viy")
} catch {
    showUsage(error.description)
}
let operations = options.flags.map(\.letter).filter { "dumvrc".contains($0) }
guard operations.count == 1, let operation = operations.first, "dumv".contains(operation) else { showUsage() }
/// What belongs to one operation only.
for (letter, owner) in [("x", "d"), ("y", "d"), ("p", "d"), ("L", "u"), ("a", "m"), ("w", "m")] as [(Character, Character)]
where options.has(letter) && operation != owner { showUsage() }

let program = Program.start(ident: "ctl_mboxlist", configurationPath: options.argument("C"))
let store = MailStore(program.configuration, logger: program.logger)
do throws(MailboxError) {
    if operation == "m" {
        let server = program.configuration[.mupdate_server]
        Program.fatal(
            server == nil ? "couldn't get mupdate server name" : "a murder is nothing this program knows of", ExitStatus.unavailable,
            program.logger)
    }
    let list = try MailboxList(store, path: options.argument("f"))
    switch operation {
    case "d":
        try Dump(list, partition: options.argument("p"), intermediates: options.has("y")).run(removing: options.has("x"))
    case "u":
        var undump = Undump(list)
        try undump.run(legacy: options.has("L"))
    default: try Verification(store, list).run()
    }
} catch {
    program.logger.error("DBERROR: \(error)")
    Program.fatal("\(error)", ExitStatus.temporaryFailure, program.logger)
}
