/// What is built in, under Cyrus's names and in its order. True is what this project's programs can do.
enum BuildInfo {
    enum Format: String { case pretty, dense, flat }

    enum Value {
        case flag(Bool)
        case text(String)

        var json: String {
            switch self {
            case .flag(let on): on ? "true" : "false"
            case .text(let text): "\"\(text)\""
            }
        }
    }

    typealias Section = (name: String, values: [(name: String, value: Value)])

    static let sections: [Section] = [
        (
            "component",
            flags(
                on: ["autocreate", "idled", "replication"],
                of: [
                    "event_notification", "gssapi", "autocreate", "idled", "httpd", "kerberos_v4", "murder", "nntpd", "replication",
                    "sieve", "calalarmd", "jmap", "objectstore", "backup",
                ])
        ),
        (
            "dependency",
            flags(
                on: ["openssl", "zlib"],
                of: [
                    "ldap", "openssl", "zlib", "jansson", "pcre", "clamav", "openio", "nghttp2", "wslay", "brotli", "xml2", "ical",
                    "icu4c", "shapelib", "chardet", "cld2",
                ])
        ),
        ("database", flags(on: ["pgsql", "sqlite"], of: ["mysql", "pgsql", "sqlite"])),
        ("search", flags(on: [], of: ["squat", "xapian"]) + [("xapian_cjk_tokens", .text("none"))]),
        ("hardware", []),
    ]

    private static func flags(on: Set<String>, of names: [String]) -> [(name: String, value: Value)] {
        names.map { ($0, .flag(on.contains($0))) }
    }

    static func text(_ format: Format) -> String {
        switch format {
        case .pretty:
            let parts = sections.map { section in
                guard !section.values.isEmpty else { return "  \"\(section.name)\": {}" }
                let lines = section.values.map { "    \"\($0.name)\": \($0.value.json)" }
                return "  \"\(section.name)\": {\n\(lines.joined(separator: ",\n"))\n  }"
            }
            return "{\n\(parts.joined(separator: ",\n"))\n}\n"
        case .dense:
            let parts = sections.map { section in
                "\"\(section.name)\": {\(section.values.map { "\"\($0.name)\": \($0.value.json)" }.joined(separator: ", "))}"
            }
            return "{\(parts.joined(separator: ", "))}\n"
        case .flat:
            return sections.map { section in
                section.values.map { "\(section.name).\($0.name)=\($0.value.json)\n" }.joined()
            }.joined()
        }
    }

    static let usage = """
        cyr_buildinfo [-C <file>] [format]
        Where format is one of:

          * pretty        - pretty-print JSON (default)
          * dense         - print dense JSON
          * flat          - print as flattened properties

        The -C option is accepted but ignored.

        """
}
