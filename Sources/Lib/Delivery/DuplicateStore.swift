import Bytes
import CyrusDB
import Configuration
public import Mailbox

/// deliver.db: what was delivered where, so that it is not delivered twice (Cyrus `duplicate.c`). Shared with all processes at once.
///
/// Key: ID 00 TO 00 DATE 00, with the Message-ID, the mailbox's unique id and the Date as they stand in the header. Value: time (8 bytes)
/// and UID (8 bytes), in the machine's byte order.
public final class DuplicateStore {
    private let database: Database

    /// One delivery.
    public struct Mark: Sendable, Equatable {
        public var id: [UInt8]
        public var to: String
        public var date: [UInt8]
        /// Unix seconds.
        public var time: Int64
        public var uid: UID

        public init(id: [UInt8], to: String, date: [UInt8], time: Int64, uid: UID) {
            self.id = id
            self.to = to
            self.date = date
            self.time = time
            self.uid = uid
        }

        var value: [UInt8] {
            var bytes: [UInt8] = []
            Swift.withUnsafeBytes(of: time) { bytes.append(contentsOf: $0) }
            Swift.withUnsafeBytes(of: UInt64(uid.rawValue)) { bytes.append(contentsOf: $0) }
            return bytes
        }
    }

    public init(_ store: MailStore) throws(MailboxError) {
        let configuration = store.configuration
        let path = configuration[.duplicate_db_path] ?? "\(configuration.directory)/deliver.db"
        guard let engine = DatabaseEngine(rawValue: configuration[.duplicate_db]) else {
            throw .notSupported("database engine \(configuration[.duplicate_db]) of imapd.conf is not one of this program's")
        }
        do throws(CyrusDBError) {
            database = try store.databases.open(path, engine, .create)
        } catch {
            throw .database(error)
        }
    }

    public static func key(id: [UInt8], to: String, date: [UInt8]) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(id.count + to.utf8.count + date.count + 3)
        key.append(contentsOf: id)
        key.append(0)
        key.append(text: to)
        key.append(0)
        key.append(contentsOf: date)
        key.append(0)
        return key
    }

    /// When it was delivered there; nil when it was not.
    public func find(id: [UInt8], to: String, date: [UInt8]) throws(MailboxError) -> Int64? {
        let key = Self.key(id: id, to: to, date: date)
        do throws(CyrusDBError) {
            return try database.fetch(key.span.bytes) { value in
                guard value.byteCount >= 8 else { return 0 }
                return Int64(littleEndian: Int64(bitPattern: value.bigEndian64(at: 0).byteSwapped))
            }
        } catch {
            throw .database(error)
        }
    }

    /// Remembers deliveries, all in one transaction.
    public func store(_ marks: [Mark]) throws(MailboxError) {
        guard !marks.isEmpty else { return }
        do throws(CyrusDBError) {
            try database.transaction { transaction throws(CyrusDBError) in
                for mark in marks { try transaction.store(Self.key(id: mark.id, to: mark.to, date: mark.date), mark.value) }
            }
        } catch {
            throw .database(error)
        }
    }

    /// Rewrites the file when much of it is dead; asked after clients were answered.
    public func tidy() throws(MailboxError) {
        guard database.needsCheckpoint else { return }
        do throws(CyrusDBError) { try database.checkpoint() } catch { throw .database(error) }
    }
}
