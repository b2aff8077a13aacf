import Bytes

/// Conversations of more than `conversations_max_thread` messages go on in another one. Which one is an annotation of a mailbox of the
/// user's that holds nothing else, `#splitconversations`.
enum ConversationSplit {
    /// The annotation of a message that was split off: the first conversation's number.
    static let baseEntry = "/vendor/cmu/cyrus-imapd/basethrid"

    static func entry(_ cid: ConversationID) -> String { "/vendor/cmu/cyrus-imapd/newcid/\(cid)" }

    static func mailbox(of name: MailboxName) -> MailboxName {
        let folder = "#splitconversations"
        guard let user = name.user else { return MailboxName(name.domain.map { "\($0)!\(folder)" } ?? folder) }
        return MailboxName.inbox(of: user).child(folder)
    }
}

extension MailStore {
    /// The conversation that goes on for a long one; nil when none does, or when that cannot be told.
    func continuation(of cid: ConversationID, _ name: MailboxName) -> ConversationID? {
        guard let entry = try? list.find(ConversationSplit.mailbox(of: name)), entry.isRegular, let id = entry.uniqueID,
            let found = try? annotations.find(scope: id.text, entry: ConversationSplit.entry(cid), user: "")
        else { return nil }
        return found.value.span.bytes.hexadecimal.map { ConversationID($0) }
    }

    /// Notes them, making the mailbox for it when it is missing. After the messages are safe: should this be lost, the next message of
    /// the long conversation founds one more.
    func noteContinuations(_ all: [ConversationID: ConversationID], of name: MailboxName, at modSeq: ModSeq) throws(MailboxError) {
        guard !all.isEmpty else { return }
        let holder = ConversationSplit.mailbox(of: name)
        let lock = try lock(user: name.user, .exclusive)
        let found = try list.find(holder)
        var template = MailboxTemplate()
        template.type = MailboxType(.collection)
        let entry: MailboxEntry
        if let found, found.isRegular { entry = found } else { entry = try create(holder, template, as: nil, under: lock) }
        guard let id = entry.uniqueID else { return }
        for (cid, next) in all {
            var value: [UInt8] = []
            value.append(hex: next.rawValue, width: 16)
            try annotations.set(scope: id.text, entry: ConversationSplit.entry(cid), user: "", value: value)
        }
        // It changed with the messages, under their modseq.
        var counters = try UserCounters(path: try countersPath(holder))
        counters.raise(to: modSeq, .notification, folder: true)
        try counters.write()
        var change = try mailbox(entry).change(under: lock)
        change.updateHeader { $0.highestModSeq = max($0.highestModSeq, modSeq) }
        try change.commit()
    }
}
