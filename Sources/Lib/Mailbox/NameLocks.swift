import Bytes
import Posix

/// The lock files of names (Cyrus `mboxname_lock`): each is opened once per process, kept open, and never removed.
///
/// A process may take a lock that it holds again (counted); it may not turn a shared one into an exclusive one.
public final class NameLocks {
    let layout: Layout
    /// How long a lock is waited for before the operation is given up, in seconds; the error names the holder.
    public var patience: Double = 60
    private var entries: [String: Entry] = [:]
    /// Lock files kept open while nobody holds them; above this the least useful ones are closed.
    private static let keptOpen = 64

    private final class Entry {
        let file: File
        var count = 0
        var kind = LockKind.shared
        init(_ file: consuming File) { self.file = file }
    }

    public init(_ layout: Layout) {
        self.layout = layout
    }

    func acquire(_ name: String, _ kind: LockKind, wait: Bool) throws(MailboxError) -> Bool {
        let entry = try entry(name)
        if entry.count > 0 {
            guard kind == .shared || entry.kind == .exclusive else {
                throw .locked("\(name): this process holds it shared and cannot have it exclusively")
            }
            entry.count += 1
            return true
        }
        let got: Bool
        do throws(PosixError) {
            got = try entry.file.tryLock(kind)
            if !got {
                if !wait { return false }
                try entry.file.lock(kind, within: patience)
            }
        } catch {
            if error.errno == .resourceTemporarilyUnavailable { throw .locked(error.object) }
            throw .io(error)
        }
        entry.kind = kind
        entry.count = 1
        return true
    }

    func release(_ name: String) {
        guard let entry = entries[name] else { return }
        entry.count -= 1
        guard entry.count == 0 else { return }
        // Unlocking cannot fail on an open file; were it to, closing below would do it.
        do throws(PosixError) {
            try entry.file.unlock()
        } catch {
            entries[name] = nil
        }
    }

    func holds(_ name: String, exclusively: Bool) -> Bool {
        guard let entry = entries[name], entry.count > 0 else { return false }
        return !exclusively || entry.kind == .exclusive
    }

    private func entry(_ name: String) throws(MailboxError) -> Entry {
        if let entry = entries[name] { return entry }
        if entries.count >= Self.keptOpen { entries = entries.filter { $0.value.count > 0 } }
        let path = layout.lockPath(name)
        let file: File
        do throws(PosixError) {
            file = try File(path, .readWrite, create: .truncate)
        } catch {
            guard error.isMissing else { throw .io(error) }
            file = try posix { () throws(PosixError) in
                try FileSystem.makeParents(of: path, durably: false)
                return try File(path, .readWrite, create: .truncate)
            }
        }
        let entry = Entry(file)
        entries[name] = entry
        return entry
    }
}

/// The lock of everything that is a user's (Cyrus `user_namespacelock`, file `*U*NAME.lock`): taken before any lock of his mailboxes.
///
/// For shared mailboxes there is none to take; the value then stands for the right to go on.
public struct UserLock: ~Copyable {
    private let locks: NameLocks?
    private let lockName: String
    public let user: String?
    public let kind: LockKind

    init(_ locks: NameLocks, user: String?, _ kind: LockKind) throws(MailboxError) {
        self.user = user
        self.kind = kind
        lockName = Self.lockName(user)
        self.locks = locks
        _ = try locks.acquire(lockName, kind, wait: true)
    }

    static func lockName(_ user: String?) -> String {
        guard let user else { return "*U*" }
        // The domain is part of the name, as in `*U*alice@example^org`.
        return "*U*" + String(user.map { $0 == "." ? "^" : $0 })
    }

    deinit {
        locks?.release(lockName)
    }

    /// Says that the lock is wanted up to here.
    public func keep() {}

    /// `.locked` unless this is the lock of the owner of a mailbox: whoever holds another one is told, and does nothing.
    func guards(_ name: MailboxName) throws(MailboxError) {
        guard user == name.user else {
            throw .locked("\(name): the lock that is held is that of \(user.map { "user \($0)" } ?? "shared mailboxes"), not its owner's")
        }
    }
}

/// The lock of one mailbox's existence and files (Cyrus `mboxname_lock`): shared while it is used, exclusive to remove, rename or repack it.
struct NameLock: ~Copyable {
    private let locks: NameLocks
    private let lockName: String

    init?(_ locks: NameLocks, _ entry: MailboxEntry, _ kind: LockKind, wait: Bool = true) throws(MailboxError) {
        self.locks = locks
        lockName = entry.type.isLegacy ? entry.name.text : entry.uniqueID?.text ?? entry.name.text
        guard try locks.acquire(lockName, kind, wait: wait) else { return nil }
    }

    deinit {
        locks.release(lockName)
    }

    /// Says that the lock is wanted up to here.
    func keep() {}
}

/// An open file shared by what a class keeps.
final class OpenFile {
    let file: File
    init(_ file: consuming File) { self.file = file }
}
