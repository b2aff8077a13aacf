import Bytes
import CyrusDB

/// One message's change as conversations.db sees it.
struct ConversationChange {
    var old: IndexRecord?
    var new: IndexRecord?
    let source: ConversationSource
    /// The folder's key, and its number.
    let folder: (key: [UInt8], number: Int)
    /// Names of the mailbox's keywords.
    let keywords: [[UInt8]]

    /// What the record is now, or was.
    var record: IndexRecord { new ?? old ?? IndexRecord() }
}

/// How many copies of a content there are.
private struct CopyCount {
    var records = 0
    var exists = 0
    var unseen = 0
    var folderRecords = 0
    var folderExists = 0
    var folderUnseen = 0
}

/// Before and after a change: by how much a thing that is counted once moves.
private func step(_ before: Int, _ after: Int, once: Bool = true) -> Int {
    once ? (after > 0 ? 1 : 0) - (before > 0 ? 1 : 0) : after - before
}

extension ConversationsDatabase {
    /// The conversation of a new message: that of a copy that is there already, else the highest-numbered one that one of its ids was
    /// seen in with the same subject, else one of its own. Its ids are noted as seen in it.
    ///
    /// A conversation that is too long goes on in another, whose first message numbers it; `base` is then the long one, which the ids
    /// stay with.
    func assign(
        _ record: IndexRecord, _ source: ConversationSource, now: Int64
    ) throws(MailboxError) -> (cid: ConversationID, base: ConversationID?) {
        let copied = try conversation(ofContent: record.guid)
        var cid = copied ?? record.cid
        var base: ConversationID?
        if cid == .none {
            for (place, list) in source.identifiers.enumerated() {
                for id in list {
                    for candidate in try conversations(of: id) where candidate.rawValue > cid.rawValue {
                        // X-ME-Message-ID joins whatever the subject; so do conversations of drafts, which have none.
                        if place < 3, let subject = try conversation(candidate)?.subject, subject != source.subject { continue }
                        cid = candidate
                    }
                }
            }
        }
        if cid == .none { cid = ConversationID(content: record.guid) }
        if copied == nil {
            if let next = continuations[cid] ?? continuation(cid) {
                base = cid
                cid = next
            }
            let fresh = ConversationID(content: record.guid)
            if cid != fresh, try conversation(cid)?.exists ?? 0 >= longest {
                let long = base ?? cid
                base = long
                cid = fresh
                continuations[long] = fresh
            }
        }
        for list in source.identifiers {
            for id in list { try add(base ?? cid, to: id, now: now) }
        }
        return (cid, base)
    }

    /// The conversation that a copy of a content is in.
    private func conversation(ofContent guid: GUID) throws(MailboxError) -> ConversationID? {
        var found: ConversationID?
        _ = try inDatabase { () throws(CyrusDBError) in
            _ = try database.forEach(prefix: CopyRecord.prefix(guid).span.bytes) { key, value in
                guard CopyRecord.folder(ofMessageKey: key) != nil else { return .next }
                let copy = CopyRecord(value)
                if copy.cid == .none { return .next }
                found = copy.cid
                return .stop
            }
        }
        return found
    }

    /// Brings everything derived from a message up to its change.
    func apply(_ change: ConversationChange, limits: CopyLimits?) throws(MailboxError) {
        if let old = change.old, let new = change.new, old.cid != new.cid {
            var part = change
            part.new = nil
            try apply(part, limits: nil)
            part.new = new
            part.old = nil
            try apply(part, limits: limits)
            return
        }
        let record = change.record
        let before: CopyCount
        var present: Set<Int>
        (before, present) = try count(record.guid, folder: change.folder.number)
        try setCopies(change)
        let (after, presentAfter) = try count(record.guid, folder: change.folder.number)
        present.formUnion(presentAfter)
        if let limits, after.records > before.records,
            after.records > limits.records || after.exists > limits.exists || after.folderExists > limits.inFolder
        {
            throw .tooManyCopies
        }
        let exists = step(before.exists, after.exists)
        let size = Int64(clamping: record.size) * Int64(exists)
        try weigh(emails: exists, storage: size)
        guard record.cid != .none else { return }
        var conversation: ConversationRecord
        if let found = try self.conversation(record.cid) {
            conversation = found
        } else {
            // Removing from a conversation that is gone already changes nothing.
            guard change.new != nil else { return }
            conversation = ConversationRecord()
        }
        if conversation.subject == nil, !record.flags.contains(.draft) { conversation.subject = change.source.subject }
        conversation.update(sender: change.source.sender, lastSeen: record.gmTime, by: exists)
        conversation.update(message: record.guid, internalDate: record.isExpunged ? 0 : record.internalDate, by: exists)
        conversation.size = UInt32(truncatingIfNeeded: max(0, Int64(conversation.size) + size))
        countFlags(change, &conversation)
        try move(change, &conversation, before, after, present)
        try save(record.cid, conversation)
    }

    /// Writes or removes the records of the message's content and of its parts'.
    private func setCopies(_ change: ConversationChange) throws(MailboxError) {
        let record = change.record
        if let old = change.old, let new = change.new, old.flags == new.flags, old.internalDate == new.internalDate { return }
        let folder = change.folder.number
        let contents = [(path: [], guid: record.guid)] + change.source.parts
        guard change.new != nil else {
            for (path, guid) in contents { try delete(CopyRecord.key(guid, folder: folder, uid: record.uid, part: path)) }
            return
        }
        let value = CopyRecord(cid: record.cid, flags: record.flags, internalDate: record.internalDate, version: isByName ? 1 : 2).value
        for (path, guid) in contents { try store(CopyRecord.key(guid, folder: folder, uid: record.uid, part: path), value) }
    }

    /// Counts the copies of a content, and the folders that it is in.
    private func count(_ guid: GUID, folder: Int) throws(MailboxError) -> (CopyCount, Set<Int>) {
        var sum = CopyCount()
        var present: Set<Int> = []
        let trash = trashNumber
        let folders = folders
        _ = try inDatabase { () throws(CyrusDBError) in
            _ = try database.forEach(prefix: CopyRecord.prefix(guid).span.bytes) { key, value in
                guard let number = CopyRecord.folder(ofMessageKey: key) else { return .next }
                let copy = CopyRecord(value)
                guard copy.cid != .none else { return .next }
                let isHere = number == folder
                sum.records += 1
                if isHere { sum.folderRecords += 1 }
                guard number < folders.count, isMailFolder(folders[number]) else { return .next }
                if copy.version > 0, !copy.flags.isDisjoint(with: [.deleted, .expunged]) { return .next }
                sum.exists += 1
                if isHere { sum.folderExists += 1 }
                present.insert(number)
                if copy.version == 0 || copy.flags.isDisjoint(with: [.seen, .draft]) {
                    if number != trash { sum.unseen += 1 }
                    if isHere { sum.folderUnseen += 1 }
                }
                return .next
            }
        }
        return (sum, present)
    }

    private func countFlags(_ change: ConversationChange, _ conversation: inout ConversationRecord) {
        while conversation.counts.count < countedFlags.count { conversation.counts.append(0) }
        for (place, name) in countedFlags.enumerated() {
            func has(_ record: IndexRecord?) -> Int {
                guard let record, record.flags.isDisjoint(with: [.deleted, .expunged]) else { return 0 }
                return record.has(flag: name.span.bytes, keywords: change.keywords) ? 1 : 0
            }
            conversation.counts[place].move(by: has(change.new) - has(change.old))
        }
    }

    /// Moves the counts of the conversation, of its folders, and of the folders as wholes.
    private func move(
        _ change: ConversationChange, _ conversation: inout ConversationRecord, _ before: CopyCount, _ after: CopyCount, _ present: Set<Int>
    ) throws(MailboxError) {
        let record = change.record
        let once = conversation.version > 0
        let here = conversation.folder(change.folder.number)
        let old = (folder: conversation.folders[here], unseen: conversation.unseen)
        let modSeq = max(change.old?.modSeq ?? .none, change.new?.modSeq ?? .none)
        let isTrash = change.folder.number == trashNumber
        conversation.records.move(by: step(before.records, after.records, once: once))
        conversation.exists.move(by: step(before.exists, after.exists, once: once))
        conversation.unseen.move(by: step(before.unseen, after.unseen, once: once))
        conversation.folders[here].records.move(by: step(before.folderRecords, after.folderRecords, once: once))
        conversation.folders[here].exists.move(by: step(before.folderExists, after.folderExists, once: once))
        conversation.folders[here].unseen.move(by: step(before.folderUnseen, after.folderUnseen, once: once))
        conversation.modSeq = max(conversation.modSeq, modSeq)
        conversation.folders[here].modSeq = max(conversation.folders[here].modSeq, modSeq)
        if record.createdModSeq != .none, conversation.createdModSeq == .none || record.createdModSeq < conversation.createdModSeq {
            conversation.createdModSeq = record.createdModSeq
        }
        let now = conversation.folders[here]
        let unseen = step(before.unseen, after.unseen)
        // Whether the whole conversation became seen or unseen; the Trash goes by its own messages only.
        let threadUnseen =
            isTrash
            ? step(Int(old.folder.unseen), Int(now.unseen)) : step(Int(old.unseen), Int(conversation.unseen))
        let isSilent = change.new == nil || change.old?.modSeq == change.new?.modSeq
        for folder in conversation.folders {
            guard folder.number < folders.count else { continue }
            let key = folders[folder.number]
            var status = try status(key)
            let unchanged = status
            if folder.number == change.folder.number {
                let exists = step(before.folderExists, after.folderExists)
                status.emailExists.move(by: exists)
                if isTrash {
                    status.emailUnseen.move(by: step(before.folderUnseen, after.folderUnseen))
                } else if exists > 0 {
                    if after.unseen > 0 { status.emailUnseen.move(by: 1) }
                } else if exists < 0 {
                    if before.unseen > 0 { status.emailUnseen.move(by: -1) }
                } else {
                    status.emailUnseen.move(by: unseen)
                }
                status.threadExists.move(by: step(Int(old.folder.exists), Int(now.exists)))
                if now.exists > 0, old.folder.exists == 0 {
                    if isTrash ? now.unseen > 0 : conversation.unseen > 0 { status.threadUnseen.move(by: 1) }
                } else if now.exists == 0, old.folder.exists > 0 {
                    if isTrash ? old.folder.unseen > 0 : old.unseen > 0 { status.threadUnseen.move(by: -1) }
                } else if now.exists > 0 {
                    status.threadUnseen.move(by: threadUnseen)
                }
            } else if !isTrash, folder.number != trashNumber, folder.exists > 0 {
                if present.contains(folder.number) { status.emailUnseen.move(by: unseen) }
                status.threadUnseen.move(by: threadUnseen)
            }
            if !isSilent { status.threadModSeq = max(status.threadModSeq, modSeq) }
            if status != unchanged { setStatus(key, status) }
        }
    }
}

/// How many identical messages a user may have (`conversations_max_guid…`).
struct CopyLimits {
    var records: Int
    var exists: Int
    var inFolder: Int
}

extension ConversationID {
    /// The conversation that a message founds: the first eight bytes of its GUID, turned so that it is not taken for part of an EMAILID.
    init(content guid: GUID) {
        var bytes: [UInt8] = []
        bytes.append(guid)
        let number = bytes.span.bytes.bigEndian64(at: 0)
        self.init((number == 0 ? 1 : number) ^ 0x91f3_d9e1_0b69_0b12)
    }
}

extension IndexRecord {
    /// Whether a flag is set, by its name without case: `\Flagged` or a keyword.
    func has(flag name: RawSpan, keywords: [[UInt8]]) -> Bool {
        if name.equalsIgnoringCase("\\Answered") { return flags.contains(.answered) }
        if name.equalsIgnoringCase("\\Flagged") { return flags.contains(.flagged) }
        if name.equalsIgnoringCase("\\Deleted") { return flags.contains(.deleted) }
        if name.equalsIgnoringCase("\\Draft") { return flags.contains(.draft) }
        if name.equalsIgnoringCase("\\Seen") { return flags.contains(.seen) }
        guard let slot = keywords.firstIndex(where: { !$0.isEmpty && name.equalsIgnoringCase($0.span.bytes) }) else { return false }
        return slot < UserFlags.capacity && userFlags[slot]
    }
}
