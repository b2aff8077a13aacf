/// master's command line, as getopt(3) reads it. Unknown options are reported and ignored, as by Cyrus.
struct CommandOptions: Equatable {
    /// -C: imapd.conf for master itself; children get theirs from their own `cmd=`.
    var configuration: String?
    /// -M: cyrus.conf.
    var masterConfiguration: String?
    /// -p
    var pidFile: String?
    /// -l: the listen(2) backlog.
    var backlog = 32
    /// -L: where standard output and error go.
    var errorLog: String?
    /// -d: go into the background.
    var daemonize = false
    /// -D: leave standard input, output and error alone; log to standard error too.
    var keepsStandardIO = false
    /// -j: sweeps of the child table per second.
    var janitorFrequency = 1
    /// -v, once or more.
    var verbosity = 0
    /// -V
    var printsVersion = false
    /// What was not understood.
    var complaints: [String] = []

    init(_ arguments: [String]) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument.count > 1 else { break }
            if argument == "--" { break }
            var letters = argument.dropFirst()
            while let letter = letters.popFirst() {
                guard "CMplLj".contains(letter) else {
                    flag(letter)
                    continue
                }
                guard let value = letters.isEmpty ? rest.popFirst() : String(letters) else {
                    complaints.append("option requires an argument -- '\(letter)'")
                    break
                }
                take(letter, value)
                break
            }
        }
    }

    private mutating func flag(_ letter: Character) {
        switch letter {
        case "d": daemonize = true
        case "D": keepsStandardIO = true
        case "v": verbosity += 1
        case "V": printsVersion = true
        default: complaints.append("invalid option -- '\(letter)'")
        }
    }

    private mutating func take(_ letter: Character, _ value: String) {
        switch letter {
        case "C": configuration = value
        case "M": masterConfiguration = value
        case "p": pidFile = value
        case "l": backlog = Int(value) ?? backlog
        case "L": errorLog = value
        case "j": janitorFrequency = max(1, Int(value) ?? 1)
        default: break
        }
    }
}
