import Bytes
import Posix

/// A mailbox locked for changing. Changes are gathered here and written by `commit`; dropping the value without it changes nothing.
///
/// The order of writes, so that a crash at any moment leaves every acknowledged message whole:
/// 1. message files are linked from the stage into the data directory, then synced, then the directory is synced;
/// 2. cache records are appended and synced;
/// 3. what changes in conversations.db is written in a transaction that stays open (see Conversations.swift); the user's counters
///    (with conversations) and message annotations are written, each durable in itself;
/// 4. cyrus.header, when flags or the like changed: a new file synced and renamed;
/// 5. index records, then the index header in one write of 160 bytes, then one sync: from here on the change is there;
/// 6. conversations.db is committed;
/// 7. quota usage, durable in itself; then the header once more, not synced, without the mark that usage is in doubt, which 5 put there;
///    then observers (idled, sync_log).
/// A crash before 5 leaves files that no record names (removed when their UID is given out again); a crash inside 5 leaves records
/// beyond the count of the header, which nobody reads.
public struct MailboxChange: ~Copyable {
    let pending: PendingChange

    init(_ pending: PendingChange) {
        self.pending = pending
    }

    deinit {
        pending.finish()
    }

    public var mailbox: Mailbox { pending.mailbox }
    /// As it will be after the commit.
    public var header: IndexHeader { pending.header }
    public var headerFile: HeaderFile { pending.headerFile }
    public var recordCount: Int { Int(pending.header.recordCount) }

    /// A record as it will be after the commit.
    public func record(_ number: Int) throws(MailboxError) -> IndexRecord {
        try pending.record(number)
    }

    public func firstRecord(atLeast uid: UID) -> Int {
        pending.mailbox.firstRecord(atLeast: uid)
    }

    /// Lends the records as they were at the lock, in place.
    public func forEachRecord(from first: Int = 1, _ body: (_ number: Int, IndexRecordView) throws(MailboxError) -> Void)
        throws(MailboxError)
    {
        try pending.forEachRecord(from: first, body)
    }

    /// Changes a record. Unless `silent`, it gets the next modseq and this change's time.
    public mutating func update(_ number: Int, silent: Bool = false, _ body: (inout IndexRecord) -> Void) throws(MailboxError) {
        try pending.update(number, silent: silent, body)
    }

    /// Marks a message as expunged; how far it goes at once follows `expunge_mode`.
    public mutating func expunge(_ number: Int) throws(MailboxError) {
        try pending.expunge(number)
    }

    /// The slot of a keyword; made in the first free one of the first hundred when `create`. nil when it is not there and not made.
    public mutating func userFlagSlot(_ name: RawSpan, create: Bool) throws(MailboxError) -> Int? {
        try pending.userFlagSlot(name, create: create)
    }

    /// Changes the header beyond what records imply (options, recent UID, POP3 times).
    public mutating func updateHeader(_ body: (inout IndexHeader) -> Void) {
        body(&pending.header)
        pending.headerTouched = true
    }

    /// Changes cyrus.header (ACL, name, quota root).
    public mutating func updateHeaderFile(_ body: (inout HeaderFile) -> Void) {
        let before = pending.headerFile
        body(&pending.headerFile)
        if pending.headerFile != before { pending.headerFileTouched = true }
    }

    /// Raises the highest modseq for a change that is in no record (rename, annotation, ACL), and returns it.
    public mutating func nextModSeq(folder: Bool = false) throws(MailboxError) -> ModSeq {
        pending.headerTouched = true
        return try pending.nextModSeq(folder: folder)
    }

    /// Makes the changes durable and visible.
    public consuming func commit() throws(MailboxError) {
        try pending.commit()
    }
}

/// What a `MailboxChange` gathers.
final class PendingChange {
    let mailbox: Mailbox
    var store: MailStore { mailbox.store }
    var header: IndexHeader
    var headerFile: HeaderFile
    var headerTouched = false
    var headerFileTouched = false
    private let before: IndexHeader
    private let recordsBefore: Int
    /// Records as they will be, by number.
    private(set) var changed: [Int: IndexRecord] = [:]
    /// Files linked into the data directory, to be removed should there be no commit.
    var linked: [String] = []
    var hasAppended = false
    let now = Clock.now
    private var counters: UserCounters?
    var annotations: [AnnotationStore.Annotation] = []
    /// Written, and to be committed once the index is safe.
    var conversations: ConversationsDatabase?
    /// All messages are new to the owner's conversations: the mailbox was another user's, or deleted.
    var joinsConversations = false
    /// Messages that have no conversation get one (ctl_conversationsdb -b).
    var assignsMissing = false
    private var isCommitted = false
    /// The caller moves the mailbox from one quota root to another itself.
    var ignoresQuota = false

    init(_ mailbox: Mailbox) {
        self.mailbox = mailbox
        header = mailbox.header
        headerFile = mailbox.headerFile
        before = mailbox.header
        recordsBefore = Int(mailbox.header.recordCount)
    }

    func finish() {
        if !isCommitted {
            for path in linked { _ = try? FileSystem.unlink(path) }
            conversations = nil
        }
        mailbox.unlock()
    }

    // MARK: records

    func record(_ number: Int) throws(MailboxError) -> IndexRecord {
        if let record = changed[number] { return record }
        return try mailbox.record(number)
    }

    func forEachRecord(from first: Int, _ body: (Int, IndexRecordView) throws(MailboxError) -> Void) throws(MailboxError) {
        let mailbox = mailbox
        let all = mailbox.records
        let stride = mailbox.stride
        var number = max(1, first)
        while number <= recordsBefore {
            try body(number, IndexRecordView(all.slice((number - 1) * stride, IndexRecord.currentSize)))
            number += 1
        }
    }

    func update(_ number: Int, silent: Bool, _ body: (inout IndexRecord) -> Void) throws(MailboxError) {
        let old = try record(number)
        var new = old
        body(&new)
        guard new != old else { return }
        if !silent {
            new.modSeq = try nextModSeq(folder: false)
            new.lastUpdated = now
        }
        count(old, added: false)
        count(new, added: true)
        changed[number] = new
    }

    func expunge(_ number: Int) throws(MailboxError) {
        let mode = store.configuration[.expunge_mode]
        try update(number, silent: false) { record in
            record.flags.insert(.expunged)
            if mode == "immediate" { record.flags.formUnion([.unlinked, .needsCleanup]) }
            if mode == "semidelayed" { record.flags.formUnion([.needsCleanup]) }
        }
        if header.firstExpunged == 0 || header.firstExpunged > now { header.firstExpunged = now }
        if mode == "immediate" { header.options.formUnion([.needsUnlink, .needsRepack]) }
        if mode == "semidelayed" { header.options.insert(.needsUnlink) }
    }

    /// Adds a record at the end; its UID must be above all others.
    func append(_ record: IndexRecord) {
        header.recordCount += 1
        changed[Int(header.recordCount)] = record
        header.lastUID = max(header.lastUID, record.uid)
        count(record, added: true)
        hasAppended = true
    }

    /// The header's counts are sums over the records that are not expunged.
    private func count(_ record: IndexRecord, added: Bool) {
        headerTouched = true
        if record.isExpunged { return }
        func add(_ value: inout UInt32, _ condition: Bool = true) {
            // Counts that were wrong before must not trap here; they are put right by reconstruct.
            if condition { value = added ? value &+ 1 : value == 0 ? 0 : value - 1 }
        }
        add(&header.exists)
        add(&header.deletedCount, record.flags.contains(.deleted))
        add(&header.answeredCount, record.flags.contains(.answered))
        add(&header.flaggedCount, record.flags.contains(.flagged))
        add(&header.unseenCount, !record.flags.contains(.seen))
        header.quotaUsed = added ? header.quotaUsed &+ record.size : header.quotaUsed < record.size ? 0 : header.quotaUsed - record.size
        header.syncCRC ^= SyncChecksum.basic(record, userFlagNames: headerFile.userFlags)
        header.annotationsCRC ^= SyncChecksum.virtualAnnotations(record)
    }

    // MARK: modseqs

    func nextModSeq(folder: Bool, deleted: Bool = false) throws(MailboxError) -> ModSeq {
        guard store.configuration[.conversations] else {
            header.highestModSeq = ModSeq(header.highestModSeq.rawValue + 1)
            return header.highestModSeq
        }
        if counters == nil { counters = try UserCounters(path: store.countersPath(mailbox.name)) }
        let kind = UserCounters.Kind(headerFile.type)
        // Loaded above; changed in place, once for each message of a big COPY.
        let next = counters!.next(kind, after: header.highestModSeq, folder: folder, deleted: deleted)
        header.highestModSeq = next
        return next
    }

    // MARK: flags

    func userFlagSlot(_ name: RawSpan, create: Bool) throws(MailboxError) -> Int? {
        if let slot = headerFile.slot(of: name) { return slot }
        guard create else { return nil }
        if let free = headerFile.userFlags.prefix(UserFlags.clientCapacity).firstIndex(where: \.isEmpty) {
            headerFile.userFlags[free] = name.array
            headerFileTouched = true
            return free
        }
        guard headerFile.userFlags.count < UserFlags.clientCapacity else { throw .tooManyUserFlags }
        headerFile.userFlags.append(name.array)
        headerFileTouched = true
        return headerFile.userFlags.count - 1
    }

    // MARK: commit

    func commit() throws(MailboxError) {
        guard headerTouched || headerFileTouched || !annotations.isEmpty else {
            isCommitted = true
            return
        }
        if hasAppended {
            if !linked.isEmpty {
                let directory = mailbox.dataDirectory
                try posix { () throws(PosixError) in try FileSystem.syncDirectory(directory) }
            }
            try mailbox.syncCache()
        }
        try updateConversations()
        if changesQuota { counters?.raiseQuota(to: header.highestModSeq) }
        try counters?.write()
        if !annotations.isEmpty { try store.messageAnnotations(of: mailbox, create: true)?.set(annotations) }
        var newHeaderFile: HeaderFile?
        if headerFileTouched {
            let bytes = headerFile.bytes
            guard let path = store.layout.metaPath(mailbox.entry, .header) else { throw .badPartition(mailbox.entry.partition) }
            try posix { () throws(PosixError) in try FileSystem.replace(path, with: bytes) }
            header.headerFileCRC = CRC32.of(bytes)
            newHeaderFile = headerFile
        }
        // What the records are now is gone once they are written.
        let audited = store.audit?.lines(of: self) ?? []
        try writeRecords()
        if changesQuota { header.quotaInDoubt = true }
        var bytes: [UInt8] = []
        header.startOffset = UInt32(IndexHeader.currentSize)
        header.recordSize = UInt32(IndexRecord.currentSize)
        header.encode(into: &bytes)
        try mailbox.writeIndex(bytes, at: 0)
        try mailbox.syncIndex()
        isCommitted = true
        commitConversations()
        for line in audited { store.audit?.log(line) }
        try mailbox.wrote(header, headerFile: newHeaderFile, crc: header.headerFileCRC)
        adjustQuota()
        tellObservers()
    }

    /// Records that follow each other are written by one call.
    private func writeRecords() throws(MailboxError) {
        var run: [UInt8] = []
        var runStart = 0
        var next = 0
        for (number, record) in changed.sorted(by: { $0.key < $1.key }) {
            if number != next, !run.isEmpty {
                try mailbox.writeIndex(run, at: IndexHeader.currentSize + (runStart - 1) * IndexRecord.currentSize)
                run.removeAll(keepingCapacity: true)
            }
            if run.isEmpty { runStart = number }
            record.encode(into: &run)
            next = number + 1
        }
        if !run.isEmpty { try mailbox.writeIndex(run, at: IndexHeader.currentSize + (runStart - 1) * IndexRecord.currentSize) }
    }

    /// The change is made: what goes wrong here leaves the mark, and usage is counted anew with the mailbox's next change.
    private func adjustQuota() {
        guard changesQuota, let root = headerFile.quotaRoot else { return }
        do throws(MailboxError) {
            try store.quotas.adjust(root, by: header.usage - before.usage, modSeq: counters == nil ? nil : header.highestModSeq)
            if !before.quotaInDoubt { try mailbox.markQuota(inDoubt: false) }
        } catch {
            store.logger.error("IOERROR: quota root \(root) does not have the last change of \(mailbox.name): \(error)")
        }
    }

    private var changesQuota: Bool {
        headerFile.quotaRoot != nil && !ignoresQuota && !(header.usage - before.usage).isZero
    }

    private func tellObservers() {
        for observer in store.observers {
            if hasAppended { observer.appended(mailbox: mailbox.name) } else { observer.changed(mailbox: mailbox.name) }
        }
    }

    /// The record as it was before this change; nil for a new one.
    func recordBefore(_ number: Int) throws(MailboxError) -> IndexRecord? {
        number <= recordsBefore ? try mailbox.record(number) : nil
    }

    var recordCount: Int { Int(header.recordCount) }
    var raisesModSeq: Bool { header.highestModSeq > before.highestModSeq }

    /// Writes the counters before the commit, for what is written elsewhere first.
    func writeCounters() throws(MailboxError) {
        try counters?.write()
        counters = nil
    }

    /// Puts a record's conversation in, before the commit writes it.
    func setConversation(_ number: Int, _ cid: ConversationID) {
        guard let old = try? record(number), old.cid != cid else { return }
        var new = old
        new.cid = cid
        count(old, added: false)
        count(new, added: true)
        changed[number] = new
    }

    var changedNumbers: [Int] { changed.keys.sorted() }
}

extension IndexHeader {
    /// What the mailbox weighs in its quota root, without its own place in the count of folders.
    var usage: QuotaUsage {
        QuotaUsage(storage: Int64(clamping: quotaUsed), messages: Int64(exists), annotationStorage: Int64(annotationsUsed))
    }
}

extension MailStore {
    func countersPath(_ name: MailboxName) throws(MailboxError) -> String {
        guard let user = name.user else { return layout.sharedPath(.counters, domain: name.domain) }
        return try userPath(.counters, user: user)
    }

    /// The annotations of a mailbox's messages; nil when there are none and `create` is not asked for.
    public func messageAnnotations(of mailbox: Mailbox, create: Bool) throws(MailboxError) -> AnnotationStore? {
        guard let path = layout.metaPath(mailbox.entry, .annotations) else { throw .badPartition(mailbox.entry.partition) }
        return create ? try AnnotationStore(self, path: path) : try AnnotationStore(self, existing: path)
    }
}
