import Bytes
import CyrusDB
import Posix

/// What a user has seen of mailboxes that are not his own (Cyrus `seen.db`), by the mailbox's unique id.
public final class SeenStore {
    public let database: Database

    public struct Record: Sendable, Equatable {
        public var lastRead: Int64 = 0
        /// The last UID told as \Recent.
        public var lastUID = UID.none
        public var lastChange: Int64 = 0
        /// A sequence set in IMAP's notation; may be empty.
        public var seen: [UInt8] = []
        public init() {}
    }

    init(_ store: MailStore, user: String) throws(MailboxError) {
        let path = try store.userPath(.seen, user: user)
        let engine = try store.engine(.seenstate_db)
        database = try inDatabase { () throws(CyrusDBError) in try store.databases.open(path, engine, [.create, .convert]) }
    }

    /// `1 LASTREAD LASTUID LASTCHANGE SEQ`; anything else counts as nothing seen.
    public func find(_ id: UniqueID) throws(MailboxError) -> Record {
        var record = Record()
        guard let value = try inDatabase({ () throws(CyrusDBError) in try database.value(Array(id.text.utf8)) }) else { return record }
        let words = value.split(separator: 0x20, maxSplits: 4, omittingEmptySubsequences: false).map { Array($0) }
        guard words.count >= 4, words[0] == [UInt8]("1") else { return record }
        func number(_ word: [UInt8]) -> UInt64 { word.span.bytes.decimal ?? 0 }
        record.lastRead = Int64(clamping: number(words[1]))
        record.lastUID = UID(UInt32(clamping: number(words[2])))
        record.lastChange = Int64(clamping: number(words[3]))
        if words.count > 4 { record.seen = words[4] }
        return record
    }

    public func store(_ id: UniqueID, _ record: Record) throws(MailboxError) {
        var value: [UInt8] = []
        value.append("1 ")
        value.append(decimal: record.lastRead)
        value.append(" ")
        value.append(decimal: record.lastUID.rawValue)
        value.append(" ")
        value.append(decimal: record.lastChange)
        value.append(" ")
        value.append(contentsOf: record.seen)
        try inDatabase { () throws(CyrusDBError) in try database.store(Array(id.text.utf8), value) }
    }

    public func delete(_ id: UniqueID) throws(MailboxError) {
        _ = try inDatabase { () throws(CyrusDBError) in try database.delete(Array(id.text.utf8)) }
    }
}

/// A user's subscriptions (Cyrus `sub.db`).
public final class SubscriptionStore {
    public let database: Database
    private let inbox: MailboxName
    private unowned let store: MailStore
    private let user: String

    private static let versionKey: [UInt8] = [0x1f, 0x56, 0x45, 0x52, 0x1f]

    init(_ store: MailStore, user: String) throws(MailboxError) {
        self.store = store
        self.user = user
        inbox = MailboxName.inbox(of: user)
        let path = try store.userPath(.sub, user: user)
        let engine = try store.engine(.subscription_db)
        let database = try inDatabase { () throws(CyrusDBError) in try store.databases.open(path, engine, .create) }
        self.database = database
        try upgrade()
    }

    /// Files without a version hold plain internal names: they become `N` and the database's form.
    private func upgrade() throws(MailboxError) {
        let version = try inDatabase { () throws(CyrusDBError) in try database.value(Self.versionKey) }
        guard version == nil else { return }
        try inDatabase { () throws(CyrusDBError) in
            let old = try database.records()
            try database.transaction { transaction throws(CyrusDBError) in
                for record in old {
                    try transaction.delete(record.key.span.bytes)
                    try transaction.store(key(MailboxName(record.key.text)), [])
                }
                try transaction.store(Self.versionKey, [UInt8]("2"))
            }
        }
    }

    /// `N` and the name, where the user's own INBOX is written `INBOX`.
    private func key(_ name: MailboxName) -> [UInt8] {
        var text = name.databaseKey
        let own = inbox.databaseKey
        if text.starts(with: own), text.count == own.count || text[own.count] == 0x1f {
            text.replaceSubrange(0..<own.count, with: [UInt8]("INBOX"))
        }
        return [UInt8(ascii: "N")] + text
    }

    private func name(_ key: [UInt8]) -> MailboxName {
        var text = Array(key.dropFirst())
        let word = [UInt8]("INBOX")
        if text.starts(with: word), text.count == word.count || text[word.count] == 0x1f {
            text.replaceSubrange(0..<word.count, with: inbox.databaseKey)
        }
        return MailboxName(databaseKey: text.span.bytes)
    }

    /// All names subscribed to, in the database's order.
    public func all() throws(MailboxError) -> [MailboxName] {
        try inDatabase { () throws(CyrusDBError) in try database.records(prefix: [UInt8(ascii: "N")]) }.map { name($0.key) }
    }

    public func contains(_ name: MailboxName) throws(MailboxError) -> Bool {
        try inDatabase { () throws(CyrusDBError) in try database.value(key(name)) } != nil
    }

    public func subscribe(_ name: MailboxName) throws(MailboxError) {
        if try contains(name) { return }
        try inDatabase { () throws(CyrusDBError) in try database.store(key(name), []) }
        store.tell(.subscribe(user: user, name))
    }

    public func unsubscribe(_ name: MailboxName) throws(MailboxError) {
        guard try inDatabase({ () throws(CyrusDBError) in try database.delete(key(name)) }) else { return }
        store.tell(.unsubscribe(user: user, name))
    }
}

extension MailStore {
    public func seen(of user: String) throws(MailboxError) -> SeenStore {
        try SeenStore(self, user: user)
    }

    public func subscriptions(of user: String) throws(MailboxError) -> SubscriptionStore {
        try SubscriptionStore(self, user: user)
    }
}
