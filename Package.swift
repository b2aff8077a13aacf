// swift-tools-version: 6.2
import PackageDescription

// The map of the project. Ordered by floor: a module imports only what stands above it in this file.
// Every target says its purpose in one line; docs/architecture.md has the picture.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableExperimentalFeature("Lifetimes"),
]

/// A module of the shared library: Sources/Lib/<name>.
func lib(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Lib/\(name)", swiftSettings: strict)
}

/// A C target of thin static-inline wrappers: Sources/C/<name>.
func shim(_ name: String, link: [String] = []) -> Target {
    .target(name: name, path: "Sources/C/\(name)", linkerSettings: link.map { .linkedLibrary($0) })
}

/// A program, named as Cyrus names it: Sources/<name>.
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)Tests", resources: resources, swiftSettings: strict)
}

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "cyrus-swift",
    dependencies: [
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // ── C: libraries and macros Swift cannot reach ──────────────────────────────────────────
        shim("CPosix"),  // fcntl locks, wait status, fork+exec, signals, syslog
        shim("CZlib", link: ["z"]),  // crc32, deflate
        shim("COpenSSL", link: ["ssl", "crypto"]),  // SHA-1, MD5, TLS

        // ── ground floor ────────────────────────────────────────────────────────────────────────
        lib("Bytes", ["CZlib", "COpenSSL"]),  // big-endian words, CRC32, GUID, ASCII, output buffers
        lib("Posix", ["CPosix", "Bytes", system]),  // files, maps, locks, sockets, processes, clocks: every system call
        lib("Syslog", ["CPosix", log]),  // swift-log's back end over syslog(3), idents as Cyrus's

        // ── first floor: what is configured and stored ──────────────────────────────────────────
        lib("Configuration", ["Bytes", "Posix"]),  // imapd.conf and cyrus.conf: a record per option, errors with file and line

        // ── programs ────────────────────────────────────────────────────────────────────────────
        program("master", ["Configuration", "Posix", "Bytes", "Syslog", log]),  // starts and keeps up all services
        program("cyr_info", ["Configuration", "Posix"]),  // what is configured and what runs
        program("cyr_buildinfo", ["Configuration", "Posix"]),  // what is built in

        // ── tests ───────────────────────────────────────────────────────────────────────────────
        tests("Bytes", ["Bytes"]),
        tests("Posix", ["Posix", "Bytes"]),
        tests("Configuration", ["Configuration"]),
        tests("Master", ["master", "Configuration", "Posix"]),
    ]
)
