import Foundation
import Posix

/// Runs a program to its end and returns what it printed.
enum RunningProgram {
    struct Result {
        var output: String
        var errors: String
        var status: Int32
    }

    /// The folder the programs of this build stand in.
    static var programs: String {
        FileSystem.parent(of: (try? FileSystem.readLink("/proc/self/exe")) ?? "")
    }

    static func run(_ path: String, _ arguments: [String]) throws -> Result {
        let process = Foundation.Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let (output, errors) = (Foundation.Pipe(), FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString))
        _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: errors) }
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
        return Result(output: String(decoding: data, as: UTF8.self), errors: text, status: process.terminationStatus)
    }
}

/// A folder that goes with its scope.
final class Folder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("cyrus-swift-\(UUID().uuidString)").path
        try FileSystem.makeDirectories(path)
        try FileSystem.setMode(path, 0o755)
    }

    deinit { try? FileSystem.removeTree(path) }

    func write(_ name: String, _ text: String) throws {
        try FileSystem.makeParents(of: "\(path)/\(name)")
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        // Debian's cyr_info becomes user cyrus, and another test may have changed the umask of this process for a moment.
        try FileSystem.setMode("\(path)/\(name)", 0o644)
        try FileSystem.setMode(FileSystem.parent(of: "\(path)/\(name)"), 0o755)
    }
}
