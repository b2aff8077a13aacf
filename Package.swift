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
        shim("CZlib", link: ["z"]),  // deflate
        shim("CDeflate", link: ["deflate"]),  // crc32
        shim("CSASL", link: ["sasl2"]),  // libsasl2's callbacks
        shim("COpenSSL", link: ["ssl", "crypto"]),  // SHA-1, MD5, TLS
        shim("CSQLite", link: ["sqlite3"]),  // the sql engine in a file
        shim("CPostgreSQL"),  // the sql engine on a server: libpq, loaded when it is used
        shim("CICU", link: ["icuuc"]),  // character sets, case and decomposition

        // ── ground floor ────────────────────────────────────────────────────────────────────────
        lib("Bytes", ["CDeflate", "COpenSSL"]),  // big-endian words, CRC32, GUID, ASCII, output buffers
        lib("Posix", ["CPosix", "Bytes", system]),  // files, maps, locks, sockets, processes, clocks: every system call
        lib("Syslog", ["CPosix", log]),  // swift-log's back end over syslog(3), idents as Cyrus's

        // ── first floor: formats, and what is configured and stored ─────────────────────────────
        lib("Configuration", ["Bytes", "Posix"]),  // imapd.conf and cyrus.conf: a record per option, errors with file and line
        lib("DList", ["Bytes"]),  // dlist, the notation of mailboxes.db values and of replication
        // twoskip, skiplist, flat, quotalegacy and sql behind one API
        lib("CyrusDB", ["CPosix", "CSQLite", "CPostgreSQL", "Posix", "Bytes", log]),
        lib("Charset", ["Bytes", "CICU"]),  // bytes to UTF-8, transfer encodings, RFC 2047/2231, modified UTF-7, search form
        lib("Message", ["Bytes", "Charset"]),  // RFC 5322 and MIME: parts, dates, addresses, the cache record
        lib("Wire", ["Posix", "Bytes", "Configuration", "COpenSSL", "CZlib"]),  // a peer through buffers, TLS and compression
        lib("SASL", ["CSASL", "Bytes", "Configuration", "Posix", "Wire", log]),  // libsasl2: mechanisms, passwords, security layers

        // ── second floor: the store ─────────────────────────────────────────────────────────────
        lib("Mailbox", ["Posix", "Bytes", "CyrusDB", "DList", "Configuration", "Charset", "Message", log]),  // mailboxes, ACLs, quota

        // ── third floor: services ───────────────────────────────────────────────────────────────
        lib("Index", ["Mailbox", "Message", "Charset", "Configuration", "Posix", "Bytes", log]),  // a session's view of one mailbox
        lib(
            "Service", ["CPosix", "Posix", "Bytes", "Syslog", "Configuration", "CyrusDB", "Mailbox", "SASL", "Wire", log]
        ),  // the contract with master, accounts, proc registry
        lib("Delivery", ["Mailbox", "Message", "CyrusDB", "Configuration", "Posix", "Bytes", log]),  // LMTP, recipients, duplicates

        // ── programs ────────────────────────────────────────────────────────────────────────────
        program("master", ["Configuration", "Posix", "Bytes", "Syslog", log]),  // starts and keeps up all services
        program(
            "imapd",
            [
                "CPosix", "COpenSSL", "Service", "Index", "Mailbox", "Message", "Charset", "SASL", "Wire", "Configuration", "Posix",
                "Bytes", log,
            ]
        ),  // IMAP
        program("lmtpd", ["Delivery", "Service", "Mailbox", "Message", "SASL", "Wire", "Configuration", "Posix", "Bytes", log]),  // LMTP
        program("ctl_cyrusdb", ["Service", "Mailbox", "CyrusDB", "Configuration", "Posix", "Bytes", log]),  // recovery, archives
        program("cvt_cyrusdb", ["Service", "Mailbox", "CyrusDB", "Posix", log]),  // a database becomes one of another engine
        program("cyr_dbtool", ["Service", "Mailbox", "CyrusDB", "Posix", "Bytes", log]),  // shows and changes records
        program("ctl_mboxlist", ["Service", "Mailbox", "CyrusDB", "Configuration", "Posix", "Bytes", log]),  // the list as text and back
        program("ctl_conversationsdb", ["Service", "Mailbox", "CyrusDB", "Configuration", "Posix", "Bytes", log]),  // counts anew
        program("ctl_deliver", ["Service", "Mailbox", "CyrusDB", "Configuration", "Posix", "Bytes", log]),  // shows deliver.db
        program("tls_prune", ["Service", "Mailbox", "CyrusDB", "Configuration", "Posix", "Bytes", log]),  // old TLS sessions go
        program("cyr_expire", ["Service", "Mailbox", "CyrusDB", "Configuration", "Posix", "Bytes", log]),  // removes what is old
        program("mbpath", ["Service", "Mailbox", "Configuration", "Charset", "Posix", "Bytes"]),  // where a mailbox's files are
        program("cyr_info", ["Configuration", "Posix"]),  // what is configured and what runs
        program("cyr_buildinfo", ["Configuration", "Posix"]),  // what is built in

        // ── benchmarks ──────────────────────────────────────────────────────────────────────────
        // The client of make bench.
        // This project's database engines, beside Benchmarks/dbpeers, which does the same with other libraries.
        .executableTarget(
            name: "dbbench", dependencies: ["CyrusDB", "Posix", "Bytes", log], path: "Benchmarks/dbbench", swiftSettings: strict),
        .executableTarget(name: "mailbench", dependencies: ["Posix"], path: "Benchmarks/mailbench", swiftSettings: strict),

        // ── tests ───────────────────────────────────────────────────────────────────────────────
        .target(name: "DebianCyrus", path: "Tests/DebianCyrus", swiftSettings: strict),  // a private Debian Cyrus to compare with
        .executableTarget(
            name: "database-worker", dependencies: ["CyrusDB", "Posix", "Bytes"], path: "Tests/DatabaseWorker", swiftSettings: strict),
        tests("Bytes", ["Bytes"]),
        tests("Posix", ["Posix", "Bytes"]),
        tests("Configuration", ["Configuration", "Posix", "master", "cyr_info", "cyr_buildinfo"]),
        tests("DList", ["DList", "Bytes"]),
        tests("CyrusDB", ["CyrusDB", "Posix", "Bytes", log, "database-worker", "DebianCyrus"]),
        tests("CtlCyrusdb", ["ctl_cyrusdb", "CyrusDB", "Posix", log]),
        tests("Charset", ["Charset", "Bytes"]),
        tests("Message", ["Message", "Charset", "Bytes", "DebianCyrus"]),
        tests("Mailbox", ["Mailbox", "Index", "CyrusDB", "Message", "Configuration", "Posix", "Bytes", "DebianCyrus", log]),
        tests(
            "System",
            [
                "DebianCyrus", "CyrusDB", "Bytes", log, "master", "imapd", "lmtpd", "ctl_cyrusdb", "cyr_info", "cyr_expire", "mbpath",
                "cvt_cyrusdb", "cyr_dbtool", "ctl_mboxlist", "ctl_conversationsdb", "ctl_deliver", "tls_prune",
            ]),
        tests("Interop", ["DebianCyrus", "imapd", "lmtpd", "cyr_expire", "ctl_cyrusdb"], resources: [.copy("Support")]),
        tests("Client", ["DebianCyrus", "master", "imapd", "lmtpd", "ctl_cyrusdb"]),
        tests("Delivery", ["Delivery", "Mailbox", "Configuration", "Posix", "Bytes", log]),
        tests("LMTP", ["DebianCyrus", "lmtpd"]),
        tests(
            "Crash",
            [
                "DebianCyrus", "master", "imapd", "lmtpd", "ctl_cyrusdb", "cyr_expire", "Mailbox", "Message", "CyrusDB", "Configuration",
                "Posix", "Bytes", log,
            ], resources: [.copy("Support")]),
        tests("Master", ["master", "Configuration", "Posix"]),
    ]
)

// libFuzzer programs, only when asked for: `make fuzz`.
if Context.environment["FUZZ"] != nil {
    func fuzz(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
        .executableTarget(
            name: name, dependencies: dependencies, path: "Fuzz/\(name)",
            swiftSettings: [.enableExperimentalFeature("Lifetimes"), .unsafeFlags(["-parse-as-library", "-sanitize=fuzzer"])],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])])
    }
    package.targets += [
        fuzz("FuzzIMAP", ["Index", "Mailbox", "Message", "Charset", "Posix", "Bytes"]),
        fuzz("FuzzLMTP", ["Delivery", "Bytes"]),
        fuzz("FuzzMessage", ["Message"]),
        fuzz("FuzzDList", ["DList", "Bytes"]),
        fuzz("FuzzDatabase", ["CyrusDB", "Posix", "Bytes", log]),
        fuzz("FuzzIndex", ["Mailbox", "Bytes"]),
    ]
}
