import Configuration

/// Reads a text as imapd.conf, other files from a table.
func configuration(
    _ text: String, ident: String = "test", files: [String: String] = [:], directory: String? = "/var/lib/cyrus"
) throws(ConfigurationError) -> Configuration {
    let whole = directory.map { text + "\nconfigdirectory: \($0)\n" } ?? text
    return try Configuration.parse(path: "imapd.conf", ident: ident) { (path) throws(ConfigurationError) in
        if path == "imapd.conf" { return Array(whole.utf8) }
        guard let file = files[path] else { throw .cannotOpen(path: path, reason: "No such file or directory") }
        return Array(file.utf8)
    }
}

func masterConfiguration(_ text: String, isReload: Bool = false) throws(ConfigurationError) -> MasterConfiguration {
    try MasterConfiguration.parse(Array(text.utf8), file: "cyrus.conf", isReload: isReload)
}
