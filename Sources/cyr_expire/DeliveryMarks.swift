import Bytes
import Configuration
import CyrusDB
import Mailbox

/// deliver.db, seen by its age: what was delivered long ago may be delivered again.
struct DeliveryMarks {
    private let store: MailStore

    init(_ store: MailStore) { self.store = store }

    /// Removes marks older than `mark`, or than the one of their mailbox (by unique id). Bounded transactions: deliveries go on meanwhile.
    func prune(before mark: Int64, except marks: [String: Int64]) throws(MailboxError) {
        let configuration = store.configuration
        let path = configuration[.duplicate_db_path] ?? "\(configuration.directory)/deliver.db"
        guard let engine = DatabaseEngine(rawValue: configuration[.duplicate_db]) else {
            throw .notSupported("database engine \(configuration[.duplicate_db]) of imapd.conf is not one of this program's")
        }
        do throws(CyrusDBError) {
            guard let database = try store.databases.openIfPresent(path, engine) else { return }
            var old: [[UInt8]] = []
            try database.forEach(prefix: [UInt8]().span.bytes) { key, value throws(CyrusDBError) in
                // A value that is none is of no use to anybody.
                let time = value.byteCount >= 8 ? Int64(bitPattern: value.bigEndian64(at: 0).byteSwapped) : 0
                if time < marks[Self.recipient(key)] ?? mark { old.append(key.array) }
                return .next
            }
            var rest = old[...]
            while !rest.isEmpty {
                let some = rest.prefix(1000)
                rest = rest.dropFirst(1000)
                try database.transaction { transaction throws(CyrusDBError) in
                    for key in some { try transaction.delete(key) }
                }
            }
            try database.checkpointIfNeeded()
        } catch {
            throw .database(error)
        }
    }

    /// The second of the key's parts (ID 00 TO 00 DATE 00).
    private static func recipient(_ key: RawSpan) -> String {
        guard let first = key.firstOffset(of: 0), let second = key.firstOffset(of: 0, from: first + 1) else { return "" }
        return key.slice(first + 1, second - first - 1).text
    }
}
