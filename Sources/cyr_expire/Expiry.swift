import Logging
import Mailbox
import Posix
import Service

/// One run of cyr_expire: mailbox by mailbox, then conversations, deleted mailboxes, delivery marks.
///
/// A mailbox that fails is logged and passed over. Locks are held for one mailbox at a time, so that users can go on.
struct Expiry {
    private let store: MailStore
    private let logger: Logger
    private let options: ExpireOptions
    private let now = Clock.now
    /// Records of names that are no more are kept this long for replicas.
    private static let tombstoneAge: Int64 = 7 * 86400

    private var mailboxes = 0
    private var messages = 0
    private var expired = 0
    private var expunged = 0
    private var keywords = 0
    /// For delivery marks: when a mailbox's own annotation says so.
    private var marks: [String: Int64] = [:]

    init(_ store: MailStore, _ options: ExpireOptions, _ logger: Logger) {
        (self.store, self.options, self.logger) = (store, options, logger)
    }

    mutating func run() throws(MailboxError) {
        if let age = options.expunge, !options.skipsExpunge {
            say("Expunging deleted messages in mailboxes older than \(age.days) days")
        }
        let entries = try selected()
        // Without -x; -E 0 alone asks for nothing.
        let visits =
            !options.skipsExpunge
            && (options.expunge != nil || options.delete != nil || options.archive != nil || options.removesKeywords
                || options.expire.map { $0.seconds > 0 } ?? false)
        if visits {
            for entry in entries where !shouldStop { visit(entry) }
            let summary = "Expired \(expired) and expunged \(expunged) out of \(messages) messages from \(mailboxes) mailboxes"
            say("\n\(summary)")
            logger.notice("\(summary)")
            if options.removesKeywords {
                say("Expunged \(keywords) user flags")
                logger.notice("Expunged \(keywords) user flags")
            }
        }
        if store.configuration[.conversations], !options.skipsConversations, !shouldStop { pruneConversations(entries) }
        if let age = options.delete, !shouldStop { removeDeleted(age, entries) }
        if let age = options.expire, age.seconds > 0, !shouldStop {
            try DeliveryMarks(store).prune(before: now - age.seconds, except: marks)
        }
    }

    private var shouldStop: Bool { ServiceContext.shouldStop }

    /// The entries asked for, in the order of the list.
    private func selected() throws(MailboxError) -> [MailboxEntry] {
        var found: [MailboxEntry] = []
        var prefix: [UInt8] = []
        if let text = options.prefix {
            prefix = try Namespace(store.configuration, user: nil, isAdmin: true).internalName(text).databaseKey
        }
        try store.list.forEach(prefix: prefix) { entry throws(MailboxError) in
            if let user = options.user, entry.name.user != user { return .next }
            found.append(entry)
            return .next
        }
        return found
    }

    private func say(_ line: String) {
        if options.isVerbose { Program.printError("\(line)\n") }
    }

    // MARK: one mailbox

    private mutating func visit(_ entry: MailboxEntry) {
        do throws(MailboxError) {
            if entry.type.isDeleted {
                if entry.modified < now - Self.tombstoneAge {
                    say("Removing stale tombstone for \(entry.name)")
                    try store.removeTombstone(entry)
                }
                return
            }
            guard entry.isRegular else { return }
            try clean(entry)
        } catch {
            if case .nonexistent = error { return }
            logger.error("failure expiring \(entry.name): \(error)")
        }
    }

    private mutating func clean(_ entry: MailboxEntry) throws(MailboxError) {
        let lock = try store.lock(user: entry.name.user, .exclusive)
        defer { lock.keep() }
        let mailbox = try store.mailbox(entry)
        var inDoubt = false
        do {
            let view = try mailbox.read(under: lock)
            messages += view.recordCount
            inDoubt = view.header.quotaInDoubt
        }
        // Locking it for a change counts the quota anew.
        if inDoubt { _ = try mailbox.change(under: lock) }
        mailboxes += 1
        if options.removesKeywords {
            for (slot, name) in try mailbox.removeUnusedKeywords(under: lock) {
                say("Expunging userflag \(slot) (\(String(decoding: name, as: UTF8.self))) from \(entry.name)")
                keywords += 1
            }
        }
        if let age = try annotation("expire", of: entry), age.seconds > 0 {
            let mark = now - age.seconds
            if let id = entry.uniqueID { marks[id.text] = mark }
            say("expiring messages in \(entry.name) older than \(age.days) days")
            expired += try mailbox.expireMessages(sentBefore: mark, under: lock)
        }
        if store.configuration[.archive_enabled], let age = try annotation("archive", of: entry) ?? options.archive {
            try mailbox.archive(internalDateBefore: now - age.seconds, under: lock)
        }
        say("cleaning up expunged messages in \(entry.name)")
        expunged += try mailbox.removeExpunged(before: options.expunge.map { now - $0.seconds }, under: lock)
    }

    /// A mailbox's own age for something.
    private func annotation(_ name: String, of entry: MailboxEntry) throws(MailboxError) -> Age? {
        guard !options.skipsAnnotations, let id = entry.uniqueID else { return nil }
        let path = "/vendor/cmu/cyrus-imapd/\(name)"
        guard let found = try store.annotations.find(scope: id.text, entry: path, user: "") else { return nil }
        guard let age = Age(String(decoding: found.value, as: UTF8.self)) else {
            logger.warning("\(entry.name): annotation \(path) is no length of time; passed over")
            return nil
        }
        return age
    }

    // MARK: what is not in a mailbox

    private func pruneConversations(_ entries: [MailboxEntry]) {
        let age = Age(seconds: Int64(store.configuration[.conversations_expire_after]))
        say("Removing conversation entries older than \(age.days) days")
        var seen = 0
        var removed = 0
        var databases = 0
        for inbox in entries where inbox.name.isInbox && inbox.isRegular && !shouldStop {
            guard let user = inbox.name.user else { continue }
            do throws(MailboxError) {
                let lock = try store.lock(user: user, .exclusive)
                defer { lock.keep() }
                let path = store.layout.userPath(.conversations, user: user, inbox: inbox)
                guard try store.isPresent(path, .conversations_db) else { continue }
                say("Pruning conversations from db \(path)")
                guard let counts = try store.pruneConversations(of: inbox, before: now - age.seconds, under: lock) else { continue }
                seen += counts.seen
                removed += counts.removed
                databases += 1
            } catch {
                logger.error("conversations of \(user): \(error)")
            }
        }
        let summary = "Expired \(removed) entries of \(seen) entries seen in \(databases) conversation databases"
        say(summary)
        logger.notice("\(summary)")
    }

    /// By the delete annotation of each, or by -D.
    private func removeDeleted(_ age: Age, _ entries: [MailboxEntry]) {
        say("Removing deleted mailboxes older than \(age.days) days")
        var due: [MailboxEntry] = []
        for entry in entries where entry.name.isDeleted && entry.isRegular {
            do throws(MailboxError) {
                let own = try annotation("delete", of: entry) ?? age
                guard let time = entry.name.deletedTime, time <= now - own.seconds else { continue }
                say("Cleaning up \(entry.name)")
                due.append(entry)
            } catch {
                logger.error("annotations of \(entry.name): \(error)")
            }
        }
        var removed = 0
        for entry in due where !shouldStop {
            do throws(MailboxError) {
                say("Removing: \(entry.name)")
                try store.removeDeleted(entry)
                removed += 1
            } catch {
                logger.error("removing \(entry.name): \(error)")
            }
        }
        say("Removed \(removed) deleted mailboxes")
        logger.notice("Removed \(removed) deleted mailboxes")
    }
}
