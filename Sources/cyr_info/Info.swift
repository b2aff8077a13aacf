import Configuration
import Posix

/// The commands of cyr_info; their standard output is Debian's, line for line.
struct Info {
    let options: InfoOptions

    func run(_ command: InfoOptions.Command) throws(ConfigurationError) {
        // Only the version is known without a configuration file.
        if command == .version {
            StandardOutput.write("\(Version.full)\n")
            return
        }
        let configuration = try Configuration.load(path: options.configuration, ident: options.service ?? "cyr_info")
        switch command {
        case .conf: print(configuration.nonDefaults)
        case .confAll: print(configuration.everything)
        case .confDefault: print(Configuration.defaults)
        case .confLint: try lint(configuration)
        case .proc: listProcesses(configuration)
        case .version: break
        }
    }

    private func print(_ lines: [Configuration.Listed]) {
        let old = options.oldVersion.map { VersionNumber($0) }
        var out = ""
        for line in lines {
            if let old, let since = line.since, old < VersionNumber(since) { out += "(\(since)) " }
            out += line.line + "\n"
        }
        StandardOutput.write(out)
    }

    /// Unknown settings as Cyrus lists them; where they stand and what was probably meant goes to standard error.
    private func lint(_ configuration: Configuration) throws(ConfigurationError) {
        let master = try MasterConfiguration.load(path: options.masterConfiguration)
        let names = master.services.map(\.name) + master.daemons.map(\.name)
        print(configuration.unknownSettings(services: names))
        for warning in configuration.warnings + master.warnings { StandardError.write("\(warning)\n") }
    }

    /// `PID SERVICE HOST[ USER][ MAILBOX][ COMMAND]` of each session that is registered.
    private func listProcesses(_ configuration: Configuration) {
        let directory = configuration[.proc_path] ?? "\(configuration.directory)/proc"
        var out = ""
        for name in (try? FileSystem.list(directory)) ?? [] {
            // NAME.new is on its way to become NAME.
            guard let pid = Int32(name), let bytes = try? FileSystem.read("\(directory)/\(name)") else { continue }
            let line = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count >= 2 else { continue }
            out += "\(pid) \(fields.joined(separator: " "))\n"
        }
        StandardOutput.write(out)
    }
}
