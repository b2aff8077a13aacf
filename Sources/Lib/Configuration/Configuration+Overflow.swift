extension Configuration {
    /// A setting that has no record (`partition-NAME`, `CHANNEL_sync_host`, `HOST_password`, a third party's),
    /// this process's own `IDENT_name` first. `name` in any case.
    public func overflow(_ name: String) -> String? {
        let lower = name.lowercased()
        return raw("\(ident.lowercased())_\(lower)") ?? raw(lower)
    }

    /// An option of libsasl: `IDENT_sasl_NAME`, then `sasl_NAME`; a plug-in's own `PLUGIN_NAME` forms before both.
    public func sasl(_ name: String, plugin: String? = nil) -> String? {
        if let plugin, let value = overflow("sasl_\(plugin)_\(name)") { return value }
        if let value = overflow("sasl_\(name)") { return value }
        // Two of libsasl's options are Cyrus's as well.
        guard let index = OptionIndex.shared["sasl_\(name.lowercased())"] else { return nil }
        return written[index]
    }

    /// Every setting without a record, in the file's order: (name, value).
    public var allOverflow: [(name: String, value: String)] { overflow.map { ($0.name, $0.value) } }

    private func raw(_ name: String) -> String? {
        overflow.first { $0.name == name && !$0.isDeprecated }?.value
    }

    /// A leading `{configdirectory}`, in any case, becomes the directory.
    static func replacingDirectory(in text: String, by directory: String) -> String {
        let marker = "{configdirectory}"
        guard text.utf8.first == UInt8(ascii: "{"), text.prefix(marker.count).lowercased() == marker else { return text }
        return directory + text.dropFirst(marker.count)
    }

    /// Whether a name without a record is one of the forms that programs look up by, or a service's own setting.
    static func isKnownPattern(_ name: String) -> Bool {
        for prefix in ["partition-", "metapartition-", "archivepartition-", "backuppartition-", "metadir-", "xlist-", "sasl_"]
        where name.hasPrefix(prefix) { return true }
        if name.contains("searchpartition-") || name.contains("_sasl_") || name.contains("_sync_") { return true }
        for suffix in ["_password", "_mechs"] where name.hasSuffix(suffix) && name.count > suffix.count { return true }
        // SERVICE_option: any known option behind some underscore.
        var rest = name[...]
        while let underscore = rest.firstIndex(of: "_") {
            rest = rest[rest.index(after: underscore)...]
            if OptionIndex.shared[String(rest)] != nil || rest.hasPrefix("partition-") { return true }
        }
        return false
    }
}
