import Bytes
import Configuration
import CyrusDB
import Mailbox

/// The message ids of a conversations.db, seen by their age: replies to old messages start conversations of their own.
struct ConversationMarks {
    private let store: MailStore
    private let path: String

    init(_ store: MailStore, _ path: String) { (self.store, self.path) = (store, path) }

    /// Removes `<message-id>` records (value `0 CID[,CID] TIME`) older than `mark`.
    func prune(before mark: Int64) throws(MailboxError) -> (seen: Int, removed: Int) {
        guard let engine = DatabaseEngine(rawValue: store.configuration[.conversations_db]) else {
            throw .notSupported("database engine \(store.configuration[.conversations_db]) of imapd.conf is not one of this program's")
        }
        do throws(CyrusDBError) {
            guard let database = try store.databases.openIfPresent(path, engine) else { return (0, 0) }
            var seen = 0
            var old: [[UInt8]] = []
            try database.forEach(prefix: [UInt8(ascii: "<")].span.bytes) { key, value throws(CyrusDBError) in
                seen += 1
                let words = value.text.split(separator: " ")
                if words.count >= 3, words[0] == "0", let time = Int64(words[2]), time < mark { old.append(key.array) }
                return .next
            }
            if !old.isEmpty {
                let keys = old
                try database.transaction { transaction throws(CyrusDBError) in
                    for key in keys { try transaction.delete(key) }
                }
            }
            return (seen, old.count)
        } catch {
            throw .database(error)
        }
    }
}
