import Bytes
import Configuration
import CyrusDB
import DebianCyrus
import Foundation
import Glibc
import Logging
import Mailbox
import Message
import Posix

/// One state of the disk after a power loss: written out, opened as programs that start anew do, and looked through.
struct PowerLossState: Sendable {
    /// Something that is to be so from one moment of the recording on, until another.
    struct Fact: Sendable {
        enum Kind: Sendable {
            /// A message, by its Message-ID line's size, is in exactly one of these mailboxes.
            case once(Int, [String])
            case exists(String)
            case gone(String)
        }
        var from: Int
        var until: Int
        var kind: Kind

        init(from: Int, until: Int = .max, _ kind: Kind) { (self.from, self.until, self.kind) = (from, until, kind) }

        var names: [String] {
            switch kind {
            case .once(_, let names): names
            case .exists(let name), .gone(let name): [name]
            }
        }
    }

    enum Tools { case none, ours, debian }

    let files: [String: [UInt8]]
    let folder: String
    let number: Int
    let tools: Tools

    /// What is wrong.
    func faults(_ facts: [Fact]) -> [String] {
        // In memory where that is to be had: nothing of this has to last.
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        let here = "\(parent)/power-loss-\(getpid())-\(number)"
        defer { _ = try? FileSystem.removeTree(here) }
        do {
            try write(to: here)
            if tools != .none {
                guard try CrashTests.Tools.run("ctl_cyrusdb", ["-r"], here + "/imapd.conf") == 0 else { return ["ctl_cyrusdb -r failed"] }
            }
            var faults = try opened(facts, here)
            if tools == .debian { faults += try debian(here) }
            return faults
        } catch {
            return ["\(error)"]
        }
    }

    private func write(to here: String) throws {
        for (path, bytes) in files where path.hasPrefix(folder) && !path.contains("/proc/") && !path.contains("/socket/") {
            let target = here + path.dropFirst(folder.count)
            let content =
                target.hasSuffix("/imapd.conf")
                ? Array(String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: folder, with: here).utf8) : bytes
            let parent = FileSystem.parent(of: target)
            if !FileSystem.exists(parent) { try FileSystem.makeDirectories(parent) }
            let file = try File(target, .write, create: .truncate, mode: 0o644)
            try file.write(content)
        }
        try FileSystem.makeDirectories(here + "/spool")
        if getuid() == 0, tools != .none { try own(here) }
    }

    /// The programs are the cyrus user's.
    private func own(_ path: String) throws {
        let user = getpwnam("cyrus").pointee
        for case let name as String in FileManager.default.enumerator(atPath: path) ?? .init() {
            chown("\(path)/\(name)", user.pw_uid, user.pw_gid)
        }
        chown(path, user.pw_uid, user.pw_gid)
    }

    /// Opens all mailboxes and databases in this process.
    private func opened(_ facts: [Fact], _ here: String) throws -> [String] {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let store = MailStore(try Configuration.load(path: here + "/imapd.conf", ident: "test"), logger: logger)
        var faults: [String] = []
        var sizes: [String: [Int: Int]] = [:]
        var uids: [String: Set<UInt32>] = [:]
        var usage: [String: QuotaUsage] = [:]
        var entries: [MailboxEntry] = []
        try store.list.forEach { entry in
            if entry.isRegular { entries.append(entry) }
            return .next
        }
        for entry in entries {
            do {
                let look = try look(into: entry, store)
                sizes[entry.name.text] = look.sizes
                uids[entry.uniqueID?.text ?? ""] = look.uids
                if !entry.name.isDeleted {
                    usage[entry.name.user ?? "", default: QuotaUsage()] = usage[entry.name.user ?? "", default: QuotaUsage()] + look.usage
                }
                faults += look.faults
            } catch {
                faults.append("\(entry.name): \(error)")
            }
        }
        for fact in facts {
            switch fact.kind {
            case .exists(let name): if sizes[name] == nil { faults.append("\(name) is not there") }
            case .gone(let name): if sizes[name] != nil { faults.append("\(name) is still there") }
            case .once(let size, let names):
                var count = 0
                for name in names { count += sizes[name]?[size] ?? 0 }
                if count != 1 {
                    faults.append(
                        "\(names): \(count) times the message of \(size) bytes, of \(names.map { sizes[$0]?.keys.sorted() ?? [] })")
                }
            }
        }
        faults += try databases(store, usage, uids)
        return faults
    }

    /// What a mailbox has.
    private struct Look {
        /// How often which size of message.
        var sizes: [Int: Int] = [:]
        var uids: Set<UInt32> = []
        var usage = QuotaUsage()
        /// What is not whole.
        var faults: [String] = []
    }

    private func look(into entry: MailboxEntry, _ store: MailStore) throws -> Look {
        let mailbox = try store.mailbox(entry)
        try settle(mailbox, store)
        var look = Look()
        let lock = try store.lock(user: entry.name.user, .exclusive)
        let view = try mailbox.read(under: lock)
        for number in 1..<(view.recordCount + 1) {
            let record = try view.record(number)
            look.uids.insert(record.uid.rawValue)
            if record.isExpunged { continue }
            let content = try FileSystem.read(mailbox.messagePath(record)) ?? []
            if GUID(of: content.span.bytes) != record.guid { look.faults.append("\(entry.name) \(record.uid): not whole") }
            var crc: UInt32?
            try mailbox.withCache(record) { bytes in crc = (try? CacheView(bytes))?.crc32 }
            if crc != record.cacheCRC { look.faults.append("\(entry.name) \(record.uid): another cache record") }
            look.sizes[Self.size(content), default: 0] += 1
        }
        look.usage = QuotaUsage(storage: Int64(view.header.quotaUsed), messages: Int64(view.header.exists), folders: 1)
        return look
    }

    /// What a change puts right is put right; before Debian's tools look, a message takes away what no record knows.
    private func settle(_ mailbox: Mailbox, _ store: MailStore) throws {
        let lock = try store.lock(user: mailbox.name.user, .exclusive)
        if tools == .debian {
            try append(to: mailbox, store, under: lock)
        } else {
            let change = try mailbox.change(under: lock)
            try change.commit()
        }
    }

    /// Without the trace lines that lmtpd puts before the rest.
    private static func size(_ content: [UInt8]) -> Int {
        let start = Array("From: a@b\r\n".utf8)
        var at = 0
        while at + start.count < content.count, !content[at...].starts(with: start) {
            guard let end = content[at...].firstIndex(of: 10) else { return content.count }
            at = end + 1
        }
        return content.count - at
    }

    private func append(to mailbox: Mailbox, _ store: MailStore, under lock: borrowing UserLock) throws {
        let bytes = Array(Load.message("<afterwards@here>").utf8)
        let staged = try store.stage(bytes.span.bytes, parsed: Message.parse(bytes), partition: mailbox.entry.partition)
        var change = try mailbox.change(under: lock)
        _ = try change.append(staged, AppendAttributes(internalDate: 1_795_248_474))
        try change.commit()
    }

    /// Quotas are sums, databases are whole, and deliver.db knows nothing that was not delivered.
    private func databases(_ store: MailStore, _ usage: [String: QuotaUsage], _ uids: [String: Set<UInt32>]) throws -> [String] {
        var faults: [String] = []
        for quota in try store.quotas.all() {
            let sum = usage[MailboxName(quota.root).user ?? ""] ?? QuotaUsage()
            func text(_ usage: QuotaUsage) -> String { QuotaResource.allCases.map { "\(usage[$0])" }.joined(separator: " ") }
            if sum != quota.used { faults.append("quota \(quota.root): is \(text(quota.used)), should be \(text(sum))") }
        }
        try store.list.database.checkConsistency()
        try store.annotations.database.checkConsistency()
        let path = store.configuration.directory + "/deliver.db"
        if FileSystem.exists(path) {
            let marks = try store.databases.open(path, .twoskip, .create).records(prefix: [])
            for (key, value) in marks {
                let parts = key.split(separator: 0, omittingEmptySubsequences: false)
                guard parts.count > 1, value.count >= 16 else {
                    faults.append("deliver.db: a record of \(key.count) and \(value.count) bytes")
                    continue
                }
                var uid: UInt32 = 0
                for byte in value[8..<12].reversed() { uid = uid << 8 | UInt32(byte) }
                let known = uids[String(decoding: parts[1], as: UTF8.self)]
                if let known, !known.contains(uid) { faults.append("deliver.db: a mark for uid \(uid), which is not there") }
            }
        }
        return faults
    }

    private func debian(_ here: String) throws -> [String] {
        if getuid() == 0 { try own(here) }
        var faults: [String] = []
        for user in ["alice", "bob"] {
            faults += try Load.reconstructed(user, here + "/imapd.conf")
            faults += try Load.miscounted(user, here + "/imapd.conf")
        }
        return faults
    }
}
