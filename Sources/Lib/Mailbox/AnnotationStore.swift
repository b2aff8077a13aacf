import Bytes
public import CyrusDB
import Posix

/// An annotations database: of the server and its mailboxes (annotations.db), or of one mailbox's messages (cyrus.annotations).
///
/// Key: SCOPE 00 ENTRY 00 USER 00. SCOPE is "" for the server, a mailbox's unique id, or a message's UID in decimal; USER is "" for a
/// shared value and `[.OwNeR.]` for the mailbox owner's private one.
public final class AnnotationStore {
    public let database: Database
    public let path: String

    init(_ store: MailStore, path: String) throws(MailboxError) {
        self.path = path
        let engine = try store.engine(.annotation_db)
        database = try inDatabase { () throws(CyrusDBError) in try store.databases.open(path, engine, [.create, .convert]) }
    }

    /// nil when the file is not there.
    init?(_ store: MailStore, existing path: String) throws(MailboxError) {
        self.path = path
        let engine = try store.engine(.annotation_db)
        guard let found = try inDatabase({ () throws(CyrusDBError) in try store.databases.openIfPresent(path, engine, .convert) }) else {
            return nil
        }
        database = found
    }

    static let owner = "[.OwNeR.]"

    public struct Annotation: Sendable, Equatable {
        /// "", a unique id, or a UID.
        public var scope: String
        public var entry: String
        /// As stored: "" is shared.
        public var user: String
        public var value: [UInt8]
        public var modSeq: ModSeq
        public var isDeleted: Bool
    }

    static func key(_ scope: String, _ entry: String, _ user: String) -> [UInt8] {
        var key: [UInt8] = []
        key.append(text: scope)
        key.append(0)
        key.append(text: entry)
        key.append(0)
        key.append(text: user)
        key.append(0)
        return key
    }

    /// Length (u32 in 8 bytes), value, 00, `text/plain` 00, 8 zero bytes, modseq, flags.
    static func value(_ value: [UInt8], modSeq: ModSeq, isDeleted: Bool) -> [UInt8] {
        var out: [UInt8] = []
        out.append(bigEndian: UInt32(value.count))
        out.append(bigEndian: UInt32(0))
        out.append(contentsOf: value)
        out.append(0)
        out.append("text/plain")
        out.append(0)
        out.append(bigEndian: UInt64(0))
        out.append(bigEndian: modSeq.rawValue)
        out.append(isDeleted ? 1 : 0)
        return out
    }

    private func annotation(_ key: RawSpan, _ value: RawSpan) throws(MailboxError) -> Annotation {
        guard let first = key.firstOffset(of: 0), let second = key.firstOffset(of: 0, from: first + 1) else {
            throw .damaged(path: path, offset: 0, expected: "an annotation key of three parts", found: key.text)
        }
        let end = key.firstOffset(of: 0, from: second + 1) ?? key.byteCount
        guard value.byteCount >= 8 else {
            throw .damaged(path: path, offset: 0, expected: "an annotation value", found: "\(value.byteCount) bytes at key \(key.text)")
        }
        let length = Int(value.bigEndian32(at: 0))
        guard value.holds(length, at: 8) else {
            throw .damaged(
                path: path, offset: 8, expected: "\(length) bytes of value", found: "\(value.byteCount - 8) at key \(key.text)")
        }
        var found = Annotation(
            scope: key.slice(0, first).text, entry: key.slice(first + 1, second - first - 1).text,
            user: key.slice(second + 1, end - second - 1).text, value: value.slice(8, length).array, modSeq: .none, isDeleted: false)
        // Old records end anywhere after the value.
        let rest = 8 + length + 1
        if rest < value.byteCount, let typeEnd = value.firstOffset(of: 0, from: rest), value.holds(17, at: typeEnd + 1) {
            found.modSeq = ModSeq(value.bigEndian64(at: typeEnd + 9))
            found.isDeleted = value[typeEnd + 17] & 1 != 0
        }
        return found
    }

    /// One value; nil when there is none (or it was deleted).
    public func find(scope: String, entry: String, user: String) throws(MailboxError) -> Annotation? {
        let key = Self.key(scope, entry, user)
        guard let value = try inDatabase({ () throws(CyrusDBError) in try database.value(key) }) else { return nil }
        let found = try annotation(key.span.bytes, value.span.bytes)
        return found.isDeleted ? nil : found
    }

    /// All of a scope, deleted ones included.
    public func all(scope: String) throws(MailboxError) -> [Annotation] {
        var prefix = Array(scope.utf8)
        prefix.append(0)
        let records = try inDatabase { () throws(CyrusDBError) in try database.records(prefix: prefix) }
        var found: [Annotation] = []
        for record in records { found.append(try annotation(record.key.span.bytes, record.value.span.bytes)) }
        return found
    }

    /// Sets a value; nil removes it.
    public func set(scope: String, entry: String, user: String, value: [UInt8]?, modSeq: ModSeq = .none) throws(MailboxError) {
        let key = Self.key(scope, entry, user)
        try inDatabase { () throws(CyrusDBError) in
            if let value {
                try database.store(key, Self.value(value, modSeq: modSeq, isDeleted: false))
            } else {
                try database.delete(key)
            }
        }
    }

    /// Sets many in one transaction.
    public func set(_ annotations: [Annotation]) throws(MailboxError) {
        guard !annotations.isEmpty else { return }
        try inDatabase { () throws(CyrusDBError) in
            try database.transaction { transaction throws(CyrusDBError) in
                for item in annotations {
                    let key = Self.key(item.scope, item.entry, item.user)
                    try transaction.store(key, Self.value(item.value, modSeq: item.modSeq, isDeleted: item.isDeleted))
                }
            }
        }
    }

    /// Removes all of a scope.
    public func removeAll(scope: String) throws(MailboxError) {
        var prefix = Array(scope.utf8)
        prefix.append(0)
        try inDatabase { () throws(CyrusDBError) in
            let keys = try database.records(prefix: prefix).map(\.key)
            guard !keys.isEmpty else { return }
            try database.transaction { transaction throws(CyrusDBError) in
                for key in keys { try transaction.delete(key.span.bytes) }
            }
        }
    }
}
