/// A line of a file, for messages.
public struct Place: Sendable, Hashable, CustomStringConvertible {
    public var file: String
    /// Counted from 1 over the file's own lines (a continued line is where it begins).
    public var line: Int

    public init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    public var description: String { "\(file), line \(line)" }
}

/// Why a configuration cannot be used: the program prints it and exits 78 (EX_CONFIG).
///
/// The texts begin as Cyrus's where Cyrus refuses too, so that what watches for them goes on working;
/// the file is named where Cyrus leaves it out.
public enum ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    case cannotOpen(path: String, reason: String)
    case invalidName(Place)
    case emptyValue(Place)
    case invalidDirective(Place)
    case includedTwice(path: String, Place)
    case duplicate(name: String, Place)
    case notSwitch(name: String, Place)
    case notInteger(name: String, Place)
    case notDuration(value: String, name: String, Place)
    case invalidValue(value: String, name: String, Place)
    case missing(name: String)
    case partitionNotAlphanumeric
    case partitionsOverlap(String, String, path: String)
    // cyrus.conf
    case badCharacter(Character, inArgument: Bool, Place)
    case missingQuote(Place)
    case tooManyArguments(Place)
    case missingCommand(name: String, Place)
    case missingCommandOrPort(name: String, Place)
    case missingEventCommand(name: String, Place)
    case duplicateService(name: String, Place)
    case missingExecutable(name: String, Place)

    /// EX_CONFIG.
    public static let exitCode: Int32 = 78

    public var description: String {
        switch self {
        case .cannotOpen(let path, let reason): "can't open configuration file \(path): \(reason)"
        case .invalidName(let at): "invalid option name on line \(at.line) of configuration file \(at.file)"
        case .emptyValue(let at): "empty option value on line \(at.line) of configuration file \(at.file)"
        case .invalidDirective(let at): "invalid directive on line \(at.line) of configuration file \(at.file)"
        case .includedTwice(let path, let at): "configuration file \(path) included twice (line \(at.line) of \(at.file))"
        case .duplicate(let name, let at):
            "option '\(name)' was specified twice in config file (second occurrence on line \(at.line) of \(at.file))"
        case .notSwitch(let name, let at): "non-switch value for \(name) in line \(at.line) of \(at.file)"
        case .notInteger(let name, let at): "non-integer value for \(name) in line \(at.line) of \(at.file)"
        case .notDuration(let value, let name, let at): "unparsable duration '\(value)' for \(name) in line \(at.line) of \(at.file)"
        case .invalidValue(let value, let name, let at): "invalid value '\(value)' for \(name) in line \(at.line) of \(at.file)"
        case .missing(let name): "\(name) option not specified in configuration file"
        case .partitionNotAlphanumeric: "defaultpartition option contains non-alnum character"
        case .partitionsOverlap(let one, let other, let path):
            "\(one) and \(other) overlap at \(path): two partitions must not share a directory"
        case .badCharacter(let character, let inArgument, let at):
            "configuration file \(at.file): bad character '\(character)' in \(inArgument ? "argument" : "name") on line \(at.line)"
        case .missingQuote(let at): "configuration file \(at.file): missing \" on line \(at.line)"
        case .tooManyArguments(let at): "configuration file \(at.file): too many arguments on line \(at.line)"
        case .missingCommand(let name, let at): "unable to find command for \(name) (line \(at.line) of \(at.file))"
        case .missingCommandOrPort(let name, let at):
            "unable to find command or port for service '\(name)' (line \(at.line) of \(at.file))"
        case .missingExecutable(let name, let at): "cannot find executable for service '\(name)' (line \(at.line) of \(at.file))"
        case .missingEventCommand(let name, let at): "unable to find command or port for event '\(name)' (line \(at.line) of \(at.file))"
        case .duplicateService(let name, let at): "multiple entries for service '\(name)' (line \(at.line) of \(at.file))"
        }
    }
}

/// What the caller logs and goes on after.
public enum ConfigurationWarning: Sendable, Equatable, CustomStringConvertible {
    case unknown(name: String, nearest: String?, Place)
    case deprecated(name: String, replacement: String?, Place)
    // cyrus.conf
    case unknownSection(name: String, nearest: String?, Place)
    case unknownAttribute(name: String, nearest: String?, entry: String, Place)
    case unreadableAttribute(name: String, value: String, entry: String, Place)
    case malformed(text: String, Place)

    public var description: String {
        switch self {
        case .unknown(let name, let nearest, let at): "\(at): unknown option \(name)\(Self.hint(nearest)), ignored"
        case .deprecated(let name, let replacement?, let at): "\(at): option \(name) is deprecated, use \(replacement)"
        case .deprecated(let name, nil, let at): "\(at): option \(name) is deprecated and has no effect"
        case .unknownSection(let name, let nearest, let at): "\(at): unknown section \(name)\(Self.hint(nearest)), skipped"
        case .unknownAttribute(let name, let nearest, let entry, let at):
            "\(at): unknown attribute \(name)\(Self.hint(nearest)) of \(entry), ignored"
        case .unreadableAttribute(let name, let value, let entry, let at):
            "\(at): \(name)=\"\(value)\" of \(entry) is not understood, the default is used"
        case .malformed(let text, let at): "\(at): \(text)"
        }
    }

    private static func hint(_ nearest: String?) -> String {
        nearest.map { " (did you mean \($0)?)" } ?? ""
    }
}
