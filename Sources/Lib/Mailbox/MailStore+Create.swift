import Bytes
import Posix

/// What a new mailbox is to be.
public struct MailboxTemplate: Sendable {
    public var type = MailboxType()
    /// nil: the parent's, or the default one.
    public var partition: String?
    /// nil: the owner's rights for an INBOX, else the parent's, else `defaultacl`.
    public var acl: AccessList?
    public var uniqueID: UniqueID?
    public var uidValidity: UIDValidity?
    public var createdModSeq: ModSeq?
    public var options: MailboxOptions?

    public init() {}
}

extension MailStore {
    /// Makes a mailbox as a user's CREATE does: the levels of the hierarchy that are missing above it are made first, from the top, each
    /// as if it had been asked for by itself. What was made stays when one further down cannot be.
    @discardableResult
    public func createWithParents(
        _ name: MailboxName, _ template: MailboxTemplate = MailboxTemplate(), as identity: Identity, under user: borrowing UserLock
    ) throws(MailboxError) -> MailboxEntry {
        try name.validate()
        var missing: [MailboxName] = []
        var parent = name.parent
        while let step = parent, !step.isInbox {
            if let entry = try list.find(step), entry.isRegular { break }
            missing.append(step)
            parent = step.parent
        }
        // Nobody's mailboxes are made for a user who has no INBOX.
        if let owner = name.user, !name.isInbox, !name.isDeleted, try inbox(of: owner) == nil { throw .permissionDenied }
        if let old = try list.find(name), old.isRegular { throw .exists(name.text) }
        var plain = MailboxTemplate()
        plain.partition = template.partition
        for step in missing.reversed() { try create(step, plain, as: identity, under: user) }
        return try create(name, template, as: identity, under: user)
    }

    /// Makes a mailbox. `.exists` when there is one; `.permissionDenied` when `identity` (nil: the store itself) may not.
    /// A user's missing levels above it are made afterwards (`fillIn`).
    ///
    /// The order of writes: directories, cyrus.header, cyrus.index (each synced, with its directory), then both records of mailboxes.db
    /// in one transaction, then the quota's count of folders. A crash before the transaction leaves a directory that no record names, one after
    /// it a mark that the quota is in doubt.
    @discardableResult
    public func create(
        _ name: MailboxName, _ template: MailboxTemplate = MailboxTemplate(), as identity: Identity?, under user: borrowing UserLock
    ) throws(MailboxError) -> MailboxEntry {
        try user.guards(name)
        try name.validate()
        let list = try list
        let old = try list.find(name)
        if let old, old.isRegular { throw .exists(name.text) }
        let parent = try list.ancestor(of: name)
        if let identity { try checkMayCreate(name, below: parent, identity) }
        var entry = MailboxEntry(name: name)
        entry.type = template.type
        if try usesLegacyDirectories(name) { entry.type.state.insert(.legacyDirectories) }
        entry.uniqueID = template.uniqueID ?? old.flatMap { $0.type.isIntermediate ? $0.uniqueID : nil } ?? UniqueID.make()
        entry.partition = try choosePartition(template.partition, parent)
        entry.acl = template.acl ?? defaultACL(name, parent)
        entry.modified = Clock.now
        try numbers(for: &entry, template, old)
        let root = try quotas.root(for: name)
        if let root, let quota = try quotas.find(root), let full = quota.firstExceeded(by: QuotaUsage(folders: 1)) {
            throw .overQuota(full.name)
        }
        try makeFiles(entry, quotaRoot: root, options: template.options)
        audit?.created(entry)
        try list.update(entry)
        if let root { try enterQuota(root, entry) }
        enterConversations(entry)
        tell(.mailbox(name))
        try fillIn(above: name, under: user)
        return entry
    }

    private func enterQuota(_ root: String, _ entry: MailboxEntry) throws(MailboxError) {
        try adjustQuota(root, by: QuotaUsage(folders: 1))
        let mailbox = try mailbox(entry)
        try mailbox.lock(.exclusive)
        defer { mailbox.unlock() }
        try mailbox.markQuota(inDoubt: false)
    }

    private func checkMayCreate(_ name: MailboxName, below parent: MailboxEntry?, _ identity: Identity) throws(MailboxError) {
        if identity.isAdmin { return }
        guard let parent, rights(of: identity, on: parent).contains(.createMailbox) else { throw .permissionDenied }
    }

    private func usesLegacyDirectories(_ name: MailboxName) throws(MailboxError) -> Bool {
        if let user = name.user, !name.isInbox, let inbox = try inbox(of: user) { return inbox.type.isLegacy }
        return configuration[.mailbox_legacy_dirs]
    }

    /// The partition of a new mailbox: asked for, the parent's, `defaultpartition`, or the one with most room (`partition_select_mode`).
    func choosePartition(_ wanted: String?, _ parent: MailboxEntry?) throws(MailboxError) -> String {
        if let wanted {
            guard configuration.partition(wanted) != nil else { throw .badPartition(wanted) }
            return wanted
        }
        if let parent, configuration.partition(parent.partition) != nil { return parent.partition }
        if let name = configuration[.defaultpartition], configuration.partition(name) != nil { return name }
        var best: (name: String, free: UInt64)?
        for (name, directory) in configuration.partitions {
            guard let space = try? FileSystem.space(directory) else { continue }
            if best.map({ space.free > $0.free }) ?? true { best = (name, space.free) }
        }
        guard let best else { throw .badPartition(configuration[.defaultpartition] ?? "") }
        return best.name
    }

    private func defaultACL(_ name: MailboxName, _ parent: MailboxEntry?) -> AccessList {
        if name.isInbox, let user = name.user { return AccessList([.init(user, .full)]) }
        if let parent { return parent.acl }
        var acl = AccessList()
        let words = configuration[.defaultacl].split(separator: " ").map(String.init)
        for (identifier, rights) in zip(words, words.dropFirst()).enumerated().filter({ $0.offset % 2 == 0 }).map(\.element) {
            acl.change(identifier, .set(Rights(rights)))
        }
        return acl
    }

    /// UIDVALIDITY, above the one that the name had before, and modseqs of a new mailbox.
    private func numbers(for entry: inout MailboxEntry, _ template: MailboxTemplate, _ old: MailboxEntry?) throws(MailboxError) {
        let before = old?.uidValidity ?? UIDValidity(0)
        if configuration[.conversations] {
            var counters = try UserCounters(path: try countersPath(for: entry))
            let next = counters.next(UserCounters.Kind(entry.type), after: .none, folder: true)
            entry.createdModSeq = template.createdModSeq ?? (old?.type.isIntermediate == true ? old?.createdModSeq : nil) ?? next
            entry.folderModSeq = next
            entry.uidValidity = template.uidValidity ?? counters.nextUIDValidity(now: Clock.now, atLeast: before)
            try counters.write()
        } else {
            entry.createdModSeq = template.createdModSeq ?? ModSeq(1)
            entry.folderModSeq = entry.createdModSeq
            entry.uidValidity =
                template.uidValidity ?? UIDValidity(max(UInt32(truncatingIfNeeded: Clock.now), before.rawValue &+ 1))
        }
    }

    /// The counters of a user whose INBOX is being made lie where that INBOX will be.
    private func countersPath(for entry: MailboxEntry) throws(MailboxError) -> String {
        guard let user = entry.name.user else { return layout.sharedPath(.counters, domain: entry.name.domain) }
        return layout.userPath(.counters, user: user, inbox: entry.name.isInbox ? entry : try inbox(of: user))
    }

    func makeFiles(_ entry: MailboxEntry, quotaRoot: String?, options: MailboxOptions?) throws(MailboxError) {
        var file = HeaderFile()
        file.type = MailboxType(entry.type.kind, entry.type.state.intersection(.legacyDirectories))
        file.name = entry.name
        file.uniqueID = entry.uniqueID
        file.quotaRoot = quotaRoot
        file.acl = entry.acl
        for flag in (configuration[.mailbox_initial_flags] ?? "").split(separator: " ") { file.userFlags.append(Array(flag.utf8)) }
        let fileBytes = file.bytes
        var header = IndexHeader()
        header.uidValidity = entry.uidValidity
        header.highestModSeq = max(entry.folderModSeq, ModSeq(1))
        header.createdModSeq = entry.createdModSeq
        header.changesEpoch = Clock.now
        header.options = options ?? MailboxOptions(rawValue: UInt32(truncatingIfNeeded: configuration[.mailbox_default_options]))
        header.options.insert(.pop3NewUIDL)
        header.headerFileCRC = HeaderFile.crc(fileBytes)
        header.quotaInDoubt = quotaRoot != nil
        var index: [UInt8] = []
        header.encode(into: &index)
        guard let indexPath = layout.metaPath(entry, .index), let headerPath = layout.metaPath(entry, .header) else {
            throw .badPartition(entry.partition)
        }
        let directories = layout.allDirectories(entry)
        let indexBytes = index
        try posix { () throws(PosixError) in
            for directory in directories { try FileSystem.makeDirectories(directory) }
            try FileSystem.replace(headerPath, with: fileBytes)
            try FileSystem.replace(indexPath, with: indexBytes)
            for directory in directories { try FileSystem.syncDirectory(FileSystem.parent(of: directory)) }
        }
    }

    /// Makes the levels that are missing between a user's mailbox and the next record above it, nearest first: what is below a name can
    /// only be reached when the name is a mailbox itself.
    func fillIn(above name: MailboxName, under user: borrowing UserLock) throws(MailboxError) {
        guard name.user != nil, !name.isDeleted, let step = name.parent, !step.isInbox else { return }
        if let found = try list.find(step), !found.type.isDeleted { return }
        logger.notice("mboxlist: intermediate fill-in mailbox: \(step)")
        // The next one up is made by this.
        try create(step, as: nil, under: user)
    }

    /// Someone's rights on a mailbox: by its ACL, with what owners and admins have in any case.
    public func rights(of identity: Identity, on entry: MailboxEntry) -> Rights {
        var rights = entry.acl.rights(of: identity)
        if let user = identity.user, entry.name.user == user, !entry.name.isDeleted {
            rights.formUnion(Rights(configuration[.implicit_owner_rights]))
        }
        if identity.isAdmin { rights.formUnion([.lookup, .administer]) }
        return rights
    }
}

extension MailboxEntry {
    /// The highest modseq that the record knows of.
    var foldermost: ModSeq { max(folderModSeq, createdModSeq) }
}
