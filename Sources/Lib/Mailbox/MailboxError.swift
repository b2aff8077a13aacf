public import CyrusDB
public import Posix

/// Why something could not be done to a mailbox. The cases are IMAP's outcomes, so that each protocol has one table from error to reply.
public enum MailboxError: Error, Sendable {
    /// No mailbox of that name (or none that the user may know of).
    case nonexistent(String)
    /// The name is taken.
    case exists(String)
    /// The name is not one.
    case badName(String)
    case permissionDenied
    /// The resource that is used up.
    case overQuota(String)
    case noQuotaRoot(String)
    case badPartition(String)
    /// The operation cannot be done to such a mailbox.
    case notSupported(String)
    /// There are mailboxes below it.
    case hasChildren(String)
    /// More copies of one message than `conversations_max_guid…` allow.
    case tooManyCopies
    /// The mailbox has as many messages as `mailbox_maxmessages_…` allows.
    case tooManyMessages
    /// No slot is left for another keyword.
    case tooManyUserFlags
    case badFlag(String)
    /// A lock could not be had in time; the text names it and its holder.
    case locked(String)
    /// Message content that may not be stored.
    case containsNUL
    case containsBareNewlines
    case contains8Bit
    case badHeader
    /// The message's file (or object) is not there.
    case messageMissing(path: String, UID)
    /// Bytes on disk are not what the format says: where, what was expected, what is there.
    case damaged(path: String, offset: Int, expected: String, found: String)
    case io(PosixError)
    case database(CyrusDBError)
}

extension MailboxError: CustomStringConvertible {
    /// One line for a log.
    public var description: String {
        switch self {
        case .nonexistent(let name): "mailbox \(name) does not exist"
        case .exists(let name): "mailbox \(name) already exists"
        case .badName(let name): "invalid mailbox name \(name)"
        case .permissionDenied: "permission denied"
        case .overQuota(let resource): "over quota (\(resource))"
        case .noQuotaRoot(let root): "quota root \(root) does not exist"
        case .badPartition(let name): "unknown or invalid partition \(name)"
        case .notSupported(let what): "operation is not supported on mailbox: \(what)"
        case .hasChildren(let name): "mailbox \(name) has inferior hierarchical names"
        case .tooManyCopies: "too many identical emails"
        case .tooManyMessages: "the mailbox has as many messages as mailbox_maxmessages allows"
        case .tooManyUserFlags: "too many user flags in mailbox"
        case .badFlag(let flag): "invalid flag \(flag)"
        case .locked(let what): "locked: \(what)"
        case .containsNUL: "message contains NUL characters"
        case .containsBareNewlines: "message contains bare newlines"
        case .contains8Bit: "message contains non-ASCII characters in headers"
        case .badHeader: "message contains invalid header"
        case .messageMissing(let path, let uid): "\(path): message file of UID \(uid) is missing"
        case .damaged(let path, let offset, let expected, let found):
            "\(path): damaged at offset \(offset): expected \(expected), found \(found)"
        case .io(let error): error.description
        case .database(let error): error.description
        }
    }

    /// No space is left where it was to be written.
    public var isFull: Bool {
        switch self {
        case .io(let error): error.isFull
        case .database(.io(let error)): error.isFull
        default: false
        }
    }
}

/// Runs system calls, turning their errors into mailbox errors.
func posix<R: ~Copyable>(_ body: () throws(PosixError) -> R) throws(MailboxError) -> R {
    do throws(PosixError) {
        return try body()
    } catch {
        throw .io(error)
    }
}

/// Runs database operations, turning their errors into mailbox errors.
func inDatabase<R: ~Copyable>(_ body: () throws(CyrusDBError) -> R) throws(MailboxError) -> R {
    do throws(CyrusDBError) {
        return try body()
    } catch {
        throw .database(error)
    }
}
