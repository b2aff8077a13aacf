/// What is known of one imapd.conf option: the parser, `cyr_info` and the manual all come from these records.
///
/// To add an option: a case in the enum of its type (`SwitchOption` …) and one record naming that case.
/// A test sees that every case has exactly one record of the same name.
public struct OptionRecord: Sendable {
    /// The name as it stands in imapd.conf.
    public let name: String
    /// Type, default and, unless the option is deprecated, the case it is read by.
    public let kind: Kind
    /// The version that introduced the option or last changed what it does (`cyr_info -s`).
    public let since: String
    /// The name that took over from a deprecated one.
    public let replacement: String?
    /// Whether the option is accepted with a warning only.
    public let isDeprecated: Bool
    /// One line for people.
    public let help: String

    /// `since` of what a distribution ported back (Debian's `maxliteral`), as `cyr_info -s` shows it.
    public static let unreleased = "255.255.255"

    public enum Kind: Sendable {
        case `switch`(SwitchOption?, Bool)
        case int(IntOption?, Int)
        /// The unit is that of a number without one.
        case duration(DurationOption?, Duration, String)
        case optionalDuration(OptionalDurationOption?, Duration)
        /// A leading `{configdirectory}` is replaced.
        case string(StringOption?, String)
        case optionalString(OptionalStringOption?)
        /// One of the words, in their own case.
        case choice(ChoiceOption?, String, [String])
        /// One of the words; 1/yes/t/true are `on`, 0/no/f/false are `off`.
        case enumeration(ChoiceOption?, String, [String])
        /// Words separated by white space; nil is all of them. `a=b` makes b another name of a.
        case set(SetOption?, [String]?, [String])
    }

    /// The unit of a duration's last number when it has none, in seconds.
    public enum Duration: Int, Sendable {
        case seconds = 1
        case minutes = 60
        case hours = 3600
        case days = 86400
    }

    init(
        _ name: String, _ kind: Kind, since: String, replacedBy replacement: String? = nil, isIgnored: Bool = false, _ help: String = ""
    ) {
        self.name = name
        self.kind = kind
        self.since = since
        self.replacement = replacement
        self.isDeprecated = replacement != nil || isIgnored
        self.help = help
    }

    /// Every option: Cyrus's in its own order, then ours.
    public static let all: [OptionRecord] = {
        var all: [OptionRecord] = []
        all.reserveCapacity(560)
        all += a
        all += bToC
        all += dToG
        all += hToK
        all += lToM
        all += nToP
        all += qToR
        all += s
        all += tToZ
        all += ours
        return all
    }()

    /// The default as it would be written in imapd.conf, or nil when there is none.
    public var defaultText: String? {
        switch kind {
        case .switch(_, let value): value ? "yes" : "no"
        case .int(_, let value): String(value)
        case .duration(_, _, let text), .string(_, let text): text
        case .optionalDuration, .optionalString: nil
        case .choice(_, let word, _), .enumeration(_, let word, _): word
        // All of them are listed under all their names, as Cyrus does.
        case .set(_, nil, let words): words.flatMap { $0.split(separator: "=") }.joined(separator: " ")
        case .set(_, let some?, _): some.joined(separator: " ")
        }
    }
}
