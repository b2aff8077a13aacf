import Bytes
public import Mailbox

/// What STORE does to flags.
public struct FlagChange: Sendable {
    public enum Action: Sendable { case replace, add, remove }

    public var action: Action
    public var system: MessageFlags
    public var keywords: [[UInt8]]

    public init(_ action: Action, system: MessageFlags, keywords: [[UInt8]]) {
        self.action = action
        self.system = system
        self.keywords = keywords
    }
}

extension IndexView {
    /// The system flags the session may change here.
    public var changeableFlags: MessageFlags {
        var flags: MessageFlags = []
        if rights.contains(.write) { flags.formUnion([.answered, .flagged, .draft]) }
        if rights.contains(.deleteMessages) { flags.insert(.deleted) }
        if rights.contains(.seen) { flags.insert(.seen) }
        return flags
    }

    /// Changes flags of messages, in one commit. `silent`: the session is not told of its own change. `.permissionDenied` when it may
    /// change nothing of what is asked.
    public func store(_ places: [Int], _ wanted: FlagChange, silent: Bool) throws(MailboxError) {
        let may = changeableFlags
        guard !may.isEmpty || rights.contains(.write) else { throw .permissionDenied }
        var system = wanted.system
        if wanted.action != .replace {
            // What may not be changed is refused when nothing else is asked for, and left alone otherwise.
            if !system.isEmpty, system.isDisjoint(with: may), wanted.keywords.isEmpty { throw .permissionDenied }
            system.formIntersection(may)
            if !wanted.keywords.isEmpty, !rights.contains(.write), system.isEmpty { throw .permissionDenied }
        }
        let keywordsChange = rights.contains(.write)
        if keepsSeenApart, system.contains(.seen) || wanted.action == .replace, may.contains(.seen) {
            try storeSeenApart(places, wanted, silent: silent)
        }
        let inIndex = keepsSeenApart ? may.subtracting(.seen) : may
        let touchesIndex =
            !system.intersection(inIndex).isEmpty || (keywordsChange && !wanted.keywords.isEmpty)
            || (wanted.action == .replace && (!inIndex.isEmpty || keywordsChange))
        guard touchesIndex else { return }

        let lock = try self.store.lock(user: mailbox.name.user, .exclusive)
        var change = try mailbox.change(under: lock)
        let sawAll = isUpToDate(change.header)
        var slots = UserFlags()
        if keywordsChange {
            for keyword in wanted.keywords {
                if let slot = try change.userFlagSlot(keyword.span.bytes, create: wanted.action != .remove) { slots[slot] = true }
            }
        }
        var touched: [(Int, Int)] = []
        for place in places {
            guard let number = try number(place, change) else { continue }
            let old = try change.record(number)
            if old.isExpunged { continue }
            try change.update(number) { record in
                switch wanted.action {
                case .add:
                    record.flags.formUnion(system.intersection(inIndex))
                    if keywordsChange { record.userFlags = record.userFlags.union(slots) }
                case .remove:
                    record.flags.subtract(system.intersection(inIndex))
                    if keywordsChange { record.userFlags = record.userFlags.subtracting(slots) }
                case .replace:
                    record.flags = record.flags.subtracting(inIndex).union(system.intersection(inIndex))
                    if keywordsChange { record.userFlags = slots }
                }
            }
            touched.append((place, number))
        }
        var results: [(Int, IndexRecord)] = []
        for (place, number) in touched { results.append((place, try change.record(number))) }
        let names = change.headerFile.userFlags
        try change.commit()
        for (place, record) in results { note(place, record, silent: silent) }
        noteHeader(names, sawAll: sawAll)
    }

    private func storeSeenApart(_ places: [Int], _ wanted: FlagChange, silent: Bool) throws(MailboxError) {
        for place in places where !messages[place].isExpunged {
            switch wanted.action {
            case .add: noteSeen(place, true, silent: silent)
            case .remove: noteSeen(place, false, silent: silent)
            case .replace: noteSeen(place, wanted.system.contains(.seen), silent: silent)
            }
        }
        try storeSeen()
    }

    /// Sets \Seen of messages whose text was fetched; those that have it already cost nothing.
    public func markSeen(_ places: [Int]) throws(MailboxError) {
        let unseen = places.filter { !messages[$0].flags.contains(.seen) && !messages[$0].isExpunged }
        guard !unseen.isEmpty, isReadWrite, rights.contains(.seen) else { return }
        try store(unseen, FlagChange(.add, system: .seen, keywords: []), silent: false)
    }

    /// Expunges the messages with \Deleted, among `places` (nil: all). The session is told by `takeChanges`.
    public func expungeDeleted(_ places: [Int]? = nil) throws(MailboxError) {
        guard rights.contains(.expunge) else { throw .permissionDenied }
        try refresh()
        let candidates = (places ?? Array(messages.indices)).filter { messages[$0].flags.contains(.deleted) && !messages[$0].isExpunged }
        try expunge(candidates)
    }

    /// Expunges messages, whatever their flags; those that were moved away are marked as deleted besides, as by Cyrus.
    public func expunge(_ places: [Int], marking: MessageFlags = []) throws(MailboxError) {
        guard !places.isEmpty else { return }
        let lock = try store.lock(user: mailbox.name.user, .exclusive)
        var change = try mailbox.change(under: lock)
        let sawAll = isUpToDate(change.header)
        var results: [(Int, IndexRecord)] = []
        for place in places {
            guard let number = try number(place, change) else { continue }
            if try !change.record(number).isExpunged {
                try change.expunge(number)
                try change.update(number, silent: true) { $0.flags.formUnion(marking) }
                results.append((place, try change.record(number)))
            }
        }
        let names = change.headerFile.userFlags
        try change.commit()
        if !results.isEmpty { store.logger.notice("Expunged \(results.count) messages from \(mailbox.name)") }
        for (place, record) in results { note(place, record, silent: true) }
        noteHeader(names, sawAll: sawAll)
    }

    /// Moves messages: under the locks of both owners from the look at the source to its expunge, so that of two sessions that move
    /// the same message one finds it gone (RFC 6851 3.3).
    public func move(_ uids: SequenceSet, uid: Bool, to target: Mailbox, rights targetRights: Rights) throws(MailboxError) -> [(
        from: UID, to: UID
    )] {
        let owners = [mailbox.name.user, target.name.user]
        let first = try store.lock(user: owners.compactMap { $0 }.min(), .exclusive)
        let second = try store.lock(user: owners.compactMap { $0 }.max(), .exclusive)
        defer {
            first.keep()
            second.keep()
        }
        let wanted = Set(indices(uids, uid: uid).map { messages[$0].uid })
        try refresh()
        let places = messages.indices.filter { wanted.contains(messages[$0].uid) && !messages[$0].isExpunged }
        let pairs = try copy(places, to: target, rights: targetRights)
        let gone = Set(pairs.map(\.from.rawValue))
        try expunge(places.filter { gone.contains(messages[$0].uid) }, marking: .deleted)
        return pairs
    }

    /// Copies messages; source and target UIDs in pairs. The caller has checked the rights on the target (`i`, and which flags may be kept).
    ///
    /// The target is written in one commit: all of it is there or nothing.
    public func copy(_ places: [Int], to target: Mailbox, rights targetRights: Rights) throws(MailboxError) -> [(from: UID, to: UID)] {
        if target === mailbox { return try copyWithin(places, targetRights) }
        let records = try withRecords { view throws(MailboxError) -> [IndexRecord] in
            var all: [IndexRecord] = []
            for place in places where !messages[place].isExpunged {
                if let record = try record(place, view) { all.append(record) }
            }
            return all
        }
        let names = keywords
        let lock = try store.lock(user: target.name.user, .exclusive)
        var change = try target.change(under: lock)
        try checkQuota(of: target, change.headerFile.quotaRoot, records)
        var pairs: [(from: UID, to: UID)] = []
        for record in records {
            let attributes = attributes(of: record, names, targetRights)
            pairs.append((record.uid, try change.copy(record, from: mailbox, attributes)))
        }
        try change.commit()
        return pairs
    }

    private func copyWithin(_ places: [Int], _ targetRights: Rights) throws(MailboxError) -> [(from: UID, to: UID)] {
        let lock = try store.lock(user: mailbox.name.user, .exclusive)
        var change = try mailbox.change(under: lock)
        var records: [IndexRecord] = []
        for place in places where !messages[place].isExpunged {
            if let number = try number(place, change) { records.append(try change.record(number)) }
        }
        try checkQuota(of: mailbox, change.headerFile.quotaRoot, records)
        var pairs: [(from: UID, to: UID)] = []
        for record in records {
            pairs.append((record.uid, try change.copy(record, from: mailbox, attributes(of: record, keywords, targetRights))))
        }
        try change.commit()
        return pairs
    }

    private func checkQuota(of target: Mailbox, _ root: String?, _ records: [IndexRecord]) throws(MailboxError) {
        guard !ignoresQuota, let root, let quota = try store.quotas.find(root) else { return }
        let bytes = records.reduce(Int64(0)) { $0 + Int64(clamping: $1.size) }
        if let full = quota.firstExceeded(by: QuotaUsage(storage: bytes, messages: Int64(records.count))) { throw .overQuota(full.name) }
    }

    private func attributes(of record: IndexRecord, _ names: [[UInt8]], _ rights: Rights) -> AppendAttributes {
        var attributes = AppendAttributes(internalDate: record.internalDate)
        var flags = record.flags.intersection(.system)
        if keepsSeenApart, let place = messages.firstIndex(where: { $0.uid == record.uid.rawValue }) {
            if messages[place].flags.contains(.seen) { flags.insert(.seen) } else { flags.remove(.seen) }
        }
        if !rights.contains(.write) { flags.subtract([.answered, .flagged, .draft]) }
        if !rights.contains(.deleteMessages) { flags.remove(.deleted) }
        if !rights.contains(.seen) { flags.remove(.seen) }
        attributes.flags = flags
        if rights.contains(.write) {
            attributes.keywords = names.enumerated().filter {
                $0.offset < UserFlags.capacity && !$0.element.isEmpty && record.userFlags[$0.offset]
            }
            .map(\.element)
        }
        return attributes
    }
}
