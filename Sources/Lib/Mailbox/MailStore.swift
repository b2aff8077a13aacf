public import Configuration
public import CyrusDB
public import Logging
import Posix

/// Everything the programs share: the configuration's directories and databases, opened once per process on first use.
///
/// One object per process, owned by its context; one thread.
public final class MailStore {
    public let configuration: Configuration
    public let layout: Layout
    public let locks: NameLocks
    public let databases: DatabaseEnvironment
    public let logger: Logger

    /// Told after a change was committed: the mailbox's name (idled, sync_log and the like hang here).
    public var observers: [any ChangeObserver] = []

    /// Whom the lines of the audit log name: the session that the process serves.
    public var sessionID: String
    private let isAudited: Bool
    /// nil when option auditlog is off.
    var audit: AuditLog? { isAudited ? AuditLog(self) : nil }

    private var openedList: MailboxList?
    private var openedQuotas: QuotaStore?
    private var openedAnnotations: AnnotationStore?
    /// The last user's conversations.db: what keeps it open.
    var openedConversations: Database?
    /// Files of one mailbox are opened once per process (fcntl locks fall with the first close).
    private var mailboxes: [String: WeakMailbox] = [:]
    var stageSequence = 0

    private struct WeakMailbox { weak var mailbox: Mailbox? }

    public init(_ configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        sessionID = "\(configuration[.syslog_prefix] ?? "cyrus")-\(Clock.now)-\(Process.id)-0-\(UInt64.random(in: 0...UInt64.max))"
        isAudited = configuration[.auditlog]
        layout = Layout(configuration)
        locks = NameLocks(layout)
        var options = DatabaseEnvironment.Options()
        options.skiplistUnsafe = configuration[.skiplist_unsafe]
        options.skiplistAlwaysCheckpoint = configuration[.skiplist_always_checkpoint]
        options.fullDirectoryHash = configuration[.fulldirhash]
        options.virtualDomains = configuration[.virtdomains] != "off"
        options.sql.engine = configuration[.sql_engine]
        options.sql.hostnames = configuration[.sql_hostnames]
        options.sql.user = configuration[.sql_user]
        options.sql.password = configuration[.sql_passwd]
        options.sql.database = configuration[.sql_database]
        options.sql.usesTLS = configuration[.sql_usessl]
        databases = DatabaseEnvironment(configDirectory: configuration.directory, options: options, logger: logger)
    }

    /// mailboxes.db.
    public var list: MailboxList {
        get throws(MailboxError) {
            if let openedList { return openedList }
            let list = try MailboxList(self)
            openedList = list
            return list
        }
    }

    /// The quota database.
    public var quotas: QuotaStore {
        get throws(MailboxError) {
            if let openedQuotas { return openedQuotas }
            let quotas = try QuotaStore(self)
            openedQuotas = quotas
            return quotas
        }
    }

    /// Annotations of the server and of mailboxes.
    public var annotations: AnnotationStore {
        get throws(MailboxError) {
            if let openedAnnotations { return openedAnnotations }
            let path = configuration[.annotation_db_path] ?? "\(configuration.directory)/annotations.db"
            let store = try AnnotationStore(self, path: path)
            openedAnnotations = store
            return store
        }
    }

    /// The engine that an imapd.conf option names.
    func engine(_ option: ChoiceOption) throws(MailboxError) -> DatabaseEngine {
        let name = configuration[option]
        guard let engine = DatabaseEngine(rawValue: name) else {
            throw .notSupported("database engine \(name) of imapd.conf is not one of this program's")
        }
        return engine
    }

    /// Takes the lock of everything that is a user's; nil for shared mailboxes.
    public func lock(user: String?, _ kind: LockKind) throws(MailboxError) -> UserLock {
        try UserLock(locks, user: user, kind)
    }

    /// The mailbox of an entry, for reading and changing under its user's lock. No file is opened yet.
    public func mailbox(_ entry: MailboxEntry) throws(MailboxError) -> Mailbox {
        let key = entry.uniqueID?.text ?? entry.name.text
        if let open = mailboxes[key]?.mailbox {
            open.adopt(entry)
            return open
        }
        let mailbox = try Mailbox(self, entry)
        mailboxes = mailboxes.filter { $0.value.mailbox != nil }
        mailboxes[key] = WeakMailbox(mailbox: mailbox)
        return mailbox
    }

    /// The mailbox of a name; `.nonexistent` unless it is a regular one.
    public func mailbox(named name: MailboxName) throws(MailboxError) -> Mailbox {
        guard let entry = try list.find(name), entry.isRegular else { throw .nonexistent(name.text) }
        return try mailbox(entry)
    }

    /// The entry of a user's INBOX, nil when he has none.
    public func inbox(of user: String) throws(MailboxError) -> MailboxEntry? {
        guard let entry = try list.find(MailboxName.inbox(of: user)), !entry.type.isDeleted else { return nil }
        return entry
    }

    /// The path of a user's file in the layout that his INBOX has.
    public func userPath(_ file: Layout.UserFile, user: String) throws(MailboxError) -> String {
        layout.userPath(file, user: user, inbox: try inbox(of: user))
    }
}

/// Something that follows committed changes.
public protocol ChangeObserver {
    /// Messages or flags of a mailbox changed.
    func changed(mailbox name: MailboxName)
    /// Messages were added to a mailbox.
    func appended(mailbox name: MailboxName)
    /// The mailbox list, subscriptions, seen state or quotas changed, in sync_log's terms.
    func event(_ event: StoreEvent)
}

/// A change outside of a mailbox's index, in the words of Cyrus's sync_log.
public enum StoreEvent: Sendable {
    case mailbox(MailboxName)
    case unmailbox(MailboxName)
    case rename(MailboxName, MailboxName)
    case quota(String)
    case annotation(MailboxName?)
    case seen(user: String, UniqueID)
    case subscribe(user: String, MailboxName)
    case unsubscribe(user: String, MailboxName)
    case user(String)
    case unuser(String)
    case doubleMailbox(MailboxName, MailboxName)
}

extension MailStore {
    func tell(_ event: StoreEvent) {
        for observer in observers { observer.event(event) }
    }
}
