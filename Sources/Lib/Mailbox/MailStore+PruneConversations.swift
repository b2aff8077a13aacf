import CyrusDB
import Posix

extension MailStore {
    /// Removes from a user's conversations.db the message ids that were last seen before `mark` (unix seconds): replies to them will start
    /// conversations of their own. Ids of conversations that still have messages stay, unless `conversations_keep_existing` is off.
    /// How many ids there were, and how many went; nil when the user has no such file. The user's lock must be held exclusively.
    public func pruneConversations(of inbox: MailboxEntry, before mark: Int64, under user: borrowing UserLock) throws(MailboxError) -> (
        seen: Int, removed: Int
    )? {
        precondition(user.user == inbox.name.user, "pruning \(inbox.name) under the lock of another user")
        guard FileSystem.exists(try conversationsPath(inbox.name)) else { return nil }
        let database = try openConversations(inbox.name)
        let counts = try database.prune(before: mark, keepingExisting: configuration[.conversations_keep_existing])
        try database.commit()
        tidy(database)
        return counts
    }
}

extension ConversationsDatabase {
    fileprivate func prune(before mark: Int64, keepingExisting: Bool) throws(MailboxError) -> (seen: Int, removed: Int) {
        var seen = 0
        var old: [(key: [UInt8], conversations: [ConversationID])] = []
        _ = try inDatabase { () throws(CyrusDBError) in
            try database.forEach(prefix: [UInt8(ascii: "<")].span.bytes) { key, value throws(CyrusDBError) in
                seen += 1
                // One that is damaged is written anew when the next message names it.
                guard let record = MessageIDRecord(value: value.array), record.stamp < mark else { return .next }
                old.append((key.array, record.conversations))
                return .next
            }
        }
        var removed = 0
        for (key, conversations) in old {
            var isAlive = false
            if keepingExisting {
                for cid in conversations where try value(Self.key(cid)) != nil { isAlive = true }
            }
            if isAlive { continue }
            try delete(key)
            removed += 1
        }
        return (seen, removed)
    }
}
