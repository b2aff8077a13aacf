import Bytes
import Configuration
import CyrusDB
import Mailbox
import Posix
import Service

/// What is done for one user after the other.
struct ConversationWork {
    private let store: MailStore
    private let program: Program
    private let mode: Character
    private let isVerbose: Bool
    private let temporary: String

    init(_ store: MailStore, _ program: Program, mode: Character, isVerbose: Bool, temporary: String?) {
        (self.store, self.program, self.mode, self.isVerbose) = (store, program, mode, isVerbose)
        self.temporary = temporary ?? program.configuration[.temp_path]
    }

    /// The user named, or all that have an INBOX and whose names begin so.
    func users(_ name: String, isPrefix: Bool) throws(MailboxError) -> [String] {
        guard isPrefix else { return [name] }
        var found: [String] = []
        try store.list.forEach { entry throws(MailboxError) in
            if entry.name.isInbox, entry.isRegular, let user = entry.name.user, user.hasPrefix(name) { found.append(user) }
            return .next
        }
        return found
    }

    /// False when something is wrong with the user's file, or when it cannot be worked on; that was said.
    func run(_ user: String) throws(MailboxError) -> Bool {
        switch mode {
        case "d": return try dump(user)
        case "u":
            try undump(user)
            return true
        case "A": return try audit(user)
        default: break
        }
        guard try store.inbox(of: user) != nil else { return true }
        switch mode {
        case "z": try store.clearConversations(of: user)
        case "b": try store.buildConversations(of: user)
        case "R": try store.recountConversations(of: user) { tell("\($0)") }
        default: return try checkFolders(user)
        }
        return true
    }

    private func tell(_ line: String) {
        if isVerbose { Program.printOutput(line + "\n") }
    }

    private func database(_ user: String, _ flags: OpenFlags = []) throws(MailboxError) -> Database? {
        let path = try store.conversationsPath(user: user)
        let engine = program.engine(named: program.configuration[.conversations_db])
        do throws(CyrusDBError) {
            if flags.contains(.create) { return try store.databases.open(path, engine, flags) }
            return try store.databases.openIfPresent(path, engine, flags)
        } catch {
            throw .database(error)
        }
    }

    // MARK: as text

    /// `KEY TAB VALUE`, as far as it is text: contents' records end at their first NUL, and are counted anew with -R.
    private func dump(_ user: String) throws(MailboxError) -> Bool {
        guard let database = try database(user) else {
            Program.printError("\(try store.conversationsPath(user: user)): No such file or directory")
            return true
        }
        var output = BufferedOutput()
        do throws(CyrusDBError) {
            try database.forEach(prefix: [UInt8]().span.bytes) { key, value in
                output.write(key.array + [0x09] + value.array.prefix { $0 != 0 } + [0x0a])
                return .next
            }
        } catch {
            throw .database(error)
        }
        return true
    }

    /// Lines of a dump go into the file, in one transaction; a line without TAB takes its key out. Empty lines and comments are passed over.
    private func undump(_ user: String) throws(MailboxError) {
        var input: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = Descriptor.read(0, into: &buffer), count > 0 { input += buffer[..<count] }
        let lines = input.split(separator: 0x0a).filter { $0.first != UInt8(ascii: "#") }
        let lock = try store.lock(user: user, .exclusive)
        guard let database = try database(user, [.create, .convert]) else { return }
        do throws(CyrusDBError) {
            try database.transaction { transaction throws(CyrusDBError) in
                for line in lines {
                    let key = Array(line.prefix { $0 != 0x09 })
                    if key.isEmpty { continue }
                    if key.count == line.count {
                        try transaction.delete(key)
                    } else {
                        try transaction.store(key, Array(line.dropFirst(key.count + 1)))
                    }
                }
            }
        } catch {
            throw .database(error)
        }
        lock.keep()
    }

    // MARK: checks

    private func audit(_ user: String) throws(MailboxError) -> Bool {
        guard try database(user) != nil else {
            let path = try store.conversationsPath(user: user)
            Program.printError("Cannot make temp copy of conversations db \(path): No such file or directory")
            return true
        }
        tell("User \(user)")
        tell("Pass 1: recalculate counts into temporary db")
        let faults = try store.auditConversations(of: user, in: temporary) { tell("\($0)") }
        tell("Pass 2: find differences from recalculated to live dbs")
        for fault in faults {
            let key = Self.text(fault.key)
            switch (fault.found, fault.expected) {
            case (let found?, let expected?):
                Program.printOutput("\(user): \(key) is \(Self.text(found)), should be \(Self.text(expected))\n")
            case (nil, let expected): Program.printOutput("\(user): \(key) is missing, should be \(Self.text(expected ?? []))\n")
            case (let found?, nil): Program.printOutput("\(user): \(key) is \(Self.text(found)), should not be there\n")
            }
        }
        if faults.isEmpty { tell("\(user) is OK") } else { Program.printOutput("\(user) is BROKEN\n") }
        return faults.isEmpty
    }

    /// Bytes that are not printable as `\xHH`.
    private static func text(_ bytes: [UInt8]) -> String {
        var out = ""
        for byte in bytes {
            if byte >= 0x20, byte < 0x7f {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16)
                out += "\\x" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return out
    }

    /// Every folder that has a number is a mailbox of the user's.
    private func checkFolders(_ user: String) throws(MailboxError) -> Bool {
        let unknown = try store.unknownConversationFolders(of: user)
        for id in unknown { Program.printOutput("\(user): \(id) is no mailbox of this user\n") }
        tell(unknown.isEmpty ? "OK \(user)" : "BAD \(user)")
        return unknown.isEmpty
    }
}
