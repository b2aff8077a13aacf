import Foundation
import Logging
import Posix
import Testing

@testable import CyrusDB

/// ctl_cyrusdb run as master runs it.
struct ProgramTests {
    final class Deployment {
        let path: String

        init() throws {
            path = NSTemporaryDirectory() + "ctl-cyrusdb-tests-" + UUID().uuidString
            try FileSystem.makeDirectories(path + "/conf")
            try write("imapd.conf", "configdirectory: \(path)/conf\npartition-default: \(path)/spool\ndefaultpartition: default\n")
            try FileSystem.setMode(path, 0o777)
            try FileSystem.setMode(path + "/conf", 0o777)
        }

        deinit { try? FileSystem.removeTree(path) }

        func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name)) }
        func conf(_ name: String) -> String { path + "/conf/" + name }
        func exists(_ name: String) throws -> Bool { try FileSystem.status(conf(name)) != nil }

        func run(_ arguments: String..., configuration: Bool = true) throws -> (status: Int32, output: String, errors: String) {
            let process = Foundation.Process()
            let (output, errors) = (Foundation.Pipe(), Foundation.Pipe())
            var folder = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }?.deletingLastPathComponent()
            folder = folder ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            process.executableURL = try #require(folder).appendingPathComponent("ctl_cyrusdb")
            process.arguments = (configuration ? ["-C", path + "/imapd.conf"] : []) + arguments
            process.standardError = errors
            process.standardOutput = output
            try process.run()
            let said = output.fileHandleForReading.readDataToEndOfFile()
            let told = errors.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return (process.terminationStatus, String(decoding: said, as: UTF8.self), String(decoding: told, as: UTF8.self))
        }
    }

    static var environment: DatabaseEnvironment { DatabaseEnvironment(logger: .init(label: "quiet") { _ in SwiftLogNoOpLogHandler() }) }

    @Test(arguments: [[], ["-r", "-c"], ["-Q"], ["-x"]])
    func `wrong flags show the usage and end with 255`(_ flags: [String]) throws {
        let deployment = try Deployment()
        let result = try flags.count == 2 ? deployment.run(flags[0], flags[1]) : flags.isEmpty ? deployment.run() : deployment.run(flags[0])
        #expect(result.status == 255)
        #expect(result.errors.hasSuffix("ctl_cyrusdb [-C <altconfig>] -c\nctl_cyrusdb [-C <altconfig>] -r [-x]\n"))
    }

    @Test
    func `a missing configuration ends with 78`() throws {
        let deployment = try Deployment()
        let result = try deployment.run("-C", deployment.path + "/none", "-r", configuration: false)
        #expect(result.status == 78)
    }

    @Test
    func `recovery stamps skiplists, unless the shutdown was clean`() throws {
        let deployment = try Deployment()
        #expect(try deployment.run("-r").status == 0)
        let stamp = try Data(contentsOf: URL(fileURLWithPath: deployment.conf("db/skipstamp")))
        #expect(stamp.count == 4)
        try deployment.write("conf/db/skipstamp", "old!")
        try deployment.write("conf/db/skipcleanshutdown", "")
        #expect(try deployment.run("-r").status == 0)
        #expect(try !deployment.exists("db/skipcleanshutdown"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: deployment.conf("db/skipstamp"))) == Data("old!".utf8))
        #expect(try deployment.exists("mailboxes.db") && deployment.exists("annotations.db"))
    }

    @Test
    func `recovery converts to the engines configured`() throws {
        let deployment = try Deployment()
        do {
            let database = try Self.environment.open(deployment.conf("deliver.db"), .skiplist, .create)
            for i in 0..<50 { try database.store(Array("key \(i)".utf8), Array("value \(i)".utf8)) }
            let quotas = try Self.environment.open(deployment.conf("quotas.db"), .twoskip, .create)
            try quotas.store(Array("user.alice".utf8), Array("%(S (1 2))".utf8))
            try FileSystem.setMode(deployment.conf("deliver.db"), 0o666)
            try FileSystem.setMode(deployment.conf("quotas.db"), 0o666)
        }
        #expect(try deployment.run("-r", "-x").status == 0)
        #expect(try Self.environment.detect(deployment.conf("deliver.db")) == .twoskip)
        #expect(try Self.environment.open(deployment.conf("deliver.db"), .twoskip).records().count == 50)
        #expect(try Data(contentsOf: URL(fileURLWithPath: deployment.conf("quota/a/user.alice"))) == Data("%(S (1 2))\n".utf8))
        #expect(try deployment.exists("quotas.db.OLD") && !deployment.exists("quotas.db"))
    }

    @Test
    func `recovery brings an unclean and a damaged database back`() throws {
        let deployment = try Deployment()
        for name in ["deliver.db", "tls_sessions.db"] {
            let database = try Self.environment.open(deployment.conf(name), .twoskip, .create)
            for i in 0..<50 { try database.store(Array("key \(i)".utf8), Array("value \(i)".utf8)) }
        }
        // One with the tail of a transaction that was never committed, one without its last third.
        var unclean = try Data(contentsOf: URL(fileURLWithPath: deployment.conf("deliver.db")))
        unclean.append(Data(repeating: 0x2b, count: 77))
        try unclean.write(to: URL(fileURLWithPath: deployment.conf("deliver.db")))
        let whole = try Data(contentsOf: URL(fileURLWithPath: deployment.conf("tls_sessions.db")))
        try whole.prefix(whole.count * 2 / 3).write(to: URL(fileURLWithPath: deployment.conf("tls_sessions.db")))
        for name in ["deliver.db", "tls_sessions.db"] { try FileSystem.setMode(deployment.conf(name), 0o666) }
        #expect(try deployment.run("-r").status == 0)
        let deliver = try Self.environment.open(deployment.conf("deliver.db"), .twoskip)
        try deliver.checkConsistency()
        #expect(try deliver.records().count == 50)
        let sessions = try Self.environment.open(deployment.conf("tls_sessions.db"), .twoskip)
        try sessions.checkConsistency()
        #expect(try !deployment.exists("deliver.db.DAMAGED"))
        #expect(try (25..<50).contains(sessions.records().count))
    }

    @Test
    func `archives are rotated`() throws {
        let deployment = try Deployment()
        #expect(try deployment.run("-r").status == 0)
        #expect(try deployment.run("-c").status == 0)
        #expect(try deployment.exists("db.backup1/mailboxes.db") && deployment.exists("db.backup1/annotations.db"))
        #expect(try !deployment.exists("db.backup2"))
        try deployment.write("conf/db.backup1/marker", "")
        #expect(try deployment.run("-c").status == 0)
        #expect(try deployment.exists("db.backup2/marker") && !deployment.exists("db.backup1/marker"))
        #expect(try deployment.run("-c").status == 0)
        #expect(try !deployment.exists("db.backup2/marker"))
        let copy = try Self.environment.open(deployment.conf("db.backup1/mailboxes.db"), .twoskip)
        try copy.checkConsistency()
    }

    @Test
    func `recovery finds damage in the mailbox list, and keeps the damaged file`() throws {
        let deployment = try Deployment()
        let path = deployment.conf("mailboxes.db")
        do {
            let database = try Self.environment.open(path, .twoskip, .create)
            for i in 0..<50 { try database.store(Array("Nuser\u{1f}u\(i)".utf8), Array("%(T e)".utf8)) }
        }
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let key = try #require(bytes.range(of: Data("Nuser\u{1f}u20".utf8)))
        bytes[key.lowerBound + 3] ^= 0xff
        try bytes.write(to: URL(fileURLWithPath: path))
        try FileSystem.setMode(path, 0o666)
        #expect(try deployment.run("-r").status == 0)
        let database = try Self.environment.open(path, .twoskip)
        try database.checkConsistency()
        #expect(try database.records(prefix: [UInt8(ascii: "N")]).count == 49)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path + ".DAMAGED")) == bytes)
    }

    @Test
    func `recovery brings a mailbox list of old to today's form, once`() throws {
        let deployment = try Deployment()
        let path = deployment.conf("mailboxes.db")
        do {
            let database = try Self.environment.open(path, .twoskip, .create)
            try database.store(Array("user.alice".utf8), Array("0 default alice\tlrswipkxtecda\t".utf8))
            try database.store(Array("user.alice.Sub".utf8), Array("%(I oldid A %(alice lrs anyone lr) P default T e)".utf8))
            try database.store(Array("$RACL$U$alice$user.alice".utf8), [])
            try FileSystem.setMode(path, 0o666)
        }
        var before: [String] = []
        for _ in 0..<2 {
            #expect(try deployment.run("-r").status == 0)
            let records = try Self.environment.open(path, .twoskip).records().map {
                String(decoding: $0.key, as: UTF8.self) + " " + String(decoding: $0.value, as: UTF8.self)
            }
            #expect(records.count == 4)
            #expect(
                records.contains {
                    $0.hasPrefix("Nuser\u{1f}alice %(T el I ") && $0.contains(" P default ") && $0.contains("A %(alice lrswipkxte")
                })
            #expect(records.contains { $0.hasPrefix("Nuser\u{1f}alice\u{1f}Sub %(T el I oldid P default ") })
            #expect(records.contains { $0.hasPrefix("Ioldid %(T el N user\u{1f}alice\u{1f}Sub P default ") })
            if !before.isEmpty { #expect(records == before) }
            before = records
        }
        let configuration = try String(contentsOfFile: deployment.path + "/imapd.conf", encoding: .utf8)
        try deployment.write("imapd.conf", configuration + "reverseacls: yes\n")
        #expect(try deployment.run("-r").status == 0)
        let keys = try Self.environment.open(path, .twoskip).records().map { String(decoding: $0.key, as: UTF8.self) }
        #expect(keys.filter { $0.hasPrefix("A") }.count == 2)
    }
}

extension ProgramTests {
    @Test
    func `status tells of every database, as a table and as JSON`() throws {
        let deployment = try Deployment()
        do {
            let database = try Self.environment.open(deployment.conf("deliver.db"), .skiplist, .create)
            for i in 0..<50 { try database.store(Array("key \(i)".utf8), Array("value \(i)".utf8)) }
            let sessions = try Self.environment.open(deployment.conf("tls_sessions.db"), .twoskip, .create)
            for i in 0..<50 { try sessions.store(Array("key \(i)".utf8), Array("value \(i)".utf8)) }
            for i in 0..<25 { try sessions.delete(Array("key \(i)".utf8)) }
            let list = try Self.environment.open(deployment.conf("mailboxes.db"), .twoskip, .create)
            try list.store(Array("Nx".utf8), Array("%(T e M 1)".utf8))
            for name in ["deliver.db", "mailboxes.db", "tls_sessions.db"] { try FileSystem.setMode(deployment.conf(name), 0o666) }
        }
        #expect(try deployment.run("-c").status == 0)
        let told = try deployment.run("--status", "--json")
        #expect(told.status == 0)
        let all = try #require(try JSONSerialization.jsonObject(with: Data(told.output.utf8)) as? [[String: Any]])
        #expect(all.count == 8)
        let deliver = try #require(all.first { $0["name"] as? String == "deliver.db" })
        #expect(deliver["engine"] as? String == "skiplist" && deliver["configured"] as? String == "twoskip")
        #expect(deliver["records"] as? Int == 50)
        let sessions = try #require(all.first { $0["name"] as? String == "tls_sessions.db" })
        #expect(sessions["records"] as? Int == 25 && (sessions["dead"] as? Int ?? 0) > 500)
        #expect((deliver["checkpoint"] as? Int ?? 0) > 1_700_000_000)
        let list = try #require(all.first { $0["name"] as? String == "mailboxes.db" })
        #expect((list["backups"] as? [[String: Any]])?.count == 1 && list["records"] as? Int == 1)
        #expect(try #require(all.first { $0["name"] as? String == "backups.db" })["engine"] is NSNull)
        let table = try deployment.run("--status").output.split(separator: "\n").map(String.init)
        #expect(table.count == 9 && table[0].hasPrefix("database") && table.contains { $0.contains("skiplist (twoskip)") })
        #expect(try deployment.run("--json").status == 255)
        #expect(try deployment.run("--status", "-r").status == 255)
    }
}
