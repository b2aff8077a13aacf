import Bytes
import CyrusDB
import DList
import Posix

extension MailboxList {
    /// What `upgrade` did.
    public struct Upgrade: Sendable, Equatable {
        /// Records of before 3.6 that were brought to today's form.
        public var converted = 0
        /// Names that were reserved by a creation that never came to its end.
        public var reservations = 0
        /// Mailboxes that got a unique id.
        public var identified = 0
        /// Reverse ACL records that were made or removed.
        public var reverse = 0

        public var isNothing: Bool { converted + reservations + identified + reverse == 0 }
    }

    /// Brings the list to what this version expects, each step in one transaction: records by name alone become pairs by name and id,
    /// reservations go, every mailbox gets a unique id, reverse ACLs follow option reverseacls.
    public func upgrade() throws(MailboxError) -> Upgrade {
        var done = Upgrade()
        let records = try inDatabase { () throws(CyrusDBError) in try database.records() }
        if Self.isOldList(records) { try convert(records, &done) }
        var reserved: [MailboxEntry] = []
        var nameless: [MailboxEntry] = []
        try forEach { entry throws(MailboxError) in
            if entry.type.state.contains(.reserved) {
                reserved.append(entry)
            } else if entry.isRegular, entry.uniqueID == nil {
                nameless.append(entry)
            }
            return .next
        }
        for entry in reserved {
            try purge(entry.name, id: nil)
            done.reservations += 1
        }
        for entry in nameless {
            var named = entry
            let stored = storedID(entry)
            named.uniqueID = stored ?? UniqueID.make()
            try update(named)
            // Then the mailbox's own file: it is only opened when the list knows it. Should this process die in between, the id is in
            // the list alone, and reconstruct puts it there.
            if stored == nil { writeID(named) }
            done.identified += 1
        }
        done.reverse = try alignReverseACLs()
        return done
    }

    /// Whether the list is one of before 3.6: nothing in it is kept under an id. A stray record does not make a list of today an old one.
    private static func isOldList(_ records: [(key: [UInt8], value: [UInt8])]) -> Bool {
        guard records.contains(where: { isOld($0.key, $0.value) }) else { return false }
        return !records.contains { key, value in
            guard key.first == UInt8(ascii: "I"), value.first == UInt8(ascii: "%") else { return false }
            // Only a record by id tells a name.
            return (try? DList(parsing: value))?["N"] != nil
        }
    }

    /// A key that is a mailbox's name as it stands, or a value of before dlists.
    private static func isOld(_ key: [UInt8], _ value: [UInt8]) -> Bool {
        guard let first = key.first else { return false }
        if first == UInt8(ascii: "A") { return key.count > 1 && !value.isEmpty }
        guard first == UInt8(ascii: "N") || first == UInt8(ascii: "I") else { return true }
        return value.first != UInt8(ascii: "%")
    }

    /// Mailboxes of before 3.6 lie in directories by name.
    private func convert(_ records: [(key: [UInt8], value: [UInt8])], _ done: inout Upgrade) throws(MailboxError) {
        var entries: [MailboxEntry] = []
        for (key, value) in records where key.first != UInt8(ascii: "$") {
            // Old keys are names as the store has them.
            let name = MailboxName(String(decoding: key, as: UTF8.self))
            do throws(MailboxError) {
                var entry = try MailboxEntry(name: name, value: value.span.bytes, path: database.path)
                if entry.modified == 0 { entry.modified = Clock.now }
                entry.type.state.insert(.legacyDirectories)
                if entry.uniqueID == nil, entry.isRegular { entry.uniqueID = storedID(entry) }
                entries.append(entry)
            } catch {
                store.logger.error("DBERROR: old mailbox record of \(name) is not kept: \(error)")
            }
        }
        let converted = entries
        let mailboxes = Self.byID(entries)
        try inDatabase { () throws(CyrusDBError) in
            try database.transaction { transaction throws(CyrusDBError) in
                for record in records { try transaction.delete(record.key.span.bytes) }
                for entry in converted {
                    try transaction.store(MailboxEntry.nameKey(entry.name).span.bytes, entry.nameValue.span.bytes)
                }
                for (id, entry) in mailboxes {
                    try transaction.store(MailboxEntry.idKey(id).span.bytes, entry.idValue.span.bytes)
                }
            }
        }
        done.converted = converted.count
    }

    /// Each id with the mailbox that has it, or had it last; tombstones of the same id are the names that it had before, newest first.
    private static func byID(_ entries: [MailboxEntry]) -> [(UniqueID, MailboxEntry)] {
        var groups: [UniqueID: [MailboxEntry]] = [:]
        for entry in entries where !entry.type.state.contains(.reserved) {
            if let id = entry.uniqueID { groups[id, default: []].append(entry) }
        }
        return groups.map { id, group in
            let sorted = group.sorted { a, b in
                if a.type.isDeleted != b.type.isDeleted { return b.type.isDeleted }
                return (a.folderModSeq, a.modified) > (b.folderModSeq, b.modified)
            }
            var owner = sorted[0]
            owner.history = sorted.dropFirst().map { former in
                MailboxEntry.Former(
                    name: former.name, modified: former.modified, uidValidity: former.uidValidity, createdModSeq: former.createdModSeq,
                    folderModSeq: former.folderModSeq, type: former.type, partition: "")
            }
            return (id, owner)
        }
    }

    /// The unique id that a mailbox's cyrus.header has.
    private func storedID(_ entry: MailboxEntry) -> UniqueID? {
        var place = entry
        place.type.state.insert(.legacyDirectories)
        guard let path = store.layout.metaPath(place, .header), let bytes = try? FileSystem.read(path),
            let header = try? HeaderFile(bytes.span.bytes, path: path)
        else { return nil }
        return header.uniqueID
    }

    /// Writes the id that a mailbox gets into its cyrus.header. A mailbox whose files cannot be read has it in the list alone.
    private func writeID(_ entry: MailboxEntry) {
        let id = entry.uniqueID?.text ?? ""
        do throws(MailboxError) {
            let lock = try store.lock(user: entry.name.user, .exclusive)
            defer { lock.keep() }
            var change = try store.mailbox(entry).change(under: lock)
            change.updateHeaderFile { $0.uniqueID = entry.uniqueID }
            change.updateHeader { _ in }
            try change.commit()
            store.logger.info("mailbox header had no uniqueid, creating one: mboxname=<\(entry.name)> newuniqueid=<\(id)>")
        } catch {
            store.logger.error("IOERROR: \(entry.name) has its new unique id \(id) in the mailbox list alone: \(error)")
        }
    }

    /// `AS` 0x1E says that reverse ACLs are kept.
    private static let reverseMarker: [UInt8] = [UInt8(ascii: "A"), UInt8(ascii: "S"), 0x1e]

    private func alignReverseACLs() throws(MailboxError) -> Int {
        let kept = try inDatabase { () throws(CyrusDBError) in try database.records(prefix: [UInt8(ascii: "A")]).map(\.key) }
        if !reverseACLs {
            guard !kept.isEmpty else { return 0 }
            try inDatabase { () throws(CyrusDBError) in
                try database.transaction { transaction throws(CyrusDBError) in
                    for key in kept { try transaction.delete(key.span.bytes) }
                }
            }
            return kept.count
        }
        if kept.contains(Self.reverseMarker) { return 0 }
        var keys: [[UInt8]] = []
        try forEach { entry throws(MailboxError) in
            if entry.isRegular {
                keys += Self.reverseKeys(entry)
            }
            return .next
        }
        let made = keys
        try inDatabase { () throws(CyrusDBError) in
            try database.transaction { transaction throws(CyrusDBError) in
                for key in made + [Self.reverseMarker] { try transaction.store(key.span.bytes, [UInt8]().span.bytes) }
            }
        }
        return made.count
    }
}
