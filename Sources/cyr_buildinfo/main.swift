import Configuration
import Posix

// cyr_buildinfo: what is built in, as JSON or as properties.

var rest = CommandLine.arguments.dropFirst()
var complaint: String?
while complaint == nil, let argument = rest.first, argument.hasPrefix("-"), argument.count > 1 {
    rest.removeFirst()
    if argument == "--" { break }
    let letter = argument.dropFirst().prefix(1)
    if letter != "C" {
        complaint = "invalid option -- '\(letter)'"
    } else if argument.count == 2, rest.popFirst() == nil {
        complaint = "option requires an argument -- 'C'"
    }
}
guard complaint == nil, let format = BuildInfo.Format(rawValue: rest.first ?? "pretty") else {
    if let complaint { StandardError.write("\(CommandLine.arguments[0]): \(complaint)\n") }
    StandardError.write(BuildInfo.usage)
    Process.exit(255)
}
StandardOutput.write(BuildInfo.text(format))
