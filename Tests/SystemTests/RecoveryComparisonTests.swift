import DebianCyrus
import Foundation
import Testing

/// `ctl_cyrusdb -r` and `-c` beside Debian's, on databases of other engines than configured.
@Suite(.enabled(if: DebianCyrus.isInstalled))
struct RecoveryComparisonTests {
    /// The file, the engine that it is made with, and the one that it is to have.
    static let databases: [(file: String, made: String, configured: String)] = [
        ("mailboxes.db", "skiplist", "twoskip"), ("annotations.db", "skiplist", "twoskip"), ("deliver.db", "twoskip", "skiplist"),
        ("statuscache.db", "skiplist", "twoskip"), ("tls_sessions.db", "twoskip", "twoskip"),
        ("ptclient/ptscache.db", "skiplist", "twoskip"),
    ]

    private static func prepare() throws -> ToolFolders {
        let folders = try ToolFolders(options: ["duplicate_db: skiplist"])
        for side in ToolFolders.Side.allCases {
            _ = try DebianCyrus.run("/bin/mkdir", ["-m", "777", "\(folders.folder(side))/conf/ptclient"])
            for (file, made, _) in databases {
                let fill =
                    file == "mailboxes.db" ? "SET Nx \"\"\n".replacing("\"\"", with: "{14+}\r\n%(T e V 1 M 1)") : DatabaseToolTests.fill
                _ = try folders.run(.debian, "cyr_dbtool", ["-n", "FOLDER/conf/\(file)", made, "batch"], input: fill, on: side)
            }
            _ = try folders.run(
                .debian, "cyr_dbtool", ["-n", "FOLDER/conf/quotas.db", "twoskip", "batch"], input: "SET user.a {10+}\r\n%(S (1 2))\n",
                on: side)
        }
        return folders
    }

    private static func files(_ folders: ToolFolders, _ side: ToolFolders.Side, _ below: String) throws -> [String] {
        let found = try DebianCyrus.run("/usr/bin/find", ["\(folders.folder(side))/\(below)", "-type", "f"])
        return found.split(separator: "\n").map { $0.replacingOccurrences(of: folders.folder(side), with: "") }.sorted()
    }

    @Test
    func `databases are converted as by Debian's`() throws {
        let folders = try Self.prepare()
        defer { folders.remove() }
        // What -x is to leave alone is only opened otherwise.
        for arguments in [["-r", "-x"], ["-r", "-x"]] {
            #expect(try folders.run(.ours, "ctl_cyrusdb", arguments) == folders.run(.debian, "ctl_cyrusdb", arguments))
            for (file, _, configured) in Self.databases {
                let heads = try ToolFolders.Side.allCases.map { side in
                    try Data(contentsOf: URL(fileURLWithPath: "\(folders.folder(side))/conf/\(file)")).prefix(16)
                }
                #expect(heads[0] == heads[1], "\(file)")
                #expect(String(decoding: heads[1], as: UTF8.self).contains(configured))
                #expect(try folders.records(.ours, "conf/\(file)", configured) == folders.records(.debian, "conf/\(file)", configured))
            }
            #expect(try Self.files(folders, .ours, "conf/quota") == Self.files(folders, .debian, "conf/quota"))
        }
    }

    @Test
    func `archives are those of Debian's`() throws {
        let folders = try Self.prepare()
        defer { folders.remove() }
        for side in ToolFolders.Side.allCases { #expect(try folders.run(side, "ctl_cyrusdb", ["-r", "-x"]).status == 0) }
        for round in 1...3 {
            #expect(try folders.run(.ours, "ctl_cyrusdb", ["-c"]) == folders.run(.debian, "ctl_cyrusdb", ["-c"]))
            for number in 1...min(2, round) {
                let below = "conf/db.backup\(number)"
                #expect(try Self.files(folders, .ours, below) == Self.files(folders, .debian, below))
                for name in ["mailboxes.db", "annotations.db"] {
                    #expect(
                        try folders.records(.ours, "\(below)/\(name)", "twoskip") == folders.records(.debian, "\(below)/\(name)", "twoskip")
                    )
                }
            }
        }
    }

    @Test
    func `a flat file becomes what is configured, and what is no database is left`() throws {
        let folders = try ToolFolders()
        defer { folders.remove() }
        _ = try folders.run(.ours, "cyr_dbtool", ["-n", "FOLDER/conf/deliver.db", "flat", "batch"], input: DatabaseToolTests.fill)
        let before = try folders.records(.ours, "conf/deliver.db", "flat").split(separator: "\n").sorted()
        #expect(try folders.run(.ours, "ctl_cyrusdb", ["-r"]).status == 0)
        #expect(try folders.records(.ours, "conf/deliver.db", "twoskip").split(separator: "\n").sorted() == before)
        try folders.write("conf/tls_sessions.db", "no database, and no line with a TAB\n")
        #expect(try folders.run(.ours, "ctl_cyrusdb", ["-r"]).status == 75)
        let left = try String(contentsOfFile: "\(folders.folder(.ours))/conf/tls_sessions.db", encoding: .utf8)
        #expect(left == "no database, and no line with a TAB\n")
    }
}
