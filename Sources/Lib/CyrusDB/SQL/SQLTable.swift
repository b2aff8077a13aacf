import Bytes
import Posix

/// Where the records of one database file are kept in the SQL database.
///
/// A database of the whole server has a table of its own, named as Cyrus names it: the file's base name with the last `.` made a `_`,
/// columns `dbkey` and `data`. Those of users and mailboxes, of which there are many with the same base name, share the table
/// `cyrusdb_files`, which has one column more: the file.
struct SQLTable {
    let name: String
    /// In the shared table, the value of `dbfile`; nil in a table of its own.
    let file: [UInt8]?
    /// What names this database and no other on the server, as a number: of its lock.
    let number: Int64

    static let shared = "cyrusdb_files"

    /// Files of users lie in `user` and `domain` of `configDirectory`; those of mailboxes are called `cyrus.…`.
    init(path: String, configDirectory: String) {
        let base = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path[path.utf8.index(after: $0)...] } ?? path[...]
        let isOfUser =
            !configDirectory.isEmpty
            && (path.utf8.starts(with: "\(configDirectory)/user/".utf8) || path.utf8.starts(with: "\(configDirectory)/domain/".utf8))
        if isOfUser || base.utf8.starts(with: "cyrus.".utf8) {
            name = Self.shared
            let root = configDirectory + "/"
            let isBelow = !configDirectory.isEmpty && path.utf8.starts(with: root.utf8)
            file = Array(path.utf8.dropFirst(isBelow ? root.utf8.count : 0))
        } else {
            var bytes = Array(base.utf8)
            if let dot = bytes.lastIndex(of: UInt8(ascii: ".")) { bytes[dot] = UInt8(ascii: "_") }
            // Cyrus writes the name without quotes: case does not count.
            name = String(decoding: bytes.map { $0.isASCIIUppercase ? $0 | 0x20 : $0 }, as: UTF8.self)
            file = nil
        }
        // FNV-1a; positive, and not 0, which is the lock for making tables.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in Array(name.utf8) + [0] + (file ?? []) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        number = Int64(hash >> 2) | 1
    }

    /// As an SQL identifier.
    var quoted: String { Self.quote(name) }
    var quotedIndex: String { Self.quote(name + "_dbkey") }

    private static func quote(_ name: String) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        for byte in name.utf8 {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension UInt8 {
    fileprivate var isASCIIUppercase: Bool { self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") }
}
