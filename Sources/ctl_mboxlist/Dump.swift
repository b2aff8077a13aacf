import Mailbox
import Posix

/// `-d`: the list as JSON, a mailbox a line.
struct Dump {
    private let list: MailboxList
    private let partition: String?
    private let intermediates: Bool

    init(_ list: MailboxList, partition: String?, intermediates: Bool) {
        (self.list, self.partition, self.intermediates) = (list, partition, intermediates)
    }

    /// With `removing` the names that were written are then taken out of the list, all of them in one transaction.
    func run(removing: Bool) throws(MailboxError) {
        var written: [MailboxName] = []
        try write(&written, keeping: removing)
        if removing { try list.remove(written) }
    }

    private func write(_ written: inout [MailboxName], keeping: Bool) throws(MailboxError) {
        var output = BufferedOutput()
        output.write("{")
        var isFirst = true
        var names: [MailboxName] = []
        try list.forEach { entry throws(MailboxError) in
            if let partition, entry.partition != partition { return .next }
            if entry.type.isIntermediate, !intermediates { return .next }
            output.write("\(isFirst ? "\n" : ",\n")\(JSON.string(entry.name.text).text): \(Self.object(entry).text)")
            isFirst = false
            if keeping { names.append(entry.name) }
            return .next
        }
        output.write(isFirst ? "\n\n}\n" : "\n}\n")
        written = names
    }

    private static func object(_ entry: MailboxEntry) -> JSON {
        var members: [(String, JSON)] = [("name", .string(entry.name.text))]
        func numbers(_ modified: Int64, _ validity: UIDValidity, _ created: ModSeq, _ folder: ModSeq) -> [(String, JSON)] {
            [
                ("mtime", .string("\(modified)")), ("uidvalidity", .string("\(validity)")), ("createdmodseq", .string("\(created)")),
                ("foldermodseq", .string("\(folder)")),
            ]
        }
        members += numbers(entry.modified, entry.uidValidity, entry.createdModSeq, entry.folderModSeq)
        members.append(("mbtype", .string(entry.type.description)))
        if !entry.partition.isEmpty { members.append(("partition", .string(entry.partition))) }
        if !entry.server.isEmpty { members.append(("server", .string(entry.server))) }
        members.append(("acl", .object(entry.acl.entries.map { ($0.identifier, .string($0.rights.description)) })))
        if let id = entry.uniqueID { members.append(("uniqueid", .string(id.text))) }
        let history = entry.history.map { former -> JSON in
            var members: [(String, JSON)] = [("name", .string(former.name.text))]
            members += numbers(former.modified, former.uidValidity, former.createdModSeq, former.folderModSeq)
            members.append(("mbtype", .string(former.type.description)))
            if !former.partition.isEmpty { members.append(("partition", .string(former.partition))) }
            return .object(members)
        }
        members.append(("name_history", .array(history)))
        return .object(members)
    }
}
