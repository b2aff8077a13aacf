import Bytes
public import CyrusDB
import DList
import Posix

/// mailboxes.db: which mailboxes there are (Cyrus `mboxlist`).
///
/// Each mailbox has an N record under its name and an I record under its unique id; both are always written in one transaction,
/// so that a crash leaves either both or neither.
public final class MailboxList {
    unowned let store: MailStore
    public let database: Database
    let reverseACLs: Bool

    /// The configuration's list, or the one in another file.
    public init(_ store: MailStore, path other: String? = nil) throws(MailboxError) {
        self.store = store
        let configuration = store.configuration
        let path = other ?? configuration[.mboxlist_db_path] ?? "\(configuration.directory)/mailboxes.db"
        let engine = try store.engine(.mboxlist_db)
        database = try inDatabase { () throws(CyrusDBError) in try store.databases.open(path, engine, .create) }
        reverseACLs = configuration[.reverseacls]
    }

    // MARK: looking up

    /// The entry of a name, tombstones and reservations included; nil when there is no record.
    public func find(_ name: MailboxName) throws(MailboxError) -> MailboxEntry? {
        let key = MailboxEntry.nameKey(name)
        let value = try inDatabase { () throws(CyrusDBError) in try database.value(key) }
        guard let value else { return nil }
        return try MailboxEntry(name: name, value: value.span.bytes, path: database.path)
    }

    /// The entry of a unique id, with the history of its names.
    public func find(_ id: UniqueID) throws(MailboxError) -> MailboxEntry? {
        let key = MailboxEntry.idKey(id)
        let value = try inDatabase { () throws(CyrusDBError) in try database.value(key) }
        guard let value else { return nil }
        return try MailboxEntry(id: id, value: value.span.bytes, path: database.path)
    }

    /// Visits the entries whose names are `prefix` or start with it bytewise (in the database's form), in the database's order.
    /// Damaged records are logged and passed over, so that one of them does not hide all others.
    public func forEach(
        prefix: [UInt8] = [], _ body: (MailboxEntry) throws(MailboxError) -> Visit
    ) throws(MailboxError) {
        var failure: MailboxError?
        do throws(CyrusDBError) {
            try database.forEach(prefix: ([UInt8(ascii: "N")] + prefix).span.bytes) { key, value throws(CyrusDBError) in
                do throws(MailboxError) {
                    let name = MailboxName(databaseKey: key.dropping(1))
                    let entry: MailboxEntry
                    do throws(MailboxError) {
                        entry = try MailboxEntry(name: name, value: value, path: database.path)
                    } catch {
                        store.logger.error("DBERROR: mailbox record of \(name) passed over: \(error)")
                        return .next
                    }
                    return try body(entry)
                } catch {
                    failure = error
                    return .stop
                }
            }
        } catch {
            throw .database(error)
        }
        if let failure { throw failure }
    }

    /// The mailboxes of a user, INBOX first, with those below it; deleted ones and steps on the way only when asked for.
    public func mailboxes(of user: String, all: Bool = false) throws(MailboxError) -> [MailboxEntry] {
        let inbox = MailboxName.inbox(of: user)
        var found: [MailboxEntry] = []
        if let entry = try find(inbox), all || entry.isRegular { found.append(entry) }
        try forEach(prefix: inbox.databaseKey + [0x1f]) { entry throws(MailboxError) in
            if all || entry.isRegular { found.append(entry) }
            return .next
        }
        return found
    }

    /// The entries below a name (not itself).
    public func below(_ name: MailboxName) throws(MailboxError) -> [MailboxEntry] {
        var found: [MailboxEntry] = []
        try forEach(prefix: name.databaseKey + [0x1f]) { entry throws(MailboxError) in
            if !entry.type.isDeleted { found.append(entry) }
            return .next
        }
        return found
    }

    /// Whether a regular mailbox stands below the name.
    public func hasChildren(_ name: MailboxName) throws(MailboxError) -> Bool {
        var has = false
        try forEach(prefix: name.databaseKey + [0x1f]) { entry throws(MailboxError) in
            guard entry.isRegular else { return .next }
            has = true
            return .stop
        }
        return has
    }

    /// The nearest entry above a name that is a regular mailbox.
    public func ancestor(of name: MailboxName) throws(MailboxError) -> MailboxEntry? {
        var parent = name.parent
        while let candidate = parent {
            if let entry = try find(candidate), entry.isRegular { return entry }
            parent = candidate.parent
        }
        return nil
    }

    // MARK: writing

    /// Writes a mailbox's two records, and its reverse ACL records, in one transaction.
    public func update(_ entry: MailboxEntry) throws(MailboxError) {
        let before = try entriesBefore([entry])
        try write { transaction throws(CyrusDBError) in try self.put(entry, &transaction) }
        report([entry], before)
    }

    /// For the audit log: what stands under the names that are to be written.
    private func entriesBefore(_ entries: [MailboxEntry]) throws(MailboxError) -> [MailboxEntry?] {
        guard store.audit != nil else { return [] }
        var found: [MailboxEntry?] = []
        for entry in entries { found.append(try find(entry.name)) }
        return found
    }

    private func report(_ entries: [MailboxEntry], _ before: [MailboxEntry?]) {
        guard let audit = store.audit else { return }
        for (entry, old) in zip(entries, before) { audit.listed(entry, before: old) }
    }

    /// Writes an entry and takes another name's record down to a tombstone, in one transaction (rename, delete).
    public func update(_ entry: MailboxEntry, tombstone: MailboxEntry) throws(MailboxError) {
        let before = try entriesBefore([tombstone, entry])
        try write { transaction throws(CyrusDBError) in
            try self.putName(tombstone, &transaction)
            try self.put(entry, &transaction)
        }
        report([tombstone, entry], before)
    }

    /// Leaves a tombstone for a mailbox that is gone, under its name and its id.
    public func bury(_ tombstone: MailboxEntry) throws(MailboxError) {
        try write { transaction throws(CyrusDBError) in try self.put(tombstone, &transaction) }
    }

    /// Writes many mailboxes in one transaction: after a crash there are all or none of them.
    public func load(_ entries: [MailboxEntry]) throws(MailboxError) {
        if entries.isEmpty { return }
        try write { transaction throws(CyrusDBError) in
            for entry in entries { try self.put(entry, &transaction) }
        }
    }

    /// Takes names out of the list, in one transaction. What is kept under their ids stays.
    public func remove(_ names: [MailboxName]) throws(MailboxError) {
        if names.isEmpty { return }
        try write { transaction throws(CyrusDBError) in
            for name in names {
                try self.removeReverse(name, &transaction)
                try transaction.delete(MailboxEntry.nameKey(name).span.bytes)
            }
        }
    }

    /// Removes every trace of a name (and of the id, when given).
    public func purge(_ name: MailboxName, id: UniqueID?) throws(MailboxError) {
        try write { transaction throws(CyrusDBError) in
            try self.removeReverse(name, &transaction)
            try transaction.delete(MailboxEntry.nameKey(name).span.bytes)
            if let id { try transaction.delete(MailboxEntry.idKey(id).span.bytes) }
        }
    }

    private func write(_ body: (inout Transaction) throws(CyrusDBError) -> Void) throws(MailboxError) {
        try inDatabase { () throws(CyrusDBError) in
            try database.transaction { transaction throws(CyrusDBError) in try body(&transaction) }
            if database.needsCheckpoint { try database.checkpoint() }
        }
    }

    private func put(_ entry: MailboxEntry, _ transaction: inout Transaction) throws(CyrusDBError) {
        try putName(entry, &transaction)
        guard let id = entry.uniqueID else { return }
        var full = entry
        // The history of names is kept in the I record alone, and only grows by renames.
        if full.history.isEmpty, let old = try transaction.value(MailboxEntry.idKey(id)),
            let before = try? MailboxEntry(id: id, value: old.span.bytes, path: database.path)
        {
            full.history = before.history
            let becomesReal = before.type.isIntermediate && entry.isRegular
            if before.name != entry.name || becomesReal {
                var former = before
                if before.name != entry.name { former.type.state.insert(.deleted) }
                full.history.insert(
                    MailboxEntry.Former(
                        name: before.name, modified: entry.modified, uidValidity: before.uidValidity,
                        createdModSeq: before.createdModSeq, folderModSeq: entry.folderModSeq, type: former.type, partition: ""),
                    at: 0)
            }
        }
        try transaction.store(MailboxEntry.idKey(id).span.bytes, full.idValue.span.bytes)
    }

    private func putName(_ entry: MailboxEntry, _ transaction: inout Transaction) throws(CyrusDBError) {
        try removeReverse(entry.name, &transaction)
        try transaction.store(MailboxEntry.nameKey(entry.name).span.bytes, entry.nameValue.span.bytes)
        if reverseACLs, entry.isRegular {
            for key in Self.reverseKeys(entry) { try transaction.store(key.span.bytes, [UInt8]().span.bytes) }
        }
    }

    private func removeReverse(_ name: MailboxName, _ transaction: inout Transaction) throws(CyrusDBError) {
        guard reverseACLs, let value = try transaction.value(MailboxEntry.nameKey(name)),
            let old = try? MailboxEntry(name: name, value: value.span.bytes, path: database.path)
        else { return }
        for granted in old.acl.entries { try transaction.delete(Self.reverseKey(name, granted.identifier).span.bytes) }
    }

    /// The reverse ACL records of a mailbox: of everybody but its owner who may look it up or read it.
    static func reverseKeys(_ entry: MailboxEntry) -> [[UInt8]] {
        let owner = entry.name.user
        return entry.acl.entries.filter { $0.identifier != owner && !$0.rights.isDisjoint(with: [.lookup, .read]) }
            .map { reverseKey(entry.name, $0.identifier) }
    }

    /// `A`, `U` or `S`, 0x1E, the ACL's identifier, 0x1E, the name.
    static func reverseKey(_ name: MailboxName, _ identifier: String) -> [UInt8] {
        var key: [UInt8] = [UInt8(ascii: "A"), name.user == nil ? UInt8(ascii: "S") : UInt8(ascii: "U"), 0x1e]
        key.append(text: identifier)
        key.append(0x1e)
        return key + name.databaseKey
    }
}
