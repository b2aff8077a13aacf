import Bytes
import Posix

/// Usage of a quota root that a crash left behind what its mailboxes weigh.
///
/// Index and quota are two files. The write of cyrus.index that changes what a mailbox weighs marks its header, the quota is written
/// and synced, and the mark is taken back. Whoever finds the mark under the index's exclusive lock knows that somebody ended in between, and
/// not whether before or after the quota was written: the root is counted anew, from all its mailboxes, under their user's lock.
extension Mailbox {
    /// Writes the mark, under the exclusive lock. Taken back it need not be synced: one that comes back costs a count.
    func markQuota(inDoubt: Bool, durably: Bool = false) throws(MailboxError) {
        guard header.minorVersion == IndexHeader.currentVersion, header.quotaInDoubt != inDoubt else { return }
        var marked = header
        marked.quotaInDoubt = inDoubt
        var bytes: [UInt8] = []
        marked.encode(into: &bytes)
        try writeIndex(bytes, at: 0)
        if durably { try syncIndex() }
        header = marked
    }

    /// Puts the quota roots right that the mark is about. Called and left under the exclusive lock; failing leaves the mark.
    func settleQuota(under user: borrowing UserLock) throws(MailboxError) {
        do throws(MailboxError) {
            let right = name.isDeleted ? nil : try store.quotas.root(for: name)
            var roots = [right]
            if headerFile.quotaRoot != right {
                // A rename that was cut short: mailboxes.db has the new name already.
                roots.append(headerFile.quotaRoot)
                let pending = PendingChange(self)
                pending.headerFile.name = name
                pending.headerFile.quotaRoot = right
                pending.headerFileTouched = true
                pending.headerTouched = true
                pending.header.highestModSeq = max(pending.header.highestModSeq, entry.folderModSeq)
                pending.ignoresQuota = true
                try pending.commit()
            }
            unlock()
            for case let root? in roots { try store.recountQuota(root, under: user) }
            try lock(.exclusive)
            try markQuota(inDoubt: false)
        } catch {
            store.logger.error("IOERROR: \(name): quota usage stays in doubt: \(error)")
            if case .none = lockState { try lock(.exclusive) }
        }
    }
}

extension MailStore {
    /// Sets a root's usage to what its mailboxes weigh. The lock must be their user's, exclusively; a root above several users
    /// is for `quota -f` to count, and the log says so.
    func recountQuota(_ root: String, under user: borrowing UserLock) throws(MailboxError) {
        let top = MailboxName(root)
        guard let owner = user.user, top.user == owner, user.kind == .exclusive else {
            logger.error("quota root \(root): a change of a mailbox below it was cut short, and usage may be wrong; run quota -f \(root)")
            return
        }
        guard var quota = try quotas.find(root) else { return }
        var sum = QuotaUsage()
        var entries = try list.below(top)
        if let entry = try list.find(top) { entries.append(entry) }
        for entry in entries where entry.isRegular {
            do throws(MailboxError) {
                let view = try mailbox(entry).read(under: user)
                if view.headerFile.quotaRoot == root { sum = sum + view.header.usage + QuotaUsage(folders: 1) }
            } catch .nonexistent {
                continue
            }
        }
        guard sum != quota.used else { return }
        func text(_ usage: QuotaUsage) -> String { QuotaResource.allCases.map { "\($0.name) \(usage[$0])" }.joined(separator: ", ") }
        logger.notice("quota root \(root): usage after a crash: was \(text(quota.used)), is \(text(sum))")
        quota.used = sum
        if let modSeq = try nextQuotaModSeq(root) { quota.modSeq = max(quota.modSeq, modSeq) }
        try quotas.put(quota)
    }
}
