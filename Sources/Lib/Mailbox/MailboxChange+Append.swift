import Bytes
import Message
import Posix

/// What a new message is to have besides its content.
public struct AppendAttributes: Sendable {
    public var flags: MessageFlags = []
    /// Names of keywords; slots are made for them.
    public var keywords: [[UInt8]] = []
    /// Unix seconds.
    public var internalDate: Int64
    /// nil: now.
    public var saveDate: Int64?
    /// nil: the record's modseq.
    public var createdModSeq: ModSeq?
    /// nil: found by the conversation's rules.
    public var cid: ConversationID?

    public init(internalDate: Int64) {
        self.internalDate = internalDate
    }
}

extension MailboxChange {
    /// Adds a staged message; the UID it gets. The file is linked (copied across devices, or when single-instance store is off).
    public mutating func append(_ staged: borrowing StagedMessage, _ attributes: AppendAttributes) throws(MailboxError) -> UID {
        try pending.checkRoom()
        let uid = UID(pending.header.lastUID.rawValue &+ 1)
        guard uid.rawValue != 0 else { throw .notSupported("\(mailbox.name): its UIDs are used up") }
        let path = "\(mailbox.dataDirectory)/\(uid.rawValue)."
        try pending.place(staged.path, at: path, link: pending.store.configuration[.singleinstancestore])
        try staged.sync()
        _ = try? posix { () throws(PosixError) in try FileSystem.setTimes(path, modified: attributes.internalDate) }
        var record = IndexRecord()
        record.uid = uid
        record.guid = staged.guid
        record.size = UInt64(staged.size)
        record.headerSize = UInt32(clamping: staged.headerSize)
        record.sentDate = staged.parsed.sentDate(internalDate: attributes.internalDate)
        record.gmTime = staged.parsed.gmtime(internalDate: attributes.internalDate)
        record.cacheOffset = try mailbox.appendToCache(staged.cacheRecord)
        record.cacheCRC = staged.cacheCRC
        try pending.complete(&record, attributes)
        pending.append(record)
        return uid
    }

    /// Adds a copy of a message of another mailbox (or of this one), by link, with its cache record; the UID it gets.
    /// The source must be locked for reading, or be this mailbox.
    public mutating func copy(_ source: IndexRecord, from other: Mailbox, _ attributes: AppendAttributes) throws(MailboxError) -> UID {
        try pending.checkRoom()
        let uid = UID(pending.header.lastUID.rawValue &+ 1)
        guard uid.rawValue != 0 else { throw .notSupported("\(mailbox.name): its UIDs are used up") }
        let path = "\(mailbox.dataDirectory)/\(uid.rawValue)."
        let from = other.messagePath(source)
        do throws(MailboxError) {
            try pending.place(from, at: path, link: pending.store.configuration[.singleinstancestore])
        } catch .io(let error) where error.isMissing {
            throw .messageMissing(path: from, source.uid)
        }
        _ = try? posix { () throws(PosixError) in try FileSystem.setTimes(path, modified: attributes.internalDate) }
        var record = IndexRecord()
        record.uid = uid
        record.guid = source.guid
        record.size = source.size
        record.headerSize = source.headerSize
        record.sentDate = source.sentDate
        record.gmTime = source.gmTime
        record.cacheVersion = source.cacheVersion
        record.cacheCRC = source.cacheCRC
        let cached = try other.withCache(source) { bytes throws(MailboxError) -> [UInt8] in
            do throws(CacheDamage) {
                return try CacheView(bytes).record.array
            } catch {
                throw .damaged(
                    path: "\(other.name) cyrus.cache", offset: error.offset, expected: "a cache record", found: error.description)
            }
        }
        record.cacheOffset = try mailbox.appendToCache(cached)
        var attributes = attributes
        if attributes.cid == nil, source.cid != .none, other.name.user == mailbox.name.user { attributes.cid = source.cid }
        try pending.complete(&record, attributes)
        pending.append(record)
        try pending.copyAnnotations(of: source, from: other, to: record)
        return uid
    }
}

extension PendingChange {
    /// `mailbox_maxmessages_…`: 0 is without limit.
    func checkRoom() throws(MailboxError) {
        let limit =
            switch mailbox.entry.type.kind {
            case .addressbook: store.configuration[.mailbox_maxmessages_addressbook]
            case .calendar: store.configuration[.mailbox_maxmessages_calendar]
            default: store.configuration[.mailbox_maxmessages_email]
            }
        guard limit > 0, header.exists >= UInt32(clamping: limit) else { return }
        store.logger.error("IOERROR: client hit per-mailbox exists limit: mailbox=<\(mailbox.name)>")
        throw .tooManyMessages
    }

    /// Puts a file into the data directory. A file of that name is what a crash left: no record knows it.
    func place(_ from: String, at path: String, link: Bool) throws(MailboxError) {
        do throws(PosixError) {
            if link {
                do throws(PosixError) {
                    try FileSystem.link(from, to: path)
                    linked.append(path)
                    return
                } catch {
                    if error.errno == .fileExists {
                        try FileSystem.unlink(path)
                        removeLeftovers(after: path)
                        try FileSystem.link(from, to: path)
                        linked.append(path)
                        return
                    }
                    guard error.errno == .improperLink || error.errno == .tooManyLinks || error.errno == .notSupported
                    else { throw error }
                }
            } else {
                try FileSystem.unlink(path)
            }
            linked.append(path)
            try FileSystem.copy(from, to: path)
            let copy = try File(path, .read)
            try copy.sync()
        } catch {
            throw .io(error)
        }
    }

    /// A crash in a COPY of many messages leaves many files: with the first of them go those that follow it. What this change places
    /// itself comes later.
    private func removeLeftovers(after path: String) {
        guard var uid = UInt32(path.dropLast().split(separator: "/").last ?? "") else { return }
        while uid < .max {
            uid += 1
            let next = "\(mailbox.dataDirectory)/\(uid)."
            guard FileSystem.exists(next) else { return }
            _ = try? posix { () throws(PosixError) in try FileSystem.unlink(next) }
        }
    }

    /// What every new record gets: flags, keywords, dates, modseqs.
    func complete(_ record: inout IndexRecord, _ attributes: AppendAttributes) throws(MailboxError) {
        record.internalDate = attributes.internalDate
        record.flags = attributes.flags.intersection(.system)
        for keyword in attributes.keywords {
            if let slot = try userFlagSlot(keyword.span.bytes, create: true) { record.userFlags[slot] = true }
        }
        record.modSeq = try nextModSeq(folder: false)
        record.createdModSeq = attributes.createdModSeq ?? record.modSeq
        record.saveDate = attributes.saveDate ?? now
        record.lastUpdated = now
        record.cid = attributes.cid ?? .none
        header.lastAppendDate = now
    }

    func copyAnnotations(of source: IndexRecord, from other: Mailbox, to record: IndexRecord) throws(MailboxError) {
        guard let from = try store.messageAnnotations(of: other, create: false) else { return }
        for var item in try from.all(scope: String(source.uid.rawValue)) where !item.isDeleted {
            item.scope = String(record.uid.rawValue)
            item.modSeq = record.modSeq
            annotate(item, replacing: nil)
        }
    }

    /// Sets a message's annotation, with what it weighs and its part of the digest.
    func annotate(_ item: AnnotationStore.Annotation, replacing old: AnnotationStore.Annotation?) {
        guard let number = UInt32(item.scope) else { return }
        let owner = mailbox.name.user ?? ""
        func digest(_ a: AnnotationStore.Annotation) -> UInt32 {
            SyncChecksum.annotation(UID(number), entry: a.entry, user: a.user == AnnotationStore.owner ? owner : a.user, value: a.value)
        }
        if let old, !old.isDeleted {
            header.annotationsCRC ^= digest(old)
            header.annotationsUsed = header.annotationsUsed < UInt32(old.value.count) ? 0 : header.annotationsUsed - UInt32(old.value.count)
        }
        if !item.isDeleted {
            header.annotationsCRC ^= digest(item)
            header.annotationsUsed &+= UInt32(clamping: item.value.count)
        }
        annotations.append(item)
        headerTouched = true
    }
}
