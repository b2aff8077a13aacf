import Bytes
import CyrusDB

extension ConversationsDatabase {
    /// Forgets everything that is counted from messages: conversations, contents, the folders' counts and what all weighs. Message ids stay,
    /// and the modseqs of folders; a file that has its folders by name gets them by id.
    func forgetCounts(flags: String) throws(MailboxError) {
        var gone: [[UInt8]] = []
        var kept: [(folder: [UInt8], modSeq: ModSeq)] = []
        let wasByName = isByName
        for prefix in [UInt8(ascii: "B"), UInt8(ascii: "G"), UInt8(ascii: "F")] {
            _ = try inDatabase { () throws(CyrusDBError) in
                try database.forEach(prefix: [prefix].span.bytes) { key, value in
                    // One that cannot be read counts nothing.
                    if prefix != UInt8(ascii: "F") || wasByName {
                        gone.append(key.array)
                    } else {
                        kept.append((key.dropping(1).array, FolderStatus(value.array)?.threadModSeq ?? .none))
                    }
                    return .next
                }
            }
        }
        for key in gone { try delete(key) }
        if wasByName { try numberFoldersById() }
        try restart(flags: flags)
        for (folder, modSeq) in kept {
            var status = FolderStatus()
            status.threadModSeq = modSeq
            setStatus(folder, status)
        }
    }

    /// A message that is there, as if it had just come: with the conversation that it has.
    func recount(_ record: IndexRecord, _ source: ConversationSource, folder: [UInt8], keywords: [[UInt8]], now: Int64) throws(MailboxError)
    {
        // The ids of one that was split off stay with the conversation that it was split off from.
        if record.cid != .none, !record.flags.contains(.splitConversation) {
            for list in source.identifiers {
                for id in list { try add(record.cid, to: id, now: now) }
            }
        }
        try apply(
            ConversationChange(old: nil, new: record, source: source, folder: (folder, folderNumber(folder)), keywords: keywords),
            limits: nil)
    }
}
