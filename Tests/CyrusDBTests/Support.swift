import Bytes
import Foundation
import Logging
import Posix

@testable import CyrusDB

/// A folder of one test's own, gone with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "cyrusdb-tests-" + UUID().uuidString
        try FileSystem.makeDirectories(path)
    }

    deinit {
        try? FileSystem.removeTree(path)
    }

    func file(_ name: String) -> String { path + "/" + name }
}

extension DatabaseEnvironment {
    /// One that says nothing, with its own configdirectory.
    static func quiet(_ directory: String = "") -> DatabaseEnvironment {
        DatabaseEnvironment(configDirectory: directory, logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
    }
}

/// The same numbers in every run.
struct Repeatable: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Debian's own tools, for files going both ways.
enum Debian {
    static let directory = "/usr/lib/cyrus/bin"
    static let isPresent = FileManager.default.isExecutableFile(atPath: directory + "/cyr_dbtool")
    /// Without them interop tests are skipped on a developer's machine, and fail in CI.
    static let isWanted = isPresent || ProcessInfo.processInfo.environment["CI"] != nil

    struct Result {
        var status: Int32
        var output: [UInt8]
        var errors: String
    }

    /// Runs a tool with an imapd.conf of its own in `folder`; `options` are more lines of it.
    @discardableResult
    static func run(
        _ tool: String, _ arguments: [String], in folder: TemporaryFolder, input: [UInt8] = [], options: [String] = []
    ) throws -> Result {
        let configuration = folder.file("imapd.conf")
        let settings =
            "configdirectory: \(folder.path)\npartition-default: \(folder.path)/spool\ndefaultpartition: default\n"
            + options.map { $0 + "\n" }.joined()
        try Data(settings.utf8).write(to: URL(fileURLWithPath: configuration))
        try FileSystem.makeDirectories(folder.file("db"))
        let given = folder.file("input-" + UUID().uuidString)
        let told = folder.file("output-" + UUID().uuidString)
        let complained = folder.file("errors-" + UUID().uuidString)
        for name in [told, complained] { _ = FileManager.default.createFile(atPath: name, contents: nil) }
        try Data(input).write(to: URL(fileURLWithPath: given))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: directory + "/" + tool)
        process.arguments = ["-C", configuration] + arguments
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: given))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: told))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: complained))
        // The tools become the cyrus user when started by root.
        try openToAll(folder)
        try process.run()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: Array(try Data(contentsOf: URL(fileURLWithPath: told))),
            errors: String(decoding: try Data(contentsOf: URL(fileURLWithPath: complained)), as: UTF8.self))
    }

    static func openToAll(_ folder: TemporaryFolder) throws {
        func open(_ path: String) throws {
            let isDirectory = try FileSystem.status(path)?.kind == .directory
            // What a rewrite by another process took away between listing and here needs no mode.
            if FileSystem.exists(path) { try? FileSystem.setMode(path, isDirectory ? 0o777 : 0o666) }
            if isDirectory { for name in try FileSystem.list(path) { try open(path + "/" + name) } }
        }
        try open(folder.path)
    }
}
