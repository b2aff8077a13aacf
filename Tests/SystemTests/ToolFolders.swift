import DebianCyrus
import Foundation

/// Two folders alike, without a server: Debian's tool is run in the one, ours in the other.
struct ToolFolders {
    enum Side: String, CaseIterable { case debian, ours }

    struct Result: Equatable, CustomStringConvertible {
        var status: Int32
        /// A character for each byte.
        var output: String
        var errors: String
        var description: String { "status \(status)\n\(output)\n\(errors)" }
    }

    let root: URL

    init(options: [String] = []) throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("tool-folders-\(UUID().uuidString)")
        for side in Side.allCases {
            for name in ["conf/db", "conf/socket", "spool"] {
                try FileManager.default.createDirectory(
                    atPath: "\(folder(side))/\(name)", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o777])
            }
            let lines =
                options + [
                    "configdirectory: \(folder(side))/conf", "partition-default: \(folder(side))/spool", "defaultpartition: default",
                    "syslog_prefix: tool-folders",
                ]
            // Without one every skiplist is made anew when it is opened.
            try write("conf/db/skipstamp", Data([0, 0, 0, 1]), on: side)
            try write("imapd.conf", Data((lines.joined(separator: "\n") + "\n").utf8), on: side)
        }
        _ = try DebianCyrus.run("/bin/chmod", ["-R", "a+rwX", root.path])
    }

    func remove() { try? FileManager.default.removeItem(at: root) }

    func folder(_ side: Side) -> String { root.appendingPathComponent(side.rawValue).path }

    func write(_ name: String, _ bytes: Data, on side: Side) throws {
        let path = "\(folder(side))/\(name)"
        try bytes.write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
    }

    func write(_ name: String, _ text: String) throws {
        for side in Side.allCases { try write(name, Data(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }), on: side) }
    }

    static func program(_ side: Side, _ name: String) -> String {
        side == .debian ? "\(DebianCyrus.programs)/\(name)" : OurPrograms.path(name)
    }

    /// Runs one side's program on a side's folder (its own, unless said): FOLDER in arguments stands for it, and names are taken out of what it says.
    func run(_ side: Side, _ name: String, _ arguments: [String], input: String = "", on other: Side? = nil) throws -> Result {
        let folder = folder(other ?? side)
        let program = Self.program(side, name)
        let process = Process()
        let (output, errors, feed) = (Pipe(), Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["-C", "\(folder)/imapd.conf"] + arguments.map { $0.replacingOccurrences(of: "FOLDER", with: folder) }
        (process.standardOutput, process.standardError, process.standardInput) = (output, errors, feed)
        try process.run()
        // Short ones fit a pipe; a program that reads nothing does not keep us waiting.
        feed.fileHandleForWriting.write(Data(input.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }))
        try feed.fileHandleForWriting.close()
        let told = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        func clean(_ bytes: Data) -> String {
            // Not with Character: CRLF is to stay two.
            var text = ""
            for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(byte)) }
            return text.replacingOccurrences(of: folder, with: "FOLDER", options: .literal)
                .replacingOccurrences(of: program, with: "PROGRAM", options: .literal)
        }
        return Result(status: process.terminationStatus, output: clean(told), errors: clean(complaint))
    }

    /// What Debian's tool shows of a database of a side, each record as batch mode writes it.
    func records(_ side: Side, _ file: String, _ engine: String) throws -> String {
        try run(.debian, "cyr_dbtool", ["FOLDER/\(file)", engine, "batch"], input: "SHOW\n", on: side).output
    }
}
