import Bytes
import CyrusDB
import Posix

// Upkeep of a user's conversations.db as a whole (Cyrus `ctl_conversationsdb`).
extension MailStore {
    /// Where a user's conversations.db is.
    public func conversationsPath(user: String) throws(MailboxError) -> String {
        try conversationsPath(MailboxName.inbox(of: user))
    }

    private func conversationMailboxes(of user: String) throws(MailboxError) -> [MailboxEntry] {
        try list.mailboxes(of: user).filter { keepsConversations($0) }
    }

    /// Counts everything anew from the user's mailboxes, in one transaction: after a crash the file is as it was, or right.
    ///
    /// `told` is given each mailbox before it is read.
    public func recountConversations(of user: String, _ told: (MailboxName) -> Void = { _ in }) throws(MailboxError) {
        let lock = try lock(user: user, .exclusive)
        try recount(user, under: lock, path: nil, told)
        lock.keep()
    }

    private func recount(
        _ user: String, under lock: borrowing UserLock, path: String?, _ told: (MailboxName) -> Void
    ) throws(MailboxError) {
        let now = Clock.now
        let database = try openConversations(MailboxName.inbox(of: user), path: path)
        try database.forgetCounts(flags: configuration[.conversations_counted_flags] ?? "")
        for entry in try conversationMailboxes(of: user) {
            told(entry.name)
            let mailbox = try mailbox(entry)
            let view = try mailbox.read(under: lock)
            let folder = database.folderKey(entry)
            // What earlier mailboxes have told of it is told again by its own messages.
            database.setStatus(folder, FolderStatus())
            for number in 1..<(view.recordCount + 1) {
                let record = try view.record(number)
                if record.isUnlinked { continue }
                let source = try mailbox.conversationSource(record)
                try database.recount(record, source, folder: folder, keywords: view.headerFile.userFlags, now: now)
            }
            try database.raise(folder, to: entry.folderModSeq)
        }
        try database.flush()
        try database.commit()
        tidy(database)
    }

    /// The folders that have a number in a user's conversations.db and are no mailboxes of his.
    public func unknownConversationFolders(of user: String) throws(MailboxError) -> [String] {
        let lock = try lock(user: user, .exclusive)
        let database = try openConversations(MailboxName.inbox(of: user))
        let known = Set(try list.mailboxes(of: user, all: true).map { database.folderKey($0) })
        let unknown = database.folders.filter { $0 != Array("-".utf8) && !known.contains($0) }
        database.abort()
        lock.keep()
        return unknown.map { $0.span.bytes.text }
    }

    /// Takes all messages of a user out of their conversations. Each gets a new modseq.
    public func clearConversations(of user: String) throws(MailboxError) {
        try changeAll(user) { pending throws(MailboxError) in
            for number in 1..<(pending.recordCount + 1) { try pending.update(number, silent: false) { $0.cid = .none } }
        }
    }

    /// Finds conversations for those messages of a user that have none. Each gets a new modseq.
    public func buildConversations(of user: String) throws(MailboxError) {
        try changeAll(user) { pending throws(MailboxError) in
            pending.assignsMissing = true
            for number in 1..<(pending.recordCount + 1) {
                let record = try pending.record(number)
                guard record.cid == .none, !record.isUnlinked else { continue }
                let cid = ConversationID(content: record.guid)
                // Another one may be found for it at the commit.
                try pending.update(number, silent: false) { $0.cid = cid }
                pending.setConversation(number, .none)
            }
        }
    }

    private func changeAll(_ user: String, _ body: (PendingChange) throws(MailboxError) -> Void) throws(MailboxError) {
        let lock = try lock(user: user, .exclusive)
        for entry in try conversationMailboxes(of: user) {
            let change = try mailbox(entry).change(under: lock)
            try body(change.pending)
            try change.commit()
        }
        lock.keep()
    }

    /// What is wrong with one record of a conversations.db.
    public struct ConversationFault: Sendable {
        public let key: [UInt8]
        /// nil when there is no such record.
        public let found: [UInt8]?
        /// nil when there should be none.
        public let expected: [UInt8]?
    }

    /// Counts everything anew into a copy of the file, in `directory`, and compares: what the file itself has wrong. It is not changed.
    ///
    /// Message ids that no message has are no fault: they are kept for replies yet to come.
    public func auditConversations(
        of user: String, in directory: String, _ told: (MailboxName) -> Void = { _ in }
    ) throws(MailboxError) -> [ConversationFault] {
        let lock = try lock(user: user, .exclusive)
        let path = try conversationsPath(user: user)
        let engine = try engine(.conversations_db)
        let copy = "\(directory)/conversations-audit-\(Process.id).db"
        defer { _ = try? FileSystem.unlink(copy) }
        let live = try inDatabase { () throws(CyrusDBError) in
            let live = try databases.open(path, engine)
            try databases.copy(live, to: copy, engine)
            return live
        }
        try recount(user, under: lock, path: copy, told)
        lock.keep()
        return try inDatabase { () throws(CyrusDBError) in
            var faults: [ConversationFault] = []
            let right = try databases.open(copy, engine)
            try right.forEach(prefix: [UInt8]().span.bytes) { key, value throws(CyrusDBError) in
                let found = try live.value(key.array)
                if let found, Self.agree(key, found, value.array) { return .next }
                faults.append(ConversationFault(key: key.array, found: found, expected: value.array))
                return .next
            }
            try live.forEach(prefix: [UInt8]().span.bytes) { key, value throws(CyrusDBError) in
                if try right.value(key.array) == nil {
                    faults.append(ConversationFault(key: key.array, found: value.array, expected: nil))
                }
                return .next
            }
            return faults
        }
    }

    /// Messages that are gone have left modseqs that are higher than those of the messages that are there, and moments that ids were seen at.
    private static func agree(_ key: RawSpan, _ found: [UInt8], _ expected: [UInt8]) -> Bool {
        if found == expected { return true }
        switch key[0] {
        case UInt8(ascii: "<"): return true
        case UInt8(ascii: "F"):
            guard var status = FolderStatus(found), let right = FolderStatus(expected) else { return false }
            if status.threadModSeq > right.threadModSeq { status.threadModSeq = right.threadModSeq }
            return status == right
        case UInt8(ascii: "B"):
            guard var record = ConversationRecord(found), let right = ConversationRecord(expected) else { return false }
            if record.modSeq > right.modSeq { record.modSeq = right.modSeq }
            for place in record.folders.indices where place < right.folders.count {
                record.folders[place].modSeq = min(record.folders[place].modSeq, right.folders[place].modSeq)
            }
            let flags = max(record.counts.count, right.counts.count)
            return record.value(flags: flags) == right.value(flags: flags)
        default: return false
        }
    }
}
