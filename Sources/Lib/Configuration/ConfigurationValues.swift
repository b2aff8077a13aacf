import Bytes

/// The values of a configuration while it is read: defaults first, then the file's settings.
struct ConfigurationValues {
    var switches = Array(repeating: false, count: SwitchOption.allCases.count)
    var ints = Array(repeating: 0, count: IntOption.allCases.count)
    var durations = Array(repeating: 0, count: DurationOption.allCases.count)
    var optionalDurations = [Int?](repeating: nil, count: OptionalDurationOption.allCases.count)
    var strings = Array(repeating: "", count: StringOption.allCases.count)
    var optionalStrings = [String?](repeating: nil, count: OptionalStringOption.allCases.count)
    var choices = Array(repeating: "", count: ChoiceOption.allCases.count)
    var sets = [[String]](repeating: [], count: SetOption.allCases.count)
    var written: [Int: String] = [:]
    var overflow: [Configuration.Overflow] = []
    var warnings: [ConfigurationWarning] = []

    init() {
        for record in OptionRecord.all {
            switch record.kind {
            case .switch(let key?, let value): switches[key.rawValue] = value
            case .int(let key?, let value): ints[key.rawValue] = value
            case .duration(let key?, let unit, let text): durations[key.rawValue] = ValueSyntax.parseDuration(text, unit: unit) ?? 0
            case .string(let key?, let text): strings[key.rawValue] = text
            case .choice(let key?, let word, _), .enumeration(let key?, let word, _): choices[key.rawValue] = word
            case .set(let key?, let some, let words): sets[key.rawValue] = some ?? words.map(ValueSyntax.firstName)
            default: break
            }
        }
    }

    /// Takes the file's settings; this process's own (`IDENT_option`) win over general ones, and new names over old ones.
    mutating func read(_ settings: [ConfigurationParser.Setting], ident: String) throws(ConfigurationError) {
        let prefix = ident.lowercased() + "_"
        var own: [(Int, ConfigurationParser.Setting)] = []
        var old: [(Int, ConfigurationParser.Setting)] = []
        for setting in settings {
            if let index = OptionIndex.shared[setting.name] {
                if OptionRecord.all[index].isDeprecated { old.append((index, setting)) } else { try assign(index, setting) }
            } else if !ident.isEmpty, setting.name.hasPrefix(prefix),
                let index = OptionIndex.shared[String(setting.name.dropFirst(prefix.count))]
            {
                own.append((index, setting))
            } else {
                overflow.append(.init(name: setting.name, value: setting.value, isDeprecated: false, place: setting.place))
                if !Configuration.isKnownPattern(setting.name) {
                    let nearest = nearestName(to: setting.name, among: OptionRecord.all.lazy.filter { !$0.isDeprecated }.map(\.name))
                    warnings.append(.unknown(name: setting.name, nearest: nearest, setting.place))
                }
            }
        }
        for (index, setting) in own {
            if OptionRecord.all[index].isDeprecated { old.append((index, setting)) } else { try assign(index, setting) }
        }
        for (index, setting) in old { try assignDeprecated(index, setting) }
        try finish()
    }

    /// The old name's value goes to the new name unless that was set too.
    private mutating func assignDeprecated(_ index: Int, _ setting: ConfigurationParser.Setting) throws(ConfigurationError) {
        let record = OptionRecord.all[index]
        warnings.append(.deprecated(name: record.name, replacement: record.replacement, setting.place))
        overflow.append(.init(name: setting.name, value: setting.value, isDeprecated: true, place: setting.place))
        switch record.kind {
        // Cyrus moves texts to the new name and copies the rest, which cyr_info shows.
        case .string, .optionalString, .duration, .optionalDuration: break
        default: try assign(index, setting)
        }
        guard let replacement = record.replacement, let target = OptionIndex.shared[replacement], written[target] == nil else { return }
        try assign(target, setting)
    }

    private mutating func assign(_ index: Int, _ setting: ConfigurationParser.Setting) throws(ConfigurationError) {
        let record = OptionRecord.all[index]
        let (value, name, place) = (setting.value, setting.name, setting.place)
        var printed = value
        switch record.kind {
        case .switch(let key, _):
            guard let parsed = ValueSyntax.parseSwitch(value) else { throw .notSwitch(name: name, place) }
            if let key { switches[key.rawValue] = parsed }
            printed = parsed ? "yes" : "no"
        case .int(let key, _):
            guard let parsed = ValueSyntax.parseInteger(value) else { throw .notInteger(name: name, place) }
            if let key { ints[key.rawValue] = parsed }
            printed = String(parsed)
        case .duration(let key, let unit, _):
            guard let parsed = ValueSyntax.parseDuration(value, unit: unit) else { throw .notDuration(value: value, name: name, place) }
            if let key { durations[key.rawValue] = parsed }
        case .optionalDuration(let key, let unit):
            guard let parsed = ValueSyntax.parseDuration(value, unit: unit) else { throw .notDuration(value: value, name: name, place) }
            if let key { optionalDurations[key.rawValue] = parsed }
        case .string(let key, _):
            if let key { strings[key.rawValue] = value }
        case .optionalString(let key):
            if let key { optionalStrings[key.rawValue] = value }
        case .choice(let key, _, let words), .enumeration(let key, _, let words):
            var isEnumeration = false
            if case .enumeration = record.kind { isEnumeration = true }
            guard let word = ValueSyntax.parseWord(value, words, isEnumeration: isEnumeration) else {
                throw .invalidValue(value: value, name: name, place)
            }
            if let key { choices[key.rawValue] = word }
            printed = word
        case .set(let key, _, let words):
            switch ValueSyntax.parseSet(value, words) {
            case .invalid(let word): throw .invalidValue(value: word, name: name, place)
            case .words(let chosen):
                if let key { sets[key.rawValue] = chosen }
                printed = chosen.joined(separator: " ")
            }
        }
        written[index] = printed
    }

    /// What can be seen only when the whole file is read.
    private mutating func finish() throws(ConfigurationError) {
        guard let directory = optionalStrings[OptionalStringOption.configdirectory.rawValue] else {
            throw .missing(name: "configdirectory")
        }
        for index in strings.indices { strings[index] = Configuration.replacingDirectory(in: strings[index], by: directory) }
        for index in optionalStrings.indices {
            optionalStrings[index] = optionalStrings[index].map { Configuration.replacingDirectory(in: $0, by: directory) }
        }
        let partition = OptionalStringOption.defaultpartition.rawValue
        if let name = optionalStrings[partition] {
            guard name.utf8.allSatisfy(\.isASCIIAlphanumeric) else { throw .partitionNotAlphanumeric }
            let lower = name.lowercased()
            optionalStrings[partition] = lower
            if let index = OptionIndex.shared["defaultpartition"] { written[index] = lower }
        }
        try Configuration.checkPartitions(overflow)
    }
}
