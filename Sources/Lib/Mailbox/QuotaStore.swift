import Bytes
import CyrusDB
import DList
import Posix

/// The quota database (quotalegacy's tree of small files, or one database).
public final class QuotaStore {
    unowned let store: MailStore
    public let database: Database

    init(_ store: MailStore) throws(MailboxError) {
        self.store = store
        let configuration = store.configuration
        let path = configuration[.quota_db_path] ?? "\(configuration.directory)/quotas.db"
        let engine = try store.engine(.quota_db)
        database = try inDatabase { () throws(CyrusDBError) in try store.databases.open(path, engine, .create) }
    }

    public func find(_ root: String) throws(MailboxError) -> Quota? {
        let key = Array(root.utf8)
        guard let value = try inDatabase({ () throws(CyrusDBError) in try database.value(key) }) else { return nil }
        return try Quota(root: root, value: value.span.bytes, path: database.path)
    }

    /// The nearest quota root at or above a mailbox.
    public func root(for name: MailboxName) throws(MailboxError) -> String? {
        var candidate: String? = name.text
        while let text = candidate {
            let key = Array(text.utf8)
            if try inDatabase({ () throws(CyrusDBError) in try database.value(key) }) != nil { return text }
            let low = text.firstIndex(of: "!").map { text.index(after: $0) } ?? text.startIndex
            if let dot = text[low...].lastIndex(of: ".") {
                candidate = String(text[..<dot])
            } else if low != text.startIndex, low != text.endIndex {
                candidate = String(text[..<low])
            } else {
                candidate = nil
            }
        }
        return nil
    }

    /// All roots at or below a name ("" for all).
    public func all(below prefix: String = "") throws(MailboxError) -> [Quota] {
        var found: [Quota] = []
        let records = try inDatabase { () throws(CyrusDBError) in try database.records(prefix: Array(prefix.utf8)) }
        for (key, value) in records {
            let root = key.text
            guard prefix.isEmpty || root == prefix || root.utf8.dropFirst(prefix.utf8.count).first == UInt8(ascii: ".") else { continue }
            found.append(try Quota(root: root, value: value.span.bytes, path: database.path))
        }
        return found
    }

    /// Adds to what is used, in one transaction; a root that is gone meanwhile is passed over.
    func adjust(_ root: String, by difference: QuotaUsage, modSeq: ModSeq? = nil) throws(MailboxError) {
        guard !difference.isZero else { return }
        try change(root, create: false) { quota in
            for resource in QuotaResource.allCases {
                let (sum, over) = quota.used[resource].addingReportingOverflow(difference[resource])
                quota.used[resource] = over ? .max : max(0, sum)
            }
            if let modSeq { quota.modSeq = max(quota.modSeq, modSeq) }
        }
    }

    /// Sets the limits of a root, making it when missing.
    public func setLimits(_ root: String, _ limits: [QuotaResource: UInt64], modSeq: ModSeq?) throws(MailboxError) {
        try change(root, create: true) { quota in
            quota.limits = limits
            if let modSeq { quota.modSeq = modSeq }
        }
    }

    /// Writes a record as a whole (`quota -f`, replication).
    public func put(_ quota: Quota) throws(MailboxError) {
        let value = quota.value
        try inDatabase { () throws(CyrusDBError) in try database.store(Array(quota.root.utf8), value) }
    }

    @discardableResult
    public func delete(_ root: String) throws(MailboxError) -> Bool {
        try inDatabase { () throws(CyrusDBError) in try database.delete(Array(root.utf8)) }
    }

    private func change(_ root: String, create: Bool, _ body: (inout Quota) -> Void) throws(MailboxError) {
        let key = Array(root.utf8)
        var failure: MailboxError?
        try inDatabase { () throws(CyrusDBError) in
            try database.transaction { transaction throws(CyrusDBError) in
                let old = try transaction.value(key)
                if old == nil && !create { return }
                var quota = Quota(root: root)
                if let old {
                    do throws(MailboxError) {
                        quota = try Quota(root: root, value: old.span.bytes, path: database.path)
                    } catch {
                        failure = error
                        return
                    }
                }
                body(&quota)
                try transaction.store(key, quota.value)
            }
        }
        if let failure { throw failure }
    }
}
