import Bytes
import Posix

/// One mailbox's files, opened once per process and kept open between commands; no lock is held unless a `MailboxView` or a
/// `MailboxChange` is alive.
///
/// Locks are Cyrus's, in Cyrus's order: the user's lock (the caller holds it), the mailbox's name lock (shared), cyrus.index
/// (shared to read, exclusive to change). What another process did in between is seen at the next lock: the index is measured
/// again, and opened anew when a repack replaced it.
public final class Mailbox {
    public unowned let store: MailStore
    public internal(set) var entry: MailboxEntry
    /// As of the last lock.
    public internal(set) var header = IndexHeader()
    /// As of the last lock.
    public internal(set) var headerFile = HeaderFile()
    private var headerFileCRC: UInt32?

    private var indexFile: OpenFile?
    private var indexInode: UInt64 = 0
    var map = FileMap()
    /// All records of the index that is open were looked through since it was opened, and none was found damaged since.
    private var isChecked = false
    /// A record was found damaged since.
    private var isSuspect = false
    /// Records of an index of another version, converted to version 17's.
    private var converted: [UInt8]?
    private var convertedFor: IndexHeader?

    var cacheFile: CacheFile?
    var archiveCacheFile: CacheFile?

    enum LockState { case none, reading(Int), writing }
    private(set) var lockState = LockState.none
    private var nameLock: NameLock?

    init(_ store: MailStore, _ entry: MailboxEntry) throws(MailboxError) {
        self.store = store
        self.entry = entry
        guard store.layout.dataDirectory(entry) != nil else { throw .badPartition(entry.partition) }
    }

    public var name: MailboxName { entry.name }

    func adopt(_ newer: MailboxEntry) {
        if case .none = lockState { entry = newer }
    }

    /// What to watch for changes of the mailbox.
    public var watchPath: String { indexPath }

    var indexPath: String { store.layout.metaPath(entry, .index) ?? "" }
    public var dataDirectory: String { store.layout.dataDirectory(entry) ?? "" }

    /// The file of a message: `UID.` in the data directory, or in the archive's.
    public func messagePath(_ record: IndexRecord) -> String {
        let directory = record.flags.contains(.archived) ? store.layout.archiveDirectory(entry) ?? dataDirectory : dataDirectory
        return "\(directory)/\(record.uid.rawValue)."
    }

    // MARK: locking

    /// Locks for reading. The user's lock must be the owner's.
    public func read(under user: borrowing UserLock, checking: IndexChecking = .records) throws(MailboxError) -> MailboxView {
        try lock(.shared, checking, under: user)
        return MailboxView(self)
    }

    /// Locks for changing. An index of an older version is converted to version 17 first.
    public func change(under user: borrowing UserLock) throws(MailboxError) -> MailboxChange {
        guard user.kind == .exclusive else { throw .locked("\(entry.name): the user's lock is held shared, a change needs it exclusive") }
        try lock(.exclusive, .ends, under: user)
        if header.minorVersion != IndexHeader.currentVersion {
            let version = header.minorVersion
            unlock()
            guard version < IndexHeader.currentVersion else {
                throw .notSupported("\(entry.name): its index is of version \(version), made by a newer Cyrus")
            }
            try repack(under: user, force: true)
            try lock(.exclusive, .ends, under: user)
        }
        if try hasForeignCache() {
            unlock()
            try repack(under: user, force: true)
            try lock(.exclusive)
        }
        if header.quotaInDoubt { try settleQuota(under: user) }
        return MailboxChange(PendingChange(self))
    }

    /// A mailbox that went to another user meanwhile is no longer there for whoever holds the former owner's lock.
    private func lock(_ kind: LockKind, _ checking: IndexChecking, under user: borrowing UserLock) throws(MailboxError) {
        let name = entry.name
        try user.guards(name)
        try lock(kind, checking)
        if user.user != entry.name.user {
            unlock()
            throw .nonexistent(name.text)
        }
    }

    func lock(_ kind: LockKind, _ checking: IndexChecking = .ends) throws(MailboxError) {
        switch lockState {
        case .reading(let depth):
            guard kind == .shared else { throw .locked("\(entry.name): this process is reading it and cannot change it meanwhile") }
            lockState = .reading(depth + 1)
            return
        case .writing:
            throw .locked("\(entry.name): this process is changing it already")
        case .none:
            break
        }
        guard let lock = try NameLock(store.locks, entry, .shared) else { throw .locked(entry.name.text) }
        nameLock = consume lock
        do throws(MailboxError) {
            try refreshEntry()
            try lockIndex(kind)
            lockState = kind == .shared ? .reading(1) : .writing
            try load(checking: !isChecked)
            if !isChecked { try check(kind, checking) }
        } catch {
            lockState = .none
            unlockIndex()
            nameLock = nil
            throw error
        }
    }

    func unlock() {
        switch lockState {
        case .none: return
        case .reading(let depth) where depth > 1:
            lockState = .reading(depth - 1)
            return
        case .reading, .writing: break
        }
        lockState = .none
        unlockIndex()
        nameLock = nil
        // A session that only waits needs no pages of an index of a hundred thousand messages.
        map.rest()
    }

    /// What the mailbox list says now: renamed, other ACL, or gone.
    private func refreshEntry() throws(MailboxError) {
        let list = try store.list
        if let id = entry.uniqueID {
            guard let now = try list.find(id), !now.type.isDeleted else { throw .nonexistent(entry.name.text) }
            entry = now
        } else {
            guard let now = try list.find(entry.name), !now.type.isDeleted else { throw .nonexistent(entry.name.text) }
            entry = now
        }
    }

    private func lockIndex(_ kind: LockKind) throws(MailboxError) {
        let path = indexPath
        while true {
            if indexFile == nil {
                let file: File
                do throws(PosixError) {
                    file = try File(path, .readWrite)
                } catch {
                    if error.isMissing { throw .nonexistent(entry.name.text) }
                    throw .io(error)
                }
                indexFile = OpenFile(file)
                isChecked = false
                map = FileMap()
                converted = nil
                cacheFile = nil
                archiveCacheFile = nil
            }
            let open = try openIndex()
            let inode = try posix { () throws(PosixError) -> UInt64 in
                try open.file.lock(kind, within: store.locks.patience)
                return try open.file.status.inode
            }
            let status = try posix { () throws(PosixError) in try FileSystem.status(path) }
            if let status, status.inode == inode {
                indexInode = inode
                return
            }
            // A repack replaced the file while it was not locked.
            indexFile = nil
            if status == nil { throw .nonexistent(entry.name.text) }
        }
    }

    /// The index, which is open as long as it is locked.
    private func openIndex() throws(MailboxError) -> OpenFile {
        guard let indexFile else { throw .locked("\(entry.name): its index is not open") }
        return indexFile
    }

    private func unlockIndex() {
        guard let open = indexFile else { return }
        do throws(PosixError) {
            try open.file.unlock()
        } catch {
            // Closing unlocks as well.
            indexFile = nil
        }
    }

    /// Looks through an index just opened, and repairs it under the exclusive lock.
    private func check(_ kind: LockKind, _ checking: IndexChecking) throws(MailboxError) {
        let all = checking == .records || isSuspect
        if !isIndexWhole(all: all) {
            if kind == .shared {
                unlockIndex()
                try lockIndex(.exclusive)
                try load(checking: true)
            }
            // Another process may have done it meanwhile.
            if !isIndexWhole(all: true) { try repairIndex() }
            unlockIndex()
            try lockIndex(kind)
            try load(checking: false)
        }
        isSuspect = false
        isChecked = all
    }

    /// Whoever reads all records looks through them on the way.
    var needsAudit: Bool { !isChecked && isRepairable }

    func noteAudited() { isChecked = true }

    /// Something is damaged: the next lock looks through all, and repairs.
    func suspect() {
        isChecked = false
        isSuspect = true
    }

    /// Reads the header, and what changed since the last lock. While it is being checked, a file that is too short is no error yet.
    private func load(checking: Bool) throws(MailboxError) {
        let path = indexPath
        let open = try openIndex()
        try posix { () throws(PosixError) in try map.refresh(open.file) }
        header = try IndexHeader(map.bytes, path: path)
        let needed = Int(header.startOffset) + Int(header.recordCount) * Int(header.recordSize)
        guard map.count >= needed || (checking && isRepairable) else {
            throw .damaged(
                path: path, offset: map.count, expected: "\(header.recordCount) records", found: "end of file after \(map.count) bytes")
        }
        if header.options.contains(.deleted) { throw .nonexistent(entry.name.text) }
        if header.minorVersion < 16 || header.minorVersion > 18 { try convert() } else { converted = nil }
        if headerFileCRC != header.headerFileCRC || headerFileCRC == nil { try loadHeaderFile() }
    }

    private func loadHeaderFile() throws(MailboxError) {
        guard let path = store.layout.metaPath(entry, .header) else { throw .badPartition(entry.partition) }
        let bytes = try posix { () throws(PosixError) in try FileSystem.read(path) }
        guard let bytes else {
            throw .damaged(path: path, offset: 0, expected: "the file cyrus.header", found: "no such file")
        }
        headerFile = try HeaderFile(bytes.span.bytes, path: path)
        headerFileCRC = CRC32.of(bytes)
        if headerFileCRC != header.headerFileCRC, header.minorVersion >= 12 {
            // Cyrus only warns: a crash between the two files leaves it so, and the next change puts it right.
            store.logger.warning("\(path): its CRC is not the one that the index has")
            headerFileCRC = header.headerFileCRC
        }
    }

    private func convert() throws(MailboxError) {
        if let convertedFor, convertedFor == header, converted != nil { return }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(header.recordCount) * IndexRecord.currentSize)
        for number in 0..<Int(header.recordCount) {
            let offset = Int(header.startOffset) + number * Int(header.recordSize)
            let record = try IndexRecord(map.bytes, at: offset, version: header.minorVersion, path: indexPath)
            record.encode(into: &bytes)
        }
        converted = bytes
        convertedFor = header
    }

    // MARK: records, under a lock

    /// The records, 112 bytes each, in version 17's layout.
    var records: RawSpan {
        @_lifetime(borrow self)
        get {
            let count = Int(header.recordCount)
            if let converted {
                let span = converted.span.bytes
                return _overrideLifetime(span, borrowing: self)
            }
            let span = map.bytes.slice(Int(header.startOffset), count * Int(header.recordSize))
            return _overrideLifetime(span, borrowing: self)
        }
    }

    /// Bytes from one record to the next.
    var stride: Int { converted == nil ? Int(header.recordSize) : IndexRecord.currentSize }

    /// The record of a number, which counts from 1 in the file's order. Its CRC is checked.
    func record(_ number: Int) throws(MailboxError) -> IndexRecord {
        guard number >= 1, number <= Int(header.recordCount) else {
            throw .damaged(path: indexPath, offset: 0, expected: "record \(number)", found: "\(header.recordCount) records")
        }
        let offset = (number - 1) * stride
        do throws(MailboxError) {
            return try IndexRecord(records, at: offset, version: 17, path: indexPath)
        } catch {
            suspect()
            throw error
        }
    }

    /// The number of the first record whose UID is at least `uid`; one past the last when there is none.
    func firstRecord(atLeast uid: UID) -> Int {
        var low = 0
        var high = Int(header.recordCount)
        let all = records
        while low < high {
            let middle = (low + high) / 2
            if all.bigEndian32(at: middle * stride) < uid.rawValue { low = middle + 1 } else { high = middle }
        }
        return low + 1
    }

    // MARK: writing, under the exclusive lock

    func writeIndex(_ bytes: [UInt8], at offset: Int) throws(MailboxError) {
        let open = try openIndex()
        try posix { () throws(PosixError) in try open.file.write(bytes, at: offset) }
    }

    func syncIndex() throws(MailboxError) {
        let open = try openIndex()
        try posix { () throws(PosixError) in try open.file.syncData() }
    }

    /// The header as it now stands in the file.
    func wrote(_ newHeader: IndexHeader, headerFile newFile: HeaderFile?, crc: UInt32) throws(MailboxError) {
        header = newHeader
        if let newFile { headerFile = newFile }
        headerFileCRC = crc
        let open = try openIndex()
        try posix { () throws(PosixError) in try map.refresh(open.file) }
    }

    /// Forgets open files after the index was replaced by this process.
    func closeFiles() {
        indexFile = nil
        map = FileMap()
        converted = nil
        convertedFor = nil
        cacheFile = nil
        archiveCacheFile = nil
        headerFileCRC = nil
    }
}
