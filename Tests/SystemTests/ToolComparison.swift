import DebianCyrus
import Foundation

/// A spool made by Debian's Cyrus, and a copy of it: Debian's tool is run on the one, ours on the other.
struct ToolComparison {
    let cyrus: DebianCyrus
    /// Holds the copy.
    let copy: URL

    struct Result: Equatable, CustomStringConvertible {
        let status: Int32
        let output: String
        let errors: String
        var description: String { "status \(status)\n\(output)\n\(errors)" }
    }

    init(options: [String] = [], users: [String], _ fill: (DebianCyrus) throws -> Void) throws {
        cyrus = try DebianCyrus(services: [.imap, .lmtp], options: options, users: users)
        try fill(cyrus)
        copy = FileManager.default.temporaryDirectory.appendingPathComponent("tools-tests-\(UUID().uuidString)")
        _ = try Self.run("/bin/cp", ["-a", cyrus.folder, copy.path])
        for name in ["imapd.conf"] {
            let file = copy.appendingPathComponent(name)
            let text = try String(contentsOf: file, encoding: .utf8)
            // Written in place, so that the owner stays.
            let handle = try FileHandle(forWritingTo: file)
            try handle.truncate(atOffset: 0)
            handle.write(Data(text.replacingOccurrences(of: cyrus.folder, with: copy.path).utf8))
            try handle.close()
        }
    }

    func remove() {
        cyrus.stop()
        try? FileManager.default.removeItem(at: copy)
    }

    /// Runs Debian's tool, with names of the folders and of the program taken out of what it says.
    func debian(_ name: String, _ arguments: [String], input: String = "") throws -> Result {
        try result("\(DebianCyrus.programs)/\(name)", cyrus.folder, arguments, input)
    }

    func ours(_ name: String, _ arguments: [String], input: String = "") throws -> Result {
        try result("\(RunTests.Running.programs)/\(name)", copy.path, arguments, input)
    }

    /// Debian's tool on the copy.
    func check(_ name: String, _ arguments: [String], input: String = "") throws -> Result {
        try result("\(DebianCyrus.programs)/\(name)", copy.path, arguments, input)
    }

    private func result(_ program: String, _ folder: String, _ arguments: [String], _ input: String = "") throws -> Result {
        let arguments = arguments.map { $0.replacingOccurrences(of: "FOLDER", with: folder) }
        let raw = try Self.run(program, ["-C", "\(folder)/imapd.conf"] + arguments, input: input)
        func clean(_ text: String) -> String {
            text.replacingOccurrences(of: folder, with: "FOLDER").replacingOccurrences(of: program, with: "PROGRAM")
        }
        return Result(status: raw.status, output: clean(raw.output), errors: clean(raw.errors))
    }

    static func run(_ program: String, _ arguments: [String], input: String = "") throws -> Result {
        let process = Process()
        let (output, errors, feed) = (Pipe(), Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        (process.standardOutput, process.standardError) = (output, errors)
        if input.isEmpty { process.standardInput = FileHandle.nullDevice } else { process.standardInput = feed }
        try process.run()
        // Short enough for a pipe: a program that reads nothing does not keep us waiting.
        if !input.isEmpty { feed.fileHandleForWriting.write(Data(input.utf8)) }
        try feed.fileHandleForWriting.close()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: complaint, as: UTF8.self))
    }

    /// The mailbox list as Debian shows it, without the times of its records; and the files below the folder.
    func state(_ folder: String, list: String = "conf/mailboxes.db") throws -> (mailboxes: [String], files: [String]) {
        let shown = try Self.run(
            "\(DebianCyrus.programs)/cyr_dbtool", ["-C", "\(folder)/imapd.conf", "\(folder)/\(list)", "twoskip", "show"])
        let mailboxes = shown.output.split(separator: "\n").map { String($0.replacing(/\sM\s[0-9]+/, with: "")) }
        let found = try Self.run(
            "/usr/bin/find",
            [folder, "-type", "f", "-not", "-path", "*/lock/*", "-not", "-path", "*/socket/*", "-not", "-path", "*/proc/*"])
        let files = found.output.split(separator: "\n").map { $0.replacingOccurrences(of: folder, with: "") }
            .filter { !$0.hasSuffix(".pid") && !$0.hasSuffix("/cyrus.annotations") && !$0.hasSuffix("/cyrus.cache") }.sorted()
        return (mailboxes, files)
    }
}
