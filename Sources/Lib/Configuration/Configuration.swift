/// imapd.conf as one program reads it: every option typed, looked up without searching.
///
/// `configuration[.conversations]` is a Bool, `[.timeout]` seconds, `[.admins]` a String, `[.tls_server_cert]` a String or nil.
/// Immutable; one is loaded at start and passed down.
public final class Configuration: Sendable {
    /// The process's own name, whose `IDENT_option` lines win: the service's NAME in cyrus.conf, or a tool's.
    public let ident: String
    /// The file that was read.
    public let path: String
    /// What is to be logged: unknown and deprecated options.
    public let warnings: [ConfigurationWarning]

    /// In the order of the options' cases.
    let switches: [Bool]
    let ints: [Int]
    let durations: [Int]
    let optionalDurations: [Int?]
    let strings: [String]
    let optionalStrings: [String?]
    let choices: [String]
    let sets: [[String]]
    /// Printed values of the options that the file set, by place in `OptionRecord.all`.
    let written: [Int: String]
    /// What the file holds beside known options, in its order: partitions, SASL's, other services', unknown ones.
    let overflow: [Overflow]

    struct Overflow: Sendable, Equatable {
        var name: String
        var value: String
        /// The line was understood as an old name of a known option.
        var isDeprecated: Bool
        var place: Place
    }

    init(ident: String, path: String, reading values: ConfigurationValues) {
        self.ident = ident
        self.path = path
        warnings = values.warnings
        switches = values.switches
        ints = values.ints
        durations = values.durations
        optionalDurations = values.optionalDurations
        strings = values.strings
        optionalStrings = values.optionalStrings
        choices = values.choices
        sets = values.sets
        written = values.written
        overflow = values.overflow
    }

    /// Reads `path` (and what it includes) through `load`.
    public static func parse(
        path: String, ident: String, load: @escaping (_ path: String) throws(ConfigurationError) -> [UInt8]
    ) throws(ConfigurationError) -> Configuration {
        var parser = ConfigurationParser(load: load)
        try parser.parse(path: path)
        var values = ConfigurationValues()
        try values.read(parser.settings, ident: ident)
        return Configuration(ident: ident, path: path, reading: values)
    }

    public subscript(_ option: SwitchOption) -> Bool { switches[option.rawValue] }
    public subscript(_ option: IntOption) -> Int { ints[option.rawValue] }
    /// Seconds; negative where the option allows it.
    public subscript(_ option: DurationOption) -> Int { durations[option.rawValue] }
    /// Seconds, or nil when unset.
    public subscript(_ option: OptionalDurationOption) -> Int? { optionalDurations[option.rawValue] }
    public subscript(_ option: StringOption) -> String { strings[option.rawValue] }
    public subscript(_ option: OptionalStringOption) -> String? { optionalStrings[option.rawValue] }
    /// The word chosen; empty where nothing is chosen by default (`sql_engine`).
    public subscript(_ option: ChoiceOption) -> String { choices[option.rawValue] }
    /// The words chosen, by their first names, in the record's order.
    public subscript(_ option: SetOption) -> [String] { sets[option.rawValue] }

    /// `configdirectory`, which the parser saw to be set.
    public var directory: String { self[.configdirectory] ?? "/" }
}
