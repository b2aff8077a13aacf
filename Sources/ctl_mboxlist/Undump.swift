import Bytes
import Mailbox
import Posix
import Service

/// `-u`: entries of a dump go into the list, over those of the same name; all of them in one transaction.
struct Undump {
    private let list: MailboxList
    private var entries: [MailboxEntry] = []

    init(_ list: MailboxList) { self.list = list }

    mutating func run(legacy: Bool) throws(MailboxError) {
        var input: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = Descriptor.read(0, into: &buffer), count > 0 { input += buffer[..<count] }
        if legacy { readLines(input) } else { readJSON(input) }
        try list.load(entries)
    }

    // MARK: JSON

    private mutating func readJSON(_ input: [UInt8]) {
        var reader = JSONReader(input)
        let dump: JSON
        do throws(JSONReader.Failure) {
            dump = try reader.read()
        } catch {
            Program.printError("parse error at line \(error.line): \(error.reason)")
            return
        }
        guard case .object(let members) = dump else { return }
        for (name, value) in members {
            if let entry = entry(MailboxName(name), value) { entries.append(entry) }
        }
    }

    /// nil, said why, when something is missing that no mailbox is without; tombstones have no partition.
    private func entry(_ name: MailboxName, _ value: JSON) -> MailboxEntry? {
        var entry = MailboxEntry(name: name)
        func text(_ key: String) -> String? {
            if let text = value[key]?.value { return text }
            Program.printError("missing \(key) for \(name)")
            return nil
        }
        entry.uidValidity = UIDValidity(text("uidvalidity").flatMap { UInt32($0) } ?? 0)
        entry.createdModSeq = ModSeq(text("createdmodseq").flatMap { UInt64($0) } ?? 0)
        entry.folderModSeq = ModSeq(text("foldermodseq").flatMap { UInt64($0) } ?? 0)
        let type = text("mbtype")
        let partition = value["partition"]?.value
        // In Cyrus's words.
        if partition == nil { Program.printError("missing mbtype for \(name)") }
        guard let type, let partition else { return nil }
        guard let id = text("uniqueid").flatMap({ UniqueID($0) }) else { return nil }
        entry.type = MailboxType(text: type)
        entry.partition = partition
        entry.uniqueID = id
        entry.server = value["server"]?.value ?? ""
        entry.acl = AccessList(Self.grants(value["acl"]))
        entry.modified = Clock.now
        if case .array(let items) = value["name_history"] { entry.history = items.compactMap(Self.former) }
        return entry
    }

    private static func grants(_ acl: JSON?) -> [AccessList.Entry] {
        guard case .object(let members) = acl else { return [] }
        return members.map { AccessList.Entry($0.0, Rights($0.1.value ?? "")) }
    }

    private static func former(_ item: JSON) -> MailboxEntry.Former? {
        guard let name = item["name"]?.value else { return nil }
        return MailboxEntry.Former(
            name: MailboxName(name), modified: item["mtime"]?.value.flatMap { Int64($0) } ?? 0,
            uidValidity: UIDValidity(item["uidvalidity"]?.value.flatMap { UInt32($0) } ?? 0),
            createdModSeq: ModSeq(item["createdmodseq"]?.value.flatMap { UInt64($0) } ?? 0),
            folderModSeq: ModSeq(item["foldermodseq"]?.value.flatMap { UInt64($0) } ?? 0),
            type: MailboxType(text: item["mbtype"]?.value ?? ""), partition: item["partition"]?.value ?? "")
    }

    // MARK: text of before 3.0

    /// `NAME TAB TYPE PARTITION ACL`, a mailbox a line.
    private mutating func readLines(_ input: [UInt8]) {
        for (number, line) in input.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() where !line.isEmpty {
            let name = line.prefix { $0 != 0x09 && $0 != 0x20 }
            let value = Array(line.dropFirst(name.count + 1))
            let words = value.split(separator: 0x20, maxSplits: 2)
            guard words.count > 1, words[0].allSatisfy({ (0x30...0x39).contains($0) }) else {
                Program.printError("line \(number + 1): no partition found")
                continue
            }
            // Never a value of a later form.
            guard
                var entry = try? MailboxEntry(
                    name: MailboxName(String(decoding: name, as: UTF8.self)), value: value.span.bytes, path: "standard input")
            else { continue }
            entry.type.state.remove(.legacyDirectories)
            entry.modified = Clock.now
            entries.append(entry)
        }
    }
}
