import Bytes

/// cyrus.conf's lines to entries. No I/O.
struct MasterConfigurationParser {
    private enum Section: String, CaseIterable { case START, SERVICES, EVENTS, DAEMON }

    /// One `key=value`.
    private typealias Argument = (key: String, value: String)

    private let file: String
    private let isReload: Bool
    private var result = MasterConfiguration()
    private var names: Set<String> = []
    private static let argumentLimit = 64

    init(file: String, isReload: Bool) {
        self.file = file
        self.isReload = isReload
    }

    mutating func parse(_ bytes: [UInt8]) throws(ConfigurationError) -> MasterConfiguration {
        var lines = LineReader(bytes: bytes, joinsContinued: false)
        var section: Section?
        // Braces open in a section that is skipped.
        var skipped = 0
        while let (raw, number) = lines.next() {
            let place = Place(file: file, line: number)
            // A comment begins at any #, even inside quotes.
            let line = trimmed(raw.prefix { $0 != UInt8(ascii: "#") })
            guard let first = line.first else { continue }
            if let current = section {
                if first == UInt8(ascii: "}") { section = nil } else { try entry(line, in: current, at: place) }
            } else if skipped > 0 {
                skipped = max(0, skipped + braces(line))
            } else if let found = open(line, at: place) {
                section = found
            } else {
                skipped = max(0, braces(line))
            }
        }
        if let section { result.warnings.append(.malformed(text: "section \(section.rawValue) is not closed", Place(file: file, line: 1))) }
        return result
    }

    private func braces(_ line: ArraySlice<UInt8>) -> Int {
        line.reduce(0) { $0 + ($1 == UInt8(ascii: "{") ? 1 : $1 == UInt8(ascii: "}") ? -1 : 0) }
    }

    /// `NAME {`, where a known name is followed by something else than a letter or digit.
    private mutating func open(_ line: ArraySlice<UInt8>, at place: Place) -> Section? {
        let name = String(decoding: line.prefix(while: \.isASCIIAlphanumeric), as: UTF8.self)
        guard let section = Section(rawValue: name.uppercased()) else {
            if !name.isEmpty {
                let nearest = nearestName(to: name.uppercased(), among: Section.allCases.map(\.rawValue))
                result.warnings.append(.unknownSection(name: name, nearest: nearest, place))
            }
            return nil
        }
        let rest = line.dropFirst(name.utf8.count)
        guard let brace = rest.firstIndex(of: UInt8(ascii: "{")), brace > rest.startIndex else {
            let text = rest.isEmpty ? "\(name) has no { on its line" : "\(name) needs white space before its {"
            result.warnings.append(.malformed(text: "\(text), skipped", place))
            return nil
        }
        if brace + 1 < rest.endIndex { result.warnings.append(.malformed(text: "text after { of \(name) is ignored", place)) }
        return section
    }

    // MARK: entries

    private mutating func entry(_ line: ArraySlice<UInt8>, in section: Section, at place: Place) throws(ConfigurationError) {
        let nameBytes = line.prefix(while: \.isASCIIAlphanumeric)
        let name = String(decoding: nameBytes, as: UTF8.self)
        var rest = line[nameBytes.endIndex...]
        if let next = rest.first, !next.isASCIISpace, !nameBytes.isEmpty {
            throw .badCharacter(Character(Unicode.Scalar(next)), inArgument: false, place)
        }
        if nameBytes.isEmpty, line.first != UInt8(ascii: "{") {
            throw .badCharacter(line.first.map { Character(Unicode.Scalar($0)) } ?? " ", inArgument: false, place)
        }
        if nameBytes.isEmpty { throw .missingCommand(name: "", place) }
        var arguments: [Argument] = []
        while let argument = try nextArgument(&rest, place) {
            arguments.append(argument)
            if arguments.count > Self.argumentLimit { throw .tooManyArguments(place) }
        }
        var reader = EntryReader(name: name, place: place, arguments: arguments)
        switch section {
        case .START:
            guard let command = reader.command() else { throw .missingCommand(name: name, place) }
            result.starts.append(StartEntry(name: name, command: command, place: place))
        case .SERVICES: try service(&reader)
        case .EVENTS: try event(&reader)
        case .DAEMON: try daemon(&reader)
        }
        reader.reportUnknown()
        result.warnings += reader.warnings
    }

    private func nextArgument(_ rest: inout ArraySlice<UInt8>, _ place: Place) throws(ConfigurationError) -> Argument? {
        rest = rest.drop(while: \.isASCIISpace)
        guard !rest.isEmpty else { return nil }
        let key = rest.prefix(while: \.isASCIIAlphanumeric)
        rest = rest[key.endIndex...]
        guard rest.first == UInt8(ascii: "="), !key.isEmpty else {
            throw .badCharacter(rest.first.map { Character(Unicode.Scalar($0)) } ?? "\n", inArgument: true, place)
        }
        rest = rest.dropFirst()
        let value: ArraySlice<UInt8>
        if rest.first == UInt8(ascii: "\"") {
            rest = rest.dropFirst()
            guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { throw .missingQuote(place) }
            value = rest[..<end]
            rest = rest[(end + 1)...]
        } else {
            value = rest.prefix { !$0.isASCIISpace }
            rest = rest[value.endIndex...]
        }
        return (String(decoding: key, as: UTF8.self), String(decoding: value, as: UTF8.self))
    }

    private mutating func service(_ reader: inout EntryReader) throws(ConfigurationError) {
        guard let command = reader.command(), let listen = reader.text("listen"), !listen.isEmpty else {
            throw .missingCommandOrPort(name: reader.name, reader.place)
        }
        let babysit = reader.flag("babysit")
        let proto = reader.text("proto") ?? "tcp"
        let prefork = max(reader.number("prefork", 0), 0)
        let entry = ServiceEntry(
            name: reader.name, command: command, listen: listen, proto: proto, prefork: babysit ? max(prefork, 1) : prefork,
            maxChildren: max(reader.number("maxchild", -1), -1), maxForkRate: max(reader.number("maxforkrate", babysit ? 10 : 0), 0),
            maxDescriptors: max(reader.number("maxfds", 0), 0), babysit: babysit, place: reader.place)
        if entry.transport == nil {
            let nearest = nearestName(to: proto, among: ServiceEntry.Transport.allCases.map(\.rawValue))
            let hint = nearest.map { " (did you mean \($0)?)" } ?? ""
            reader.warnings.append(.malformed(text: "unknown proto \(proto)\(hint) of \(reader.name)", reader.place))
        }
        if try isFirst(reader) { result.services.append(entry) }
    }

    private mutating func daemon(_ reader: inout EntryReader) throws(ConfigurationError) {
        guard let command = reader.command() else { throw .missingCommandOrPort(name: reader.name, reader.place) }
        let rate = reader.number("maxforkrate", 0)
        let entry = DaemonEntry(
            name: reader.name, command: command, wait: reader.flag("wait"), maxForkRate: rate > 0 ? rate : 10,
            maxDescriptors: max(reader.number("maxfds", 0), 0), place: reader.place)
        if try isFirst(reader) { result.daemons.append(entry) }
    }

    /// Services and daemons share their names. A second entry is an error at start; a running master ignores it.
    private mutating func isFirst(_ reader: EntryReader) throws(ConfigurationError) -> Bool {
        if names.insert(reader.name).inserted { return true }
        guard isReload else { throw .duplicateService(name: reader.name, reader.place) }
        result.warnings.append(.malformed(text: "multiple entries for service '\(reader.name)' -- ignored", reader.place))
        return false
    }

    private mutating func event(_ reader: inout EntryReader) throws(ConfigurationError) {
        guard let command = reader.command() else { throw .missingEventCommand(name: reader.name, reader.place) }
        let period = reader.number("period", 0)
        var schedule = period > 0 ? EventEntry.Schedule.every(minutes: period) : .once
        if let text = reader.text("at") {
            // As Cyrus reads it: leading digits, hours times a hundred plus minutes.
            let digits = text.prefix(while: \.isASCII).prefix(while: \.isNumber)
            if let value = Int(digits), value / 100 < 24, value % 100 < 60 {
                schedule = .daily(hour: value / 100, minute: value % 100)
            } else {
                reader.warnings.append(.unreadableAttribute(name: "at", value: text, entry: reader.name, reader.place))
            }
        }
        if let text = reader.text("cron") {
            if let cron = CronSchedule(text) {
                schedule = .cron(cron)
            } else {
                reader.warnings.append(.unreadableAttribute(name: "cron", value: text, entry: reader.name, reader.place))
            }
        }
        result.events.append(EventEntry(name: reader.name, command: command, schedule: schedule, place: reader.place))
    }
}

extension MasterConfiguration {
    /// Reads cyrus.conf's bytes. At a reload a duplicate service is a warning, as Cyrus has it.
    public static func parse(_ bytes: [UInt8], file: String, isReload: Bool = false) throws(ConfigurationError) -> MasterConfiguration {
        var parser = MasterConfigurationParser(file: file, isReload: isReload)
        return try parser.parse(bytes)
    }

    /// Reads cyrus.conf from disk (below $CYRUS_PREFIX first, when that is set).
    public static func load(path: String? = nil, isReload: Bool = false) throws(ConfigurationError) -> MasterConfiguration {
        let path = path ?? Configuration.defaultMasterPath
        return try parse(Configuration.readFile(path), file: path, isReload: isReload)
    }
}
