import Service

/// What mbpath is to print, and of what its arguments are names.
struct PathOptions {
    enum Selection { case archive, data, meta, sieve, user, all, json }
    enum Argument { case mailbox, user, path }

    let selection: Selection
    let argument: Argument
    let isQuiet: Bool
    let stopsAtError: Bool
    /// Arguments are in modified UTF-7.
    let isUTF7: Bool

    enum Failure: String, Error {
        case selectors = "Duplicate selectors given"
        case modes = "Multiple modes given"
    }

    init(_ options: ProgramOptions) throws(Failure) {
        let selections: [Character: Selection] = [
            "a": .all, "j": .json, "A": .archive, "D": .data, "M": .meta, "m": .meta, "S": .sieve, "U": .user,
        ]
        let arguments: [Character: Argument] = ["u": .user, "p": .path]
        let selected = options.flags.compactMap { selections[$0.letter] }
        let modes = options.flags.compactMap { arguments[$0.letter] }
        guard selected.count <= 1 else { throw .selectors }
        guard modes.count <= 1 else { throw .modes }
        selection = selected.first ?? .data
        argument = modes.first ?? .mailbox
        isQuiet = options.has("q")
        stopsAtError = options.has("s")
        isUTF7 = options.has("7")
    }

    static let usage = """
        usage: mbpath [-C <alt_config>] [-l] [-m] [-q] [-s] [-u|p] [-a|A|D|M|S|U] <mailbox name>...

        \t-j\tprint all values as a JSON object
        \t-a\tprint all values with prefixes
        \t-l\tlocal only (exit with error for remote/nonexistent)
        \t-m\toutput the path to the metadata files (if different from the message files)
        \t-q\tquietly drop any error messages
        \t-s\tstop on error
        \t-7\tmailbox arguments are in modified UTF7 rather than UTF8
        \t-u\targuments are user, not mailbox
        \t-p\targuments are UNIX path, not mailbox
        \t-A\tpartition archive directory
        \t-D\tpartition data directory (*default*)
        \t-M\tpartition metadata file directory (duplicate of -m)
        \t-S\tsieve directory for the user
        \t-U\tuser files directory (seen, sub, etc)
        """
}
