import Bytes

/// imapd.conf's `sql_*` options.
public struct SQLOptions: Sendable {
    /// `sql_engine`: `sqlite` or `pgsql`. Empty is `pgsql`, as in Debian's Cyrus.
    public var engine = ""
    /// `sql_hostnames`: `host[:port]`, separated by blanks or commas, tried in this order. A host that begins with `/` is the directory
    /// of a Unix socket. SQLite needs none.
    public var hostnames = ""
    /// `sql_user`; nil is libpq's own choice: the name of the process's user.
    public var user: String?
    /// `sql_passwd`. Never in a log or an error.
    public var password: String?
    /// `sql_database`: PostgreSQL's name of it; SQLite's file.
    public var database: String?
    /// `sql_usessl`: the server must speak TLS.
    public var usesTLS = false

    /// Seconds that a lock, or a busy SQLite, is waited for before that is an error.
    public var lockSeconds = 60
    /// Seconds that a server may leave a statement without an answer before the connection is given up. More than `lockSeconds`.
    public var answerSeconds = 90
    /// Seconds for connecting to one host.
    public var connectSeconds = 10

    public init() {}

    /// A server that `sql_hostnames` names; an empty name is libpq's default.
    struct Host: Equatable {
        var name: String
        var port: String
    }

    var hosts: [Host] {
        let words = hostnames.utf8.split { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: ",") }
        if words.isEmpty { return [Host(name: "", port: "")] }
        return words.map { Self.host(Array($0)) }
    }

    /// `host`, `host:port`, `[v6]:port`; more than one colon without brackets is an IPv6 address alone.
    private static func host(_ word: [UInt8]) -> Host {
        let text = { (bytes: ArraySlice<UInt8>) in String(decoding: bytes, as: UTF8.self) }
        if word.first == UInt8(ascii: "["), let close = word.firstIndex(of: UInt8(ascii: "]")) {
            let rest = word[(close + 1)...]
            return Host(name: text(word[1..<close]), port: rest.first == UInt8(ascii: ":") ? text(rest.dropFirst()) : "")
        }
        guard let colon = word.firstIndex(of: UInt8(ascii: ":")), word.lastIndex(of: UInt8(ascii: ":")) == colon else {
            return Host(name: text(word[...]), port: "")
        }
        return Host(name: text(word[..<colon]), port: text(word[(colon + 1)...]))
    }
}
