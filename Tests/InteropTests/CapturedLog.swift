import DebianCyrus
import Foundation

/// What the programs of a Cyrus say to syslog, caught by a library that is loaded into each of them.
final class CapturedLog {
    private let folder: String
    private var path: String { "\(folder)/log" }

    /// For the environment of master, which hands it on to its services.
    var environment: [String: String] { ["LD_PRELOAD": "\(folder)/capture.so", "CAPTURED_LOG": path] }

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/captured-log-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o777])
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder)
        // master starts as another user than its services run as.
        _ = FileManager.default.createFile(atPath: "\(folder)/log", contents: nil)
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: "\(folder)/log")
        let source = (Bundle.module.resourcePath ?? "") + "/Support/capture-log.c"
        try DebianCyrus.run("/usr/bin/env", ["cc", "-shared", "-fPIC", "-O1", "-o", "\(folder)/capture.so", source])
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// The lines so far that are not for debugging, with what differs by nature taken out, sorted: processes write side by side.
    var lines: [String] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("7 ") && !$0.contains("/master ") && !$0.contains("/ctl_cyrusdb ") }
            .filter { line in !Self.onlyCyruss.contains { line.contains($0) } }.map { Self.normalized(String($0)) }.sorted()
    }

    /// Waits until there is a line with the text, for ten seconds at most.
    func wait(for text: String, count: Int = 1) {
        let deadline = Date(timeIntervalSinceNow: 10)
        while lines.count(where: { $0.contains(text) }) < count, Date() < deadline { usleep(10_000) }
    }

    /// Left out: what Cyrus says of how it does things inside (its databases, its stage, reserving a name), and of folders that an instance
    /// made for a test does not have.
    private static let onlyCyruss = [
        "created stage directory", "creating sql_db", "mbtype=<ei>", "created proc directory", "skiplist: ", "skipstamp",
        "locking disabled: ", "IDLE: error sending message",
    ]

    private static func normalized(_ line: String) -> String {
        var text = line
        for (pattern, with) in [
            ("SESSIONID=<[^>]*>", "SESSIONID=<S>"), ("sessionid=<[^>]*>", "sessionid=<S>"), ("\\b[a-z0-9]{24}\\b", "ID"),
            ("\\b[0-9a-f]{40}\\b", "GUID"), ("(user|sys): [0-9]+\\.[0-9]{6}", "$1: T"), ("bytes_(in|out)=<[0-9]+>", "bytes_$1=<N>"),
            ("size=<[0-9]+>", "size=<N>"), ("uidvalidity=<[0-9]+>", "uidvalidity=<V>"), ("\\.[0-9A-F]{8}\\b", ".TIME"),
            ("oldacl=<>", "oldacl=<NONE>"), ("(modseq sessionid=<S>) mailbox=<[^>]*>", "$1"),
        ] {
            text = text.replacingOccurrences(of: pattern, with: with, options: .regularExpression)
        }
        return text
    }
}
