import Foundation

/// Where the programs under test were built: beside the test bundle.
public enum OurPrograms {
    public static let folder: String = {
        // The running test bundle lies in the same folder as the products.
        var path = CommandLine.arguments[0]
        if let bundle = ProcessInfo.processInfo.arguments.first(where: { $0.hasSuffix(".xctest") }) { path = bundle }
        return URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent().path
    }()

    public static func path(_ name: String) -> String { "\(folder)/\(name)" }
}
