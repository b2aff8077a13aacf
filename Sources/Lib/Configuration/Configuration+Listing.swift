extension Configuration {
    /// One line of `cyr_info`: a known option or a setting without a record.
    public struct Listed: Sendable, Equatable {
        public var name: String
        public var value: String
        /// The version that introduced or last changed a known option.
        public var since: String?
        /// Cyrus prints each word of a set after a space, so that an empty one has none.
        var isSet = false

        /// `name: value`
        public var line: String { isSet && value.isEmpty ? "\(name):" : "\(name): \(value)" }

        init(name: String, value: String, since: String?, isSet: Bool = false) {
            self.name = name
            self.value = value
            self.since = since
            self.isSet = isSet
        }

        init(_ record: OptionRecord, _ value: String) {
            self.init(name: record.name, value: value, since: record.since)
            if case .set = record.kind { isSet = true }
        }
    }

    /// What `cyr_info conf` lists: known options whose value is not the default, in the records' order, then the rest of the file.
    public var nonDefaults: [Listed] {
        var listed: [Listed] = []
        for (index, record) in OptionRecord.all.enumerated() {
            guard let text = written[index], text != record.defaultText else { continue }
            listed.append(Listed(record, expanded(record, text)))
        }
        return listed + rest
    }

    /// What `cyr_info conf-all` lists: every known option, then the rest of the file.
    public var everything: [Listed] {
        var listed: [Listed] = []
        for (index, record) in OptionRecord.all.enumerated() {
            var text = written[index] ?? record.defaultText
            // Cyrus prints an unset length of time as C does.
            if text == nil, case .optionalDuration = record.kind { text = "(null)" }
            listed.append(Listed(record, expanded(record, text ?? "")))
        }
        return listed + rest
    }

    /// What `cyr_info conf-default` lists.
    public static var defaults: [Listed] {
        OptionRecord.all.map { Listed($0, $0.defaultText ?? "") }
    }

    /// What `cyr_info conf-lint` lists: settings that nothing is known to read, given the names of the services in cyrus.conf.
    public func unknownSettings(services: [String]) -> [Listed] {
        let prefixes = [
            "partition-", "metapartition-", "archivepartition-", "backuppartition-", "xlist-", "sasl_",
        ]
        return overflow.filter { setting in
            if setting.isDeprecated { return true }
            let name = setting.name
            if prefixes.contains(where: { name.hasPrefix($0) }) { return false }
            if let tier = name.firstRange(of: "searchpartition-"), !name[..<tier.lowerBound].contains("_") { return false }
            return !services.contains { service in
                let prefix = service.lowercased() + "_"
                return name.hasPrefix(prefix) && OptionIndex.shared[String(name.dropFirst(prefix.count))] != nil
            }
        }.map { Listed(name: $0.name, value: $0.value, since: nil) }
    }

    private var rest: [Listed] { overflow.map { Listed(name: $0.name, value: $0.value, since: nil) } }

    private func expanded(_ record: OptionRecord, _ text: String) -> String {
        switch record.kind {
        case .string, .optionalString: Self.replacingDirectory(in: text, by: directory)
        default: text
        }
    }
}
