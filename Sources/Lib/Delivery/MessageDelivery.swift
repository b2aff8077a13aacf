import Bytes
import Configuration
import Logging
public import Mailbox
import Message
import Posix

/// Delivers one message to its recipients: each has a commit of his own, and fails alone.
///
/// What a 250 promises: the message file, its name, the index record and the cache record are on the disk (`MailboxChange`). The marks of
/// deliver.db are written after all commits, in one transaction, before the answers. A crash in between leaves messages that were neither
/// answered nor marked: the client sends them again, and has them twice, never not at all. Cyrus has the same gap for each recipient.
public final class MessageDelivery {
    private let store: MailStore
    private let resolver: RecipientResolver
    private var duplicates: DuplicateStore?
    private var logger: Logger { store.logger }
    private var configuration: Configuration { store.configuration }
    /// Users of whom it was said already that their scripts do not run.
    private var toldOfScripts: Set<String> = []
    /// The mailboxes delivered to last: kept, their files need not be opened again for the next message.
    private var recent: [Mailbox] = []
    private static let recentLimit = 8
    private var usage = UsageMeter()

    public init(_ store: MailStore) {
        self.store = store
        resolver = RecipientResolver(store)
    }

    /// The message to be delivered.
    public struct Envelope {
        public var messageID: [UInt8]
        public var date: [UInt8]
        public var sender: Identity
        public var sessionID: String
        public var time: Int64

        public init(messageID: [UInt8], date: [UInt8], sender: Identity, sessionID: String, time: Int64) {
            self.messageID = messageID
            self.date = date
            self.sender = sender
            self.sessionID = sessionID
            self.time = time
        }
    }

    /// What became of the message for one recipient; success is also a duplicate that was suppressed.
    public typealias Outcome = Result<Void, MailboxError>

    /// Delivers to all; one outcome a recipient, in order. The partition staged on is that of most recipients' mailboxes.
    public func deliver(_ staged: consuming StagedMessage, _ envelope: Envelope, to recipients: [ResolvedRecipient]) -> [Outcome] {
        let duplicates = suppression()
        var marks: [DuplicateStore.Mark] = []
        var outcomes: [Outcome] = []
        var copies = StagedCopies(first: staged)
        for recipient in recipients {
            do throws(MailboxError) {
                if let mark = try deliver(&copies, envelope, to: recipient, duplicates, marks) { marks.append(mark) }
                outcomes.append(.success(()))
            } catch {
                report(error, recipient, envelope)
                outcomes.append(.failure(error))
            }
            if let user = recipient.user { logger.notice("\(usage.line(for: user))") }
        }
        do throws(MailboxError) {
            try duplicates?.store(marks)
        } catch {
            // The messages are stored: refusing them now would only multiply them.
            logger.error("DBERROR: duplicate_mark: \(error) sessionid=<\(envelope.sessionID)>")
        }
        return outcomes
    }

    /// What may wait until the client has its answers.
    public func tidy() {
        do throws(MailboxError) { try duplicates?.tidy() } catch { logger.error("DBERROR: checkpoint of deliver.db: \(error)") }
    }

    /// deliver.db, opened at first use; nil when duplicates are not suppressed.
    private func suppression() -> DuplicateStore? {
        guard configuration[.duplicatesuppression] else { return nil }
        if let duplicates { return duplicates }
        do throws(MailboxError) {
            duplicates = try DuplicateStore(store)
        } catch {
            // Mail goes on without it, as in Cyrus.
            logger.error("DBERROR: opening deliver.db: \(error)")
        }
        return duplicates
    }

    private func deliver(
        _ copies: inout StagedCopies, _ envelope: Envelope, to recipient: ResolvedRecipient, _ duplicates: DuplicateStore?,
        _ marks: [DuplicateStore.Mark]
    ) throws(MailboxError) -> DuplicateStore.Mark? {
        let entry = try resolver.target(recipient, as: envelope.sender)
        if let user = recipient.user { warnOfScript(user) }
        let id = entry.uniqueID?.text ?? entry.name.text
        let uid = try copies.withCopy(in: store, partition: entry.partition) { staged throws(MailboxError) -> UID? in
            try append(staged, to: entry, ignoresQuota: recipient.ignoresQuota, time: envelope.time) { () throws(MailboxError) -> Bool in
                guard let duplicates else { return false }
                return isDuplicate(envelope, id, duplicates, marks)
            }
        }
        guard let uid else {
            logger.info(
                "dupelim: eliminated duplicate message to \(id) id \(envelope.messageID.text) date \(envelope.date.text) (delivery)")
            if configuration[.auditlog] {
                let what = "sessionid=<\(envelope.sessionID)> action=<delivery> message-id=\(envelope.messageID.text)"
                logger.notice("auditlog: duplicate \(what) user=<\(id)> date=<\(envelope.date.text)>")
            }
            return nil
        }
        logger.info("Delivered: \(envelope.messageID.text) to mailbox: \(entry.name)")
        return DuplicateStore.Mark(id: envelope.messageID, to: id, date: envelope.date, time: envelope.time, uid: uid)
    }

    private func isDuplicate(
        _ envelope: Envelope, _ id: String, _ duplicates: DuplicateStore, _ marks: [DuplicateStore.Mark]
    ) -> Bool {
        if marks.contains(where: { $0.to == id }) { return true }
        do throws(MailboxError) {
            return try duplicates.find(id: envelope.messageID, to: id, date: envelope.date) != nil
        } catch {
            // A message more is better than one that waits for a repair of deliver.db.
            logger.error("DBERROR: duplicate_check: \(error) sessionid=<\(envelope.sessionID)>")
            return false
        }
    }

    /// nil when the message turns out, under the mailbox's lock and after its quota was looked at, to be there already.
    private func append(
        _ staged: borrowing StagedMessage, to entry: MailboxEntry, ignoresQuota: Bool, time: Int64,
        unless isThere: () throws(MailboxError) -> Bool
    ) throws(MailboxError) -> UID? {
        let mailbox = try store.mailbox(entry)
        remember(mailbox)
        let lock = try store.lock(user: entry.name.user, .exclusive)
        var change = try mailbox.change(under: lock)
        if !ignoresQuota, let root = change.headerFile.quotaRoot, let quota = try store.quotas.find(root) {
            try resolver.checkQuota(quota, size: staged.size)
        }
        if try isThere() { return nil }
        let received = staged.parsed.receivedDate.flatMap { MessageDate.parse($0.span.bytes) }
        let uid = try change.append(staged, AppendAttributes(internalDate: received ?? time))
        try change.commit()
        return uid
    }

    private func remember(_ mailbox: Mailbox) {
        if recent.last === mailbox { return }
        recent.removeAll { $0 === mailbox }
        if recent.count >= Self.recentLimit { recent.removeFirst() }
        recent.append(mailbox)
    }

    private func report(_ error: MailboxError, _ recipient: ResolvedRecipient, _ envelope: Envelope) {
        switch error {
        case .overQuota, .nonexistent, .permissionDenied: break
        default: logger.error("IOERROR: delivery to \(recipient.address.text): \(error) sessionid=<\(envelope.sessionID)>")
        }
    }

    /// Sieve is not run by this version: that must not go unnoticed where someone relies on it.
    private func warnOfScript(_ user: String) {
        guard !toldOfScripts.contains(user) else { return }
        guard let path = try? store.activeScript(of: user) else { return }
        toldOfScripts.insert(user)
        logger.warning("Sieve scripts are not run by this version: mail for \(user) is kept in INBOX in spite of \(path)")
    }
}

/// A staged message, and its copies on the other partitions that recipients' mailboxes are on.
private struct StagedCopies: ~Copyable {
    private let first: StagedMessage
    private var others: [String: Copy] = [:]

    private final class Copy {
        let staged: StagedMessage
        init(_ staged: consuming StagedMessage) { self.staged = staged }
    }

    init(first: consuming StagedMessage) {
        self.first = first
    }

    mutating func withCopy<R>(
        in store: MailStore, partition: String, _ body: (borrowing StagedMessage) throws(MailboxError) -> R
    ) throws(MailboxError) -> R {
        if partition == first.partition { return try body(first) }
        if let copy = others[partition] { return try body(copy.staged) }
        let copy = Copy(try store.stage(copyOf: first, partition: partition))
        others[partition] = copy
        return try body(copy.staged)
    }
}
