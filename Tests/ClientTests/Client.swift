import Foundation
import Testing

/// A client program of another project, and the folder it works in.
final class Client {
    let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("client-tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Whether a test with the program runs: without it only outside CI it does not.
    static func has(_ program: String) -> Bool {
        ProcessInfo.processInfo.environment["CI"] != nil
            || ["/usr/bin", "/usr/sbin", "/usr/local/bin"].contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }
    }

    struct Outcome {
        let status: Int32
        /// Standard output and standard error.
        let text: String
    }

    /// Runs a shell command in the folder, for 60 seconds at most.
    func run(_ command: String, input: String = "") throws -> Outcome {
        let process = Process()
        let (output, feed) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["--kill-after=5", "60", "/bin/sh", "-c", command]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder, "TERM": "xterm", "LC_ALL": "C.UTF-8", "TZ": "UTC"]
        (process.standardOutput, process.standardError, process.standardInput) = (output, output, feed)
        try process.run()
        feed.fileHandleForWriting.write(Data(input.utf8))
        try feed.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Outcome(status: process.terminationStatus, text: text)
    }

    /// Runs a command that must end with 0.
    @discardableResult
    func expect(_ command: String, input: String = "", sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        let outcome = try run(command, input: input)
        #expect(outcome.status == 0, "\(command): \(outcome.text)", sourceLocation: sourceLocation)
        return outcome.text
    }

    func write(_ name: String, _ text: String, mode: Int = 0o600) throws {
        let path = "\(folder)/\(name)"
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")), as: UTF8.self)
    }

    /// Names of the files in a folder; none when there is no such folder.
    func files(_ name: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(name)")) ?? []).sorted()
    }
}
