import Configuration
import Posix

// cyr_info: what is configured, what is misspelt, and which sessions run.

let options = InfoOptions(Array(CommandLine.arguments.dropFirst()))
guard options.complaint == nil, let command = options.command else {
    if let complaint = options.complaint { StandardError.write("\(CommandLine.arguments[0]): \(complaint)\n") }
    StandardError.write(InfoOptions.usage)
    Process.exit(255)
}
do throws(ConfigurationError) {
    try Info(options: options).run(command)
} catch {
    StandardError.write("fatal error: \(error)\n")
    Process.exit(ConfigurationError.exitCode)
}
