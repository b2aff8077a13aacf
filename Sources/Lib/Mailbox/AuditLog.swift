import Bytes
import Message

/// The lines of option `auditlog`: one for each thing that changes, in Cyrus's words. They are logged at NOTICE once the change is durable.
struct AuditLog {
    private let store: MailStore

    init(_ store: MailStore) { self.store = store }

    private func write(_ what: String, _ mailbox: String, _ id: UniqueID?, _ rest: String) {
        log(line(what, mailbox, id, rest))
    }

    private func line(_ what: String, _ mailbox: String, _ id: UniqueID?, _ rest: String) -> String {
        "\(what) sessionid=<\(store.sessionID)> mailbox=<\(mailbox)> uniqueid=<\(id?.text ?? "")>\(rest)"
    }

    func log(_ line: String) { store.logger.notice("auditlog: \(line)") }

    // MARK: messages

    /// What a change is going to write: what is added and touched, expunged and unlinked, then where the modseq will be.
    func lines(of change: PendingChange) -> [String] {
        let mailbox = change.mailbox
        let (name, id) = (mailbox.name.text, mailbox.entry.uniqueID)
        var lines: [String] = []
        var gone: [String] = []
        for number in change.changedNumbers {
            guard let record = try? change.record(number) else { continue }
            let place = " uid=<\(record.uid)>"
            let flags = "sysflags=<\(Self.text(record.flags))> guid=<\(record.guid)>"
            guard let old = try? change.recordBefore(number) else {
                let rest = "\(place) modseq=<\(record.modSeq)> \(flags) messageid=\(messageID(record, mailbox)) size=<\(record.size)>"
                lines.append(line("append", name, id, rest))
                continue
            }
            let cid = record.cid == .none ? "NIL" : "\(record.cid)"
            let rest =
                "\(place) guid=<\(record.guid)> cid=<\(cid)> modseq=<\(record.modSeq)> oldflags=<\(Self.text(old.flags))>"
                + " sysflags=<\(Self.text(record.flags))>"
            lines.append(line("touched", name, id, rest))
            if record.isExpunged, !old.isExpunged {
                gone.append(line("expunge", name, id, "\(place) modseq=<\(record.modSeq)> \(flags) size=<\(record.size)>"))
            }
            if record.isUnlinked, !old.isUnlinked {
                gone.append(line("unlink", name, id, "\(place) modseq=<\(record.modSeq)> \(flags)"))
            }
        }
        lines += gone
        if change.raisesModSeq {
            let header = change.header
            lines.append(
                line("modseq", name, id, " highestmodseq=<\(header.highestModSeq)> deletedmodseq=<\(header.deletedModSeq)>"))
        }
        return lines
    }

    /// A message's file is removed.
    func unlinked(_ record: IndexRecord, of mailbox: Mailbox) {
        write("unlink", mailbox.name.text, mailbox.entry.uniqueID, " uid=<\(record.uid)> sysflags=<\(Self.text(record.flags))>")
    }

    private static let letters: [(MessageFlags, String)] = [
        (.answered, "AN"), (.flagged, "FL"), (.deleted, "DE"), (.draft, "DR"), (.seen, "SE"), (.snoozed, "SN"), (.splitConversation, "SP"),
        (.needsCleanup, "NC"), (.archived, "AR"), (.unlinked, "UN"), (.expunged, "EX"),
    ]

    static func text(_ flags: MessageFlags) -> String {
        // That a record waits for cleanup is not told by Cyrus for those that are unlinked.
        let shown = flags.contains(.unlinked) ? flags.subtracting(.needsCleanup) : flags
        return letters.filter { shown.contains($0.0) }.map(\.1).joined(separator: "|")
    }

    private func messageID(_ record: IndexRecord, _ mailbox: Mailbox) -> String {
        let found = try? mailbox.withCache(record) { bytes throws(MailboxError) -> [UInt8]? in
            guard let view = try? CacheView(bytes) else { return nil }
            var reader = EnvelopeReader(view[.envelope])
            reader.open()
            for _ in 0..<9 { reader.skip() }
            return reader.string()
        }
        guard let bytes = found else { return "NIL" }
        return bytes.text
    }

    // MARK: mailboxes

    func created(_ entry: MailboxEntry) {
        write("create", entry.name.text, entry.uniqueID, " uidvalidity=<\(entry.uidValidity.rawValue)>")
    }

    func deleted(_ entry: MailboxEntry) { write("delete", entry.name.text, entry.uniqueID, "") }

    func moved(_ entry: MailboxEntry, from old: String) {
        write("partitionmove", entry.name.text, entry.uniqueID, " oldpart=<\(old)> newpart=<\(entry.partition)>")
    }

    /// A record of mailboxes.db, by name.
    func listed(_ entry: MailboxEntry, before: MailboxEntry?) {
        let old = before.map { $0.type.isDeleted ? "" : $0.acl.text } ?? "NONE"
        let new = entry.isRegular ? entry.acl.text : "(null)"
        write(
            "acl:", entry.name.text, entry.uniqueID,
            " mbtype=<\(entry.type)> oldacl=<\(old)> acl=<\(new)> foldermodseq=<\(entry.folderModSeq)> ")
    }

    // MARK: quotas

    func quota(_ root: String, old: Quota?, new: Quota) {
        func text(_ quota: Quota, _ resource: QuotaResource) -> String { quota.limits[resource].map { String($0) } ?? "-1" }
        var line = old == nil ? "newquota" : "setquota"
        line += " root=<\(root)>"
        for resource in QuotaResource.allCases {
            if let old { line += " old\(resource.name)=<\(text(old, resource))>" }
            line += " new\(resource.name)=<\(text(new, resource))>"
        }
        log(line)
    }
}
