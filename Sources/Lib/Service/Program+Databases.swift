public import CyrusDB
import Posix

// What the tools that are given databases on their command line have in common.
extension Program {
    /// The engines there are, as usage texts list them: `flat, skiplist, …`
    public static var engineNames: String { DatabaseEngine.allCases.map(\.rawValue).joined(separator: ", ") }

    /// The engine of a name on the command line; one that is not known ends the program with 78.
    public func engine(named name: String) -> DatabaseEngine {
        guard let engine = DatabaseEngine(rawValue: name) else {
            Self.fatal("cyrusdb backend \(name) not supported", ExitStatus.configuration, logger)
        }
        return engine
    }

    /// Engines make files beside the one named, and other programs find databases by their whole path: ends the program with 71
    /// for a path that is relative.
    public static func requireAbsolute(_ paths: [String]) {
        if paths.allSatisfy({ $0.hasPrefix("/") }) { return }
        printOutput(
            """

            Sorry, you cannot use this tool with relative path names.
            This is because some database backends do not
            always do what you would expect with them.

            Please use absolute pathnames instead.


            """)
        Process.exit(ExitStatus.osError)
    }
}
