import Configuration
import Posix

/// This process's file in the proc directory: who is served, and where he is (`cyr_info proc`, maxlogins).
public final class ProcessRegistration {
    private let directory: String
    private let path: String
    private let service: String
    private let host: String
    public private(set) var user = ""
    private var written = ""
    private var file: OpenFile?

    public init(_ configuration: Configuration, service: String, host: String) {
        directory = configuration[.proc_path] ?? "\(configuration.directory)/proc"
        path = "\(directory)/\(Process.id)"
        self.service = service
        self.host = host
    }

    deinit {
        remove()
    }

    /// Writes `SERVICE TAB HOST TAB USER TAB MAILBOX TAB COMMAND`, unless it stands so already. Failing is no reason to stop.
    public func update(user: String? = nil, mailbox: String = "", command: String = "") {
        if let user { self.user = user }
        let line = "\(service)\t\(host)\t\(self.user)\t\(mailbox)\t\(command)\n"
        guard line != written else { return }
        let bytes = Array(line.utf8)
        do throws(PosixError) {
            if let file {
                // In place: one line of a few hundred bytes is written at once, and readers take the first line only.
                try file.file.write(bytes, at: 0)
                if bytes.count < written.utf8.count { try file.file.truncate(to: bytes.count) }
            } else {
                file = try create(bytes)
            }
            written = line
        } catch {
            file = nil
        }
    }

    /// The file as `PID.new`, then under its name.
    private func create(_ bytes: [UInt8]) throws(PosixError) -> OpenFile {
        let made: OpenFile
        do throws(PosixError) {
            made = try OpenFile(path + ".new")
        } catch {
            guard error.isMissing else { throw error }
            try FileSystem.makeDirectories(directory, durably: false)
            made = try OpenFile(path + ".new")
        }
        try made.file.write(bytes)
        try FileSystem.rename(path + ".new", to: path)
        return made
    }

    private final class OpenFile {
        let file: File
        init(_ path: String) throws(PosixError) { file = try File(path, .write, create: .truncate) }
    }

    public func remove() {
        guard !written.isEmpty else { return }
        _ = try? FileSystem.unlink(path)
        file = nil
        written = ""
    }

    /// One registered process.
    public struct Entry: Sendable {
        public let pid: Int32
        public let service: String
        public let host: String
        public let user: String
        public let mailbox: String
        public let command: String
    }

    /// All that are registered and alive.
    public static func all(_ configuration: Configuration) -> [Entry] {
        let directory = configuration[.proc_path] ?? "\(configuration.directory)/proc"
        guard let names = try? FileSystem.list(directory) else { return [] }
        return names.compactMap { name in
            guard let pid = Int32(name), let bytes = try? FileSystem.read("\(directory)/\(name)"), Process.exists(pid) else { return nil }
            var fields =
                bytes.text.split(separator: "\n", maxSplits: 1).first?.split(separator: "\t", omittingEmptySubsequences: false) ?? []
            while fields.count < 5 { fields.append("") }
            return Entry(
                pid: pid, service: String(fields[0]), host: String(fields[1]), user: String(fields[2]), mailbox: String(fields[3]),
                command: String(fields[4]))
        }
    }
}
