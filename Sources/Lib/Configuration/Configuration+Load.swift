import Posix

extension Configuration {
    /// Debian's path of imapd.conf.
    public static let defaultPath = "/etc/imapd.conf"
    /// Debian's path of cyrus.conf.
    public static let defaultMasterPath = "/etc/cyrus.conf"

    /// Reads imapd.conf from disk, for the process called `ident`.
    ///
    /// `path` nil is `/etc/imapd.conf`. With $CYRUS_PREFIX set, the file below that directory is tried first.
    public static func load(path: String? = nil, ident: String) throws(ConfigurationError) -> Configuration {
        try parse(path: path ?? defaultPath, ident: ident, load: readFile)
    }

    /// The bytes of a configuration file, or what keeps it from being read in Cyrus's words.
    public static func readFile(_ path: String) throws(ConfigurationError) -> [UInt8] {
        if let prefix = Process.environment("CYRUS_PREFIX"), let bytes = try? contents(prefix + path) { return bytes }
        do throws(PosixError) {
            return try contents(path)
        } catch {
            throw .cannotOpen(path: path, reason: error.errno.description)
        }
    }

    private static func contents(_ path: String) throws(PosixError) -> [UInt8] {
        let file = try File(path, .read)
        return try file.readAll()
    }

    /// `servername`, or the machine's name.
    public var serverName: String { self[.servername] ?? Process.hostName }

    /// `umask`, an octal number; 077 when it is none.
    public var umask: UInt32 { UInt32(self[.umask], radix: 8) ?? 0o077 }
}
