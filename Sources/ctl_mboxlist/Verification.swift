import Bytes
import Mailbox
import Posix
import Service

/// `-v`: mailboxes of the list without a directory, and directories of mailboxes that are not in the list.
struct Verification {
    private let store: MailStore
    private let list: MailboxList

    init(_ store: MailStore, _ list: MailboxList) { (self.store, self.list) = (store, list) }

    func run() throws(MailboxError) {
        var found: [(key: [UInt8], text: String)] = []
        var known: Set<String> = []
        try list.forEach { entry throws(MailboxError) in
            guard !entry.type.isDeleted, entry.isRegular, !entry.type.state.contains(.remote) else { return .next }
            let path = store.layout.metaPath(entry, .header)
            if let path { known.insert(path) }
            if path.map({ FileSystem.exists($0) }) ?? false { return .next }
            found.append(
                (entry.name.databaseKey, "'\(entry.name)' has a DB entry but no directory on partition '\(entry.partition)'"))
            return .next
        }
        var roots: [String] = []
        for (name, directory) in store.configuration.partitions {
            for root in [directory, store.configuration.partition(name, .metadata)] {
                if let root, !roots.contains(root) { roots.append(root) }
            }
        }
        for root in roots {
            walk(root, "") { path in
                if known.contains("\(root)\(path)/\(Layout.MetaFile.header.rawValue)") { return }
                let name = name(root, path)
                found.append((name.databaseKey, "'\(name)' has a directory '\(root)\(path)' but no DB entry"))
            }
        }
        found.sort { $0.key.span.bytes.compare($1.key.span.bytes) < 0 }
        for line in found { Program.printOutput(line.text + "\n") }
    }

    /// Every directory with a cyrus.header in it.
    private func walk(_ root: String, _ path: String, _ body: (String) -> Void) {
        guard let names = try? FileSystem.list(root + path) else {
            Program.printError("\(root)\(path): cannot be read")
            return
        }
        if names.contains(Layout.MetaFile.header.rawValue) { body(path) }
        for name in names where !name.hasPrefix("cyrus.") && !name.hasSuffix(".") {
            let below = "\(path)/\(name)"
            guard let status = try? FileSystem.status(root + below, followLinks: false), status.kind == .directory else { continue }
            walk(root, below, body)
        }
    }

    /// By its place; one that lies by its id is named by its cyrus.header, or else by the id.
    private func name(_ root: String, _ path: String) -> MailboxName {
        var parts = path.split(separator: "/").map(String.init)
        if parts.first == "uuid", let id = parts.last {
            let file = "\(root)\(path)/\(Layout.MetaFile.header.rawValue)"
            if let bytes = try? FileSystem.read(file), let header = try? HeaderFile(bytes.span.bytes, path: file) { return header.name }
            return MailboxName(id)
        }
        var domain = ""
        if parts.first == "domain", parts.count > 3 {
            domain = parts[2] + "!"
            parts.removeFirst(3)
        }
        if store.configuration[.hashimapspool], parts.count > 1 { parts.removeFirst() }
        return MailboxName(domain + parts.joined(separator: "."))
    }
}
