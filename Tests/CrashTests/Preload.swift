import DebianCyrus
import Foundation

/// A library for LD_PRELOAD, compiled from Support/ into a folder of its own.
final class Preload {
    let folder: String
    var library: String { "\(folder)/preload.so" }

    init(_ name: String) throws {
        folder = FileManager.default.temporaryDirectory.path + "/preload-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        let source = Bundle.module.resourcePath.map { "\($0)/Support/\(name).c" } ?? ""
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = ["cc", "-shared", "-fPIC", "-O1", "-o", "\(folder)/preload.so", source, "-ldl"]
        try compiler.run()
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else { throw DebianCyrus.Failure(description: "cc did not compile \(source)") }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
}
