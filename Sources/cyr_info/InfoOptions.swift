/// cyr_info's command line.
struct InfoOptions: Equatable {
    enum Command: String, CaseIterable {
        case conf
        case confAll = "conf-all"
        case confDefault = "conf-default"
        case confLint = "conf-lint"
        case proc
        case version
    }

    /// -C
    var configuration: String?
    /// -M
    var masterConfiguration: String?
    /// -n: as this service sees it.
    var service: String?
    /// -s: mark what is newer than this version.
    var oldVersion: String?
    var command: Command?
    /// In getopt's words.
    var complaint: String?

    init(_ arguments: [String]) {
        var rest = arguments[...]
        while let argument = rest.first, argument.hasPrefix("-"), argument.count > 1, complaint == nil {
            rest.removeFirst()
            if argument == "--" { break }
            var letters = argument.dropFirst()
            while let letter = letters.popFirst() {
                guard "CMns".contains(letter) else {
                    complaint = "invalid option -- '\(letter)'"
                    break
                }
                guard let value = letters.isEmpty ? rest.popFirst() : String(letters) else {
                    complaint = "option requires an argument -- '\(letter)'"
                    break
                }
                switch letter {
                case "C": configuration = value
                case "M": masterConfiguration = value
                case "n": service = value
                default: oldVersion = value
                }
                break
            }
        }
        command = rest.first.flatMap { Command(rawValue: $0) }
    }

    static let usage = """
        cyr_info [-C <altconfig>] [-M <cyrus.conf>] [-n servicename] [-s oldversion] command

        If you give a service name (-n), it will show config as if you
        were running that service, i.e. imap

        If you give an old version (-s), it will highlight config
        options that are new or whose behaviour has changed since that
        version.

        Where command is one of:

          * conf          - listing of non-default config values
          * conf-all      - listing of all config values
          * conf-default  - listing of all default config values
          * conf-lint     - unknown config keys
          * proc          - listing of all open processes
          * version       - Cyrus version


        """
}
