import Bytes
import Configuration
import Logging
public import Mailbox

/// A recipient that was accepted.
public struct ResolvedRecipient: Sendable {
    /// As the client addressed him, without brackets.
    public let address: [UInt8]
    /// nil for a shared folder.
    public let user: String?
    /// The INBOX or the shared folder.
    public let mailbox: MailboxName
    /// The folder of his that is meant: taken if it is there and may be posted to when the message is delivered.
    public let folder: MailboxName?
    public let ignoresQuota: Bool
}

/// Finds the mailboxes that recipients stand for, and who may have what delivered there.
public struct RecipientResolver {
    private let store: MailStore
    /// Who a user is, with his groups.
    private let identify: (String) -> Identity
    private var configuration: Configuration { store.configuration }

    public init(_ store: MailStore, identify: @escaping (String) -> Identity = { Identity(user: $0) }) {
        self.store = store
        self.identify = identify
    }

    /// Whoever is authenticated as the sender by AUTH=, or nobody: the right to post is asked for him.
    public func resolve(_ address: EnvelopeAddress, ignoresQuota: Bool, size: Int, as sender: Identity) throws(MailboxError)
        -> ResolvedRecipient
    {
        do throws(MailboxError) {
            return try resolve(address.mailbox, ignoresQuota: ignoresQuota, size: size, as: sender)
        } catch {
            guard let other = configuration[.lmtp_catchall_mailbox] else { throw error }
            switch error {
            case .nonexistent, .overQuota, .permissionDenied: break
            default: throw error
            }
            return try resolve(Array(other.utf8), ignoresQuota: ignoresQuota, size: size, as: sender, delivered: address.mailbox)
        }
    }

    private func resolve(
        _ mailbox: [UInt8], ignoresQuota: Bool, size: Int, as sender: Identity, delivered: [UInt8]? = nil
    ) throws(MailboxError) -> ResolvedRecipient {
        let address = RecipientAddress(mailbox, configuration)
        let entry: MailboxEntry
        if let user = address.user {
            entry = try inbox(of: user)
        } else {
            guard let name = address.sharedName, let found = try find(name) else { throw .nonexistent(address.sharedName?.text ?? "") }
            let rights = store.rights(of: sender, on: found)
            guard rights.contains(.post) else { throw rights.contains(.lookup) ? .permissionDenied : .nonexistent(name.text) }
            entry = found
        }
        if !ignoresQuota { try checkQuota(entry.name, size: size) }
        var folder: MailboxName?
        if address.user != nil, !address.folder.isEmpty {
            folder = try self.folder(address.folder, of: entry.name)
        }
        return ResolvedRecipient(
            address: delivered ?? mailbox, user: address.user, mailbox: entry.name, folder: folder, ignoresQuota: ignoresQuota)
    }

    private func find(_ name: MailboxName) throws(MailboxError) -> MailboxEntry? {
        guard let entry = try store.list.find(name), entry.isRegular else { return nil }
        return entry
    }

    private func inbox(of user: String) throws(MailboxError) -> MailboxEntry {
        let name = MailboxName.inbox(of: user)
        if let entry = try find(name) { return entry }
        if configuration[.autocreate_post], configuration[.autocreate_quota] >= 0 {
            try name.validate()
            try store.autocreateInbox(of: identify(user))
            if let entry = try find(name) { return entry }
        }
        throw .nonexistent(name.text)
    }

    /// Over quota is who has more than he may have already; with lmtp_strict_quota who would have with this message.
    func checkQuota(_ name: MailboxName, size: Int) throws(MailboxError) {
        guard let root = try store.quotas.root(for: name), let quota = try store.quotas.find(root) else { return }
        try checkQuota(quota, size: size)
    }

    func checkQuota(_ quota: Quota, size: Int) throws(MailboxError) {
        let strict = configuration[.lmtp_strict_quota]
        let more = QuotaUsage(storage: strict ? Int64(clamping: size) : 0, messages: strict ? 1 : 0)
        for resource in [QuotaResource.storage, .messages] {
            guard let limit = quota.limits[resource] else { continue }
            let (allowed, overflow) = limit.multipliedReportingOverflow(by: resource.unit)
            let (wanted, _) = quota.used[resource].addingReportingOverflow(more[resource])
            if !overflow, wanted > Int64(clamping: allowed) { throw .overQuota(resource.name) }
        }
    }

    /// The name of a folder; with lmtp_fuzzy_mailbox_match the nearest one, upwards and whatever the case.
    private func folder(_ parts: [String], of inbox: MailboxName) throws(MailboxError) -> MailboxName {
        let exact = MailboxName(([inbox.text] + parts).joined(separator: "."))
        guard configuration[.lmtp_fuzzy_mailbox_match], try find(exact) == nil else { return exact }
        let all = try store.list.below(inbox).filter(\.isRegular)
        var wanted = exact.text.lowercased()
        while wanted.utf8.count > inbox.text.utf8.count {
            if let found = all.first(where: { Self.looksAlike($0.name.text, wanted) }) { return found.name }
            guard let dot = wanted.lastIndex(of: ".") else { break }
            wanted = String(wanted[..<dot])
        }
        return exact
    }

    /// Equal without case, where a blank in the mailbox's name may be written as `_`.
    private static func looksAlike(_ name: String, _ wanted: String) -> Bool {
        let name = name.lowercased().utf8
        guard name.count == wanted.utf8.count else { return false }
        return zip(name, wanted.utf8).allSatisfy { $0 == $1 || ($0 == 0x20 && $1 == UInt8(ascii: "_")) }
    }

    /// Where a message goes that is for a folder: there, or into the INBOX when it is not there or may not be posted to.
    public func target(_ recipient: ResolvedRecipient, as sender: Identity) throws(MailboxError) -> MailboxEntry {
        if let folder = recipient.folder, let entry = try find(folder), store.rights(of: sender, on: entry).contains(.post) { return entry }
        guard let entry = try find(recipient.mailbox) else { throw .nonexistent(recipient.mailbox.text) }
        return entry
    }
}
