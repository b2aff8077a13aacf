import DebianCyrus
import Foundation
import Testing

/// kill -9 of a tool in the middle of its work leaves what was there, or all of what it was to make.
@Suite(.enabled(if: DebianCyrus.isInstalled))
struct KilledToolTests {
    /// Starts a program, has it killed when `moment` is there (or after its end), and waits for it.
    private static func kill(_ name: String, _ arguments: [String], input: String? = nil, when moment: () -> Bool) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: OurPrograms.path(name))
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        if let input { process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: input)) }
        try process.run()
        while process.isRunning, !moment() {}
        if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    private static var rounds: Int { ProcessInfo.processInfo.environment["SOAK"] == nil ? 6 : 100 }

    @Test(arguments: ["twoskip", "skiplist", "flat"])
    func `a conversion is whole or has not been`(_ engine: String) throws {
        let folders = try ToolFolders()
        defer { folders.remove() }
        let folder = folders.folder(.ours)
        try folders.write("old", "before\t1\n")
        try folders.write("many", (0..<20_000).map { "key\(100_000 + $0)\tvalue\n" }.joined())
        let words = ["-C", "\(folder)/imapd.conf", "\(folder)/many", "flat", "\(folder)/x.db", engine]
        _ = try folders.run(.ours, "cvt_cyrusdb", ["FOLDER/old", "flat", "FOLDER/x.db", engine])
        func count() throws -> Int {
            try folders.run(.debian, "cyr_dbtool", ["FOLDER/x.db", engine, "show"], on: .ours).output.split(separator: "\n").count
        }
        for round in 0..<Self.rounds {
            // From the moment that the new file is there, ever later.
            var seen = 0
            try Self.kill("cvt_cyrusdb", words) {
                if FileManager.default.fileExists(atPath: "\(folder)/x.db.NEW") { seen += 1 }
                return seen > round * round * 40
            }
            let found = try count()
            #expect(found == 1 || found == 20_000)
        }
        #expect(try folders.run(.ours, "cvt_cyrusdb", Array(words.dropFirst(2))).status == 0)
        #expect(try count() == 20_000)
    }

    @Test
    func `a loaded mailbox list is whole or has not been`() throws {
        let folders = try ToolFolders()
        defer { folders.remove() }
        let folder = folders.folder(.ours)
        func dump(_ generation: Int) -> String {
            let lines = (0..<3000).map { number in
                """
                "user.u\(number)": {"mbtype": "e", "partition": "default", "acl": {"g\(generation)": "lrs"}, "uniqueid": "id\(number)",
                "uidvalidity": "5", "createdmodseq": "1", "foldermodseq": "1"}
                """
            }
            return "{\(lines.joined(separator: ",\n"))}"
        }
        for generation in 0...1 { try folders.write("dump\(generation)", dump(generation)) }
        let words = ["-C", "\(folder)/imapd.conf", "-u"]
        try Self.kill("ctl_mboxlist", words, input: "\(folder)/dump0") { false }
        var before = 0
        for round in 0..<Self.rounds {
            let size = try FileManager.default.attributesOfItem(atPath: "\(folder)/conf/mailboxes.db")[.size] as? Int
            var seen = 0
            // Some while it reads and prepares, some when the file has begun to change.
            try Self.kill("ctl_mboxlist", words, input: "\(folder)/dump\(1 - before)") {
                seen += 1
                let now = (try? FileManager.default.attributesOfItem(atPath: "\(folder)/conf/mailboxes.db")[.size]) as? Int
                return round % 2 == 0 ? now != size : seen > round * 200
            }
            let list = try folders.run(.debian, "ctl_mboxlist", ["-d"], on: .ours).output
            let counts = (0...1).map { list.split(separator: "{\"g\($0)\"").count - 1 }
            #expect(counts.sorted() == [0, 3000])
            before = counts[0] == 3000 ? 0 : 1
        }
        #expect(
            try folders.run(.debian, "cyr_dbtool", ["FOLDER/conf/mailboxes.db", "twoskip", "consistent"], on: .ours).output
                == "Yes, consistent\n")
    }
}
