public import Configuration
import Logging
public import Mailbox
import Posix

/// The log that replication works from (Cyrus `sync_log`): a line for each change, in `<configdirectory>/sync/log`, or in
/// `sync/CHANNEL/log` for each of sync_log_channels.
///
/// Lines are appended under a lock of the file and synced; a file that a reader renamed away in the meantime is opened anew, so that no
/// line lands where nobody looks.
public final class SyncLog: ChangeObserver {
    private let paths: [String]
    private let logger: Logger

    /// nil when `sync_log` is off.
    public init?(_ configuration: Configuration, logger: Logger) {
        guard configuration[.sync_log] else { return nil }
        self.logger = logger
        let directory = "\(configuration.directory)/sync"
        let channels = (configuration[.sync_log_channels] ?? "\"\"").split(separator: " ").map(String.init)
        paths = channels.map { $0 == "\"\"" ? "\(directory)/log" : "\(directory)/\($0)/log" }
    }

    public func changed(mailbox name: MailboxName) { write("MAILBOX \(Self.quoted(name.text))\n") }
    public func appended(mailbox name: MailboxName) { write("APPEND \(Self.quoted(name.text))\nMAILBOX \(Self.quoted(name.text))\n") }

    public func event(_ event: StoreEvent) {
        func name(_ name: MailboxName) -> String { Self.quoted(name.text) }
        switch event {
        case .mailbox(let mailbox): write("MAILBOX \(name(mailbox))\n")
        case .unmailbox(let mailbox): write("UNMAILBOX \(name(mailbox))\n")
        case .rename(let old, let new): write("RENAME \(name(old)) \(name(new))\nMAILBOX \(name(old))\nMAILBOX \(name(new))\n")
        case .doubleMailbox(let one, let other): write("DOUBLEMAILBOX \(name(one)) \(name(other))\n")
        case .quota(let root): write("QUOTA \(Self.quoted(root))\n")
        case .annotation(let mailbox): write("ANNOTATION \(Self.quoted(mailbox?.text ?? ""))\n")
        case .seen(let user, let id): write("SEEN \(Self.quoted(user)) \(id)\n")
        // Both ways alike: the reader looks at what the subscription is now.
        case .subscribe(let user, let mailbox), .unsubscribe(let user, let mailbox):
            write("SUB \(Self.quoted(user)) \(name(mailbox))\n")
        case .user(let user): write("USER \(Self.quoted(user))\n")
        case .unuser(let user): write("UNUSER \(Self.quoted(user))\n")
        }
    }

    /// Quoted when empty or with characters that would end the word.
    static func quoted(_ text: String) -> String {
        guard text.isEmpty || text.utf8.contains(where: { " \t();\\\"{}".utf8.contains($0) }) else { return text }
        var out = "\""
        for character in text {
            if "\\\"{}".contains(character) { out.append("\\") }
            out.append(character)
        }
        return out + "\""
    }

    private func write(_ lines: String) {
        for path in paths {
            do throws(PosixError) {
                try append(Array(lines.utf8), to: path)
            } catch {
                // The change itself is done and durable: a replica that misses it is found by the next full run of sync_client.
                logger.error("sync_log: \(error); the replica will not hear of: \(lines.split(separator: "\n").joined(separator: "; "))")
            }
        }
    }

    private func append(_ bytes: [UInt8], to path: String) throws(PosixError) {
        while true {
            let file = try open(path)
            try file.lock(.exclusive)
            // Renamed to log-run by a reader between opening and locking: then it is the next file that counts.
            guard let now = try FileSystem.status(path), try now.isSameFile(as: file.status) else { continue }
            try file.write(bytes)
            try file.sync()
            return
        }
    }

    private func open(_ path: String) throws(PosixError) -> File {
        do throws(PosixError) {
            return try File(path, .append, create: .ifMissing, mode: 0o640)
        } catch {
            guard error.isMissing else { throw error }
            try FileSystem.makeParents(of: path)
            return try File(path, .append, create: .ifMissing, mode: 0o640)
        }
    }
}
