import Bytes
import CyrusDB
import DList

/// A user's conversations.db open in one transaction (Cyrus `conversations_state`): which messages belong together, how many there are of
/// them in which folder, and where each content is kept.
///
/// Keys: `$COUNTED_FLAGS`, `$FOLDER_IDS`, `<msgid>`, `B` conversation, `F` folder, `G` content, `Q`.
/// Opened under the user's exclusive lock. Nothing is kept unless `commit` is called: folders' counts and the like are gathered and
/// written there. Values that cannot be read are damage, and the caller goes on without conversations (`PendingChange`).
final class ConversationsDatabase {
    let path: String
    let database: Database
    var transaction: Transaction?
    /// Names of the flags that are counted in each conversation.
    private(set) var countedFlags: [[UInt8]] = []
    /// By folder number; "-" where a number is free.
    private(set) var folders: [[UInt8]] = []
    /// Old files have folders by name; they stay so until they are rebuilt.
    private(set) var isByName = false
    private var foldersTouched = false
    private var statuses: [[UInt8]: FolderStatus] = [:]
    private var quota: ConversationQuota?
    /// The key of the folder whose messages do not make a conversation unseen.
    var trash: [UInt8]?
    /// Whether a folder is one of mail, by its number; calendars and the like do not count.
    var isMailFolder: (_ key: [UInt8]) -> Bool = { _ in true }

    /// Messages a conversation may have before the next ones found another (`conversations_max_thread`).
    var longest = UInt32.max
    /// Conversations that grew too long, with those that go on for them: as noted before, and those of this transaction.
    var continuation: (ConversationID) -> ConversationID? = { _ in nil }
    var continuations: [ConversationID: ConversationID] = [:]

    private static let flagsKey = [UInt8]("$COUNTED_FLAGS" as StaticString)
    private static let foldersKey = [UInt8]("$FOLDER_IDS" as StaticString)
    private static let folderNamesKey = [UInt8]("$FOLDER_NAMES" as StaticString)
    private static let quotaKey = [UInt8]("Q" as StaticString)
    private static let freeSlot = [UInt8]("-" as StaticString)

    /// Begins the transaction. A new file gets the counted flags of the configuration; they hold until it is rebuilt.
    init(_ database: Database, flags: String) throws(MailboxError) {
        self.database = database
        path = database.path
        transaction = try inDatabase { () throws(CyrusDBError) in try database.begin() }
        var words = try value(Self.flagsKey)
        if words == nil {
            words = Array(flags.utf8)
            if !flags.isEmpty { try store(Self.flagsKey, Array(flags.utf8)) }
        }
        countedFlags = (words ?? []).split { $0.isASCIISpace }.map { Array($0) }
        if let ids = try value(Self.foldersKey) {
            folders = try list(ids, Self.foldersKey)
        } else if let names = try value(Self.folderNamesKey) {
            folders = try list(names, Self.folderNamesKey)
            isByName = true
        }
    }

    private func list(_ value: [UInt8], _ key: [UInt8]) throws(MailboxError) -> [[UInt8]] {
        guard let items = (try? DList(parsing: value))?.list else { throw damage(key, value) }
        return items.map { $0.bytes ?? [] }
    }

    func damage(_ key: [UInt8], _ value: [UInt8]) -> MailboxError {
        let shown = Array(value.prefix(200))
        return .damaged(path: path, offset: 0, expected: "a value of \(key.span.bytes.text)", found: shown.span.bytes.text)
    }

    // MARK: records

    func value(_ key: [UInt8]) throws(MailboxError) -> [UInt8]? {
        try inDatabase { () throws(CyrusDBError) in try database.value(key) }
    }

    func store(_ key: [UInt8], _ value: [UInt8]) throws(MailboxError) {
        try inDatabase { () throws(CyrusDBError) in
            try transaction?.store(key, value)
        }
    }

    func delete(_ key: [UInt8]) throws(MailboxError) {
        _ = try inDatabase { () throws(CyrusDBError) in
            try transaction?.delete(key)
        }
    }

    static func key(_ cid: ConversationID) -> [UInt8] {
        var key: [UInt8] = [UInt8(ascii: "B")]
        key.append(hex: cid.rawValue, width: 16)
        return key
    }

    /// nil when there is none.
    func conversation(_ cid: ConversationID) throws(MailboxError) -> ConversationRecord? {
        let key = Self.key(cid)
        guard let value = try value(key) else { return nil }
        guard let record = ConversationRecord(value) else { throw damage(key, value) }
        return record
    }

    /// Writes a conversation, or removes it when no record is left in it.
    func save(_ cid: ConversationID, _ record: ConversationRecord) throws(MailboxError) {
        if record.records > 0 {
            try store(Self.key(cid), record.value(flags: countedFlags.count))
        } else {
            try delete(Self.key(cid))
        }
    }

    // MARK: message ids

    func conversations(of messageID: [UInt8]) throws(MailboxError) -> [ConversationID] {
        guard let value = try value(messageID) else { return [] }
        // One that is damaged is written anew when the next message names it.
        return MessageIDRecord(value: value)?.conversations ?? []
    }

    func add(_ cid: ConversationID, to messageID: [UInt8], now: Int64) throws(MailboxError) {
        var all = try conversations(of: messageID)
        if all.contains(cid) { return }
        all.append(cid)
        try store(messageID, MessageIDRecord(all, stamp: now).value)
    }

    // MARK: folders

    /// How a mailbox is named here.
    func folderKey(_ entry: MailboxEntry) -> [UInt8] {
        Array((isByName ? entry.name.text : entry.uniqueID?.text ?? entry.name.text).utf8)
    }

    /// The number of a folder; it gets the first free one when it has none.
    func folderNumber(_ key: [UInt8]) -> Int {
        if let place = folders.firstIndex(of: key) { return place }
        foldersTouched = true
        if let free = folders.firstIndex(of: Self.freeSlot) {
            folders[free] = key
            return free
        }
        folders.append(key)
        return folders.count - 1
    }

    /// Frees the number of a folder that is gone.
    func dropFolder(_ key: [UInt8]) {
        guard let place = folders.firstIndex(of: key) else { return }
        folders[place] = Self.freeSlot
        foldersTouched = true
    }

    var trashNumber: Int? { trash.flatMap { folders.firstIndex(of: $0) } }

    func status(_ folder: [UInt8]) throws(MailboxError) -> FolderStatus {
        if let known = statuses[folder] { return known }
        let key = [UInt8(ascii: "F")] + folder
        guard let value = try value(key) else { return FolderStatus() }
        guard let status = FolderStatus(value) else { throw damage(key, value) }
        return status
    }

    func setStatus(_ folder: [UInt8], _ status: FolderStatus) {
        statuses[folder] = status
    }

    /// A folder changed in other ways than by its messages.
    func raise(_ folder: [UInt8], to modSeq: ModSeq) throws(MailboxError) {
        var status = try status(folder)
        guard status.threadModSeq < modSeq else { return }
        status.threadModSeq = modSeq
        setStatus(folder, status)
    }

    // MARK: counting anew

    /// Nothing is counted, by the flags that are to be counted from now on.
    func restart(flags: String) throws(MailboxError) {
        let words = Array(flags.utf8)
        if try value(Self.flagsKey) ?? [] != words { try store(Self.flagsKey, words) }
        countedFlags = words.split { $0.isASCIISpace }.map { Array($0) }
        statuses = [:]
        quota = ConversationQuota()
    }

    /// Gives numbers to folders by their ids instead of their names: nothing may be kept by the old ones.
    func numberFoldersById() throws(MailboxError) {
        try delete(Self.folderNamesKey)
        (isByName, folders, foldersTouched) = (false, [], true)
    }

    // MARK: what all weighs

    func weigh(emails: Int, storage: Int64) throws(MailboxError) {
        guard emails != 0 || storage != 0 else { return }
        var sum = ConversationQuota()
        if let quota {
            sum = quota
        } else if let value = try value(Self.quotaKey) {
            guard let found = ConversationQuota(value) else { throw damage(Self.quotaKey, value) }
            sum = found
        }
        sum.emails = max(0, sum.emails &+ Int64(emails))
        sum.storage = max(0, sum.storage &+ storage)
        quota = sum
    }

    // MARK: end

    /// Writes what was gathered; `commit` is to follow.
    func flush() throws(MailboxError) {
        if foldersTouched {
            var out: [UInt8] = []
            out.append(DList.list(folders.map { .string($0) }))
            try store(isByName ? Self.folderNamesKey : Self.foldersKey, out)
        }
        for (folder, status) in statuses {
            let key = [UInt8(ascii: "F")] + folder
            if status.threadModSeq == .none { try delete(key) } else { try store(key, status.value) }
        }
        if let quota { try store(Self.quotaKey, quota.value) }
        foldersTouched = false
        statuses = [:]
        quota = nil
    }

    /// Makes everything durable.
    func commit() throws(MailboxError) {
        let open = transaction.take()
        guard let open else { return }
        do throws(CyrusDBError) {
            try open.commit()
        } catch {
            throw .database(error)
        }
    }

    /// Forgets everything.
    func abort() {
        transaction = nil
    }
}
