import Configuration
import Logging
import Posix
import Syslog

// master: starts and keeps up all services of the mail server (Cyrus's master, Debian's cyrmaster).

let options = CommandOptions(Array(CommandLine.arguments.dropFirst()))
for complaint in options.complaints { StandardError.write("master: \(complaint)\n") }
if options.printsVersion {
    StandardOutput.write("\(Version.full)\n")
    Process.exit(0)
}
Process.exit(Launch.run(options).rawValue)
