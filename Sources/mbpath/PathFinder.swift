import Bytes
import Charset
import Configuration
import Mailbox
import Posix
import Service

/// Finds mailboxes by name, user or path, and prints where their files are.
struct PathFinder {
    private let store: MailStore
    private let options: PathOptions
    private let namespace: Namespace

    init(_ program: Program, _ options: PathOptions) {
        store = MailStore(program.configuration, logger: program.logger)
        namespace = Namespace(program.configuration, user: nil, isAdmin: true)
        self.options = options
    }

    /// False when there is no such mailbox; that was said.
    func show(_ argument: String) -> Bool {
        guard let entry = find(argument), entry.isRegular, let paths = MailboxPaths(store, entry) else {
            if !options.isQuiet { Program.printError("Invalid mailbox name: '\(argument)'\(suffix(argument))") }
            return false
        }
        switch options.selection {
        case .archive: printLine(paths.archive)
        case .data: printLine(paths.data)
        case .meta: printLine(paths.meta)
        case .sieve: printLine(paths.sieve)
        case .user: printLine(paths.user)
        case .all:
            for (label, path) in [
                ("Archive", paths.archive), ("Data", paths.data), ("Meta", paths.meta), ("Sieve", paths.sieve), ("User", paths.user),
            ] { printLine("\(label): \(path)") }
        case .json: printLine(paths.json)
        }
        return true
    }

    private func printLine(_ text: String) { Program.printOutput(text + "\n") }

    /// With -u Cyrus also tells the mailbox, and leaves a line empty.
    private func suffix(_ argument: String) -> String {
        options.argument == .user ? " ('\(namespace.externalName(MailboxName.inbox(of: argument)))')\n" : ""
    }

    private func find(_ argument: String) -> MailboxEntry? {
        do throws(MailboxError) {
            switch options.argument {
            case .user: return try store.list.find(MailboxName.inbox(of: argument))
            case .path: return try find(path: argument)
            case .mailbox:
                guard let bytes = encoded(argument) else { return nil }
                return try store.list.find(namespace.internalName(bytes.span.bytes))
            }
        } catch {
            if case .badName = error { return nil }
            Program.fatal("\(error)", ExitStatus.temporaryFailure, nil)
        }
    }

    /// Names are kept in modified UTF-7; in what is ASCII already nothing is to be encoded.
    private func encoded(_ name: String) -> [UInt8]? {
        if options.isUTF7 || name.utf8.allSatisfy({ $0 < 0x80 }) { return Array(name.utf8) }
        var out: [UInt8] = []
        for part in name.utf8.split(separator: namespace.separator, omittingEmptySubsequences: false) {
            guard let bytes = try? ModifiedUTF7.encode(Array(part).span.bytes) else { return nil }
            if !out.isEmpty { out.append(namespace.separator) }
            out += bytes
        }
        return out
    }

    /// By the name of the folder, which is the mailbox's id, or by the cyrus.header in it.
    private func find(path: String) throws(MailboxError) -> MailboxEntry? {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        if let id = path.split(separator: "/").last.flatMap({ UniqueID(String($0)) }), let entry = try store.list.find(id),
            !entry.type.isDeleted
        {
            return entry
        }
        let file = "\(path)/\(Layout.MetaFile.header.rawValue)"
        guard let bytes = try? FileSystem.read(file), let header = try? HeaderFile(bytes.span.bytes, path: file) else { return nil }
        if let id = header.uniqueID, let entry = try store.list.find(id) { return entry }
        return try store.list.find(header.name)
    }
}
