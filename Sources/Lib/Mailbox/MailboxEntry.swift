import Bytes
import DList

/// A mailbox as mailboxes.db knows it (Cyrus `mbentry_t`): its N record, and its I record with the names it had before.
public struct MailboxEntry: Sendable, Equatable {
    public var name: MailboxName
    public var type = MailboxType()
    /// nil only in tombstones of very old files.
    public var uniqueID: UniqueID?
    public var partition = ""
    /// In a murder; empty here.
    public var server = ""
    public var uidValidity = UIDValidity(0)
    public var createdModSeq = ModSeq.none
    public var folderModSeq = ModSeq.none
    /// When the record was written.
    public var modified: Int64 = 0
    public var acl = AccessList()
    /// Former names, newest first (I records only).
    public var history: [Former] = []

    public struct Former: Sendable, Equatable {
        public var name: MailboxName
        public var modified: Int64
        public var uidValidity: UIDValidity
        public var createdModSeq: ModSeq
        public var folderModSeq: ModSeq
        public var type: MailboxType
        public var partition: String

        public init(
            name: MailboxName, modified: Int64, uidValidity: UIDValidity, createdModSeq: ModSeq, folderModSeq: ModSeq, type: MailboxType,
            partition: String
        ) {
            (self.name, self.modified, self.uidValidity) = (name, modified, uidValidity)
            (self.createdModSeq, self.folderModSeq, self.type, self.partition) = (createdModSeq, folderModSeq, type, partition)
        }
    }

    public init(name: MailboxName) {
        self.name = name
    }

    /// The name means something to clients: neither a tombstone, nor reserved, nor only a step on the way to others.
    public var isRegular: Bool {
        type.state.isDisjoint(with: [.deleted, .reserved, .intermediate])
    }
}

extension MailboxEntry {
    static func nameKey(_ name: MailboxName) -> [UInt8] { [UInt8(ascii: "N")] + name.databaseKey }
    static func idKey(_ id: UniqueID) -> [UInt8] { [UInt8(ascii: "I")] + Array(id.text.utf8) }

    /// Reads an N record. A value that is not a dlist is the text form of before 3.0: `TYPE PARTITION ACL` with its extras.
    public init(name: MailboxName, value: RawSpan, path: String) throws(MailboxError) {
        self.init(name: name)
        if value.byteCount == 0 || value[0] != UInt8(ascii: "%") {
            readText(value)
            return
        }
        try readKeys(value, path)
    }

    /// Reads an I record.
    public init(id: UniqueID, value: RawSpan, path: String) throws(MailboxError) {
        self.init(name: MailboxName(""))
        uniqueID = id
        try readKeys(value, path)
    }

    private mutating func readKeys(_ value: RawSpan, _ path: String) throws(MailboxError) {
        let list: DList
        do throws(DListError) {
            list = try DList(parsing: value)
        } catch {
            throw .damaged(path: path, offset: error.offset, expected: "a mailbox record of \(name)", found: error.reason.rawValue)
        }
        for entry in list.entries ?? [] {
            let item = entry.value
            guard entry.key.count == 1 else { continue }
            switch entry.key[0] {
            case UInt8(ascii: "T"): type = MailboxType(text: item.text ?? "")
            case UInt8(ascii: "N"): name = Self.name(item)
            case UInt8(ascii: "I"): uniqueID = UniqueID(item.text ?? "")
            case UInt8(ascii: "P"): partition = item.text ?? ""
            case UInt8(ascii: "S"): server = item.text ?? ""
            case UInt8(ascii: "V"): uidValidity = UIDValidity(item.number32 ?? 0)
            case UInt8(ascii: "C"): createdModSeq = ModSeq(item.number ?? 0)
            case UInt8(ascii: "F"): folderModSeq = ModSeq(item.number ?? 0)
            case UInt8(ascii: "M"): modified = item.date ?? 0
            case UInt8(ascii: "A"): acl = AccessList(item)
            case UInt8(ascii: "H"): history = (item.list ?? []).map(Self.former)
            default: break
            }
        }
    }

    private static func name(_ item: DList) -> MailboxName {
        let bytes = item.bytes ?? []
        return MailboxName(databaseKey: bytes.span.bytes)
    }

    private static func former(_ item: DList) -> Former {
        Former(
            name: item["N"].map(name) ?? MailboxName(""), modified: item["M"]?.date ?? 0,
            uidValidity: UIDValidity(item["V"]?.number32 ?? 0), createdModSeq: ModSeq(item["C"]?.number ?? 0),
            folderModSeq: ModSeq(item["F"]?.number ?? 0), type: MailboxType(text: item["T"]?.text ?? ""),
            partition: item["P"]?.text ?? "")
    }

    /// `[(uniqueid X specialuse Y ) ]TYPE PARTITION ACL` or `TYPE SERVER!PARTITION ACL`, TYPE in decimal bits.
    private mutating func readText(_ value: RawSpan) {
        var rest = value.text[...]
        if rest.hasPrefix("("), let close = rest.firstIndex(of: ")") {
            let words = rest[rest.index(after: rest.startIndex)..<close].split(separator: " ")
            for (key, word) in zip(words, words.dropFirst()) where key == "uniqueid" { uniqueID = UniqueID(String(word)) }
            rest = rest[rest.index(after: close)...].drop { $0 == " " }
        }
        let words = rest.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        let bits = words.first.flatMap { Int($0) } ?? 0
        var kind = MailboxType.Kind.email
        var state: MailboxType.State = [.legacyDirectories]
        // The bits of before 3.0: remote 1, reserved 2, netnews 4, moving 8, calendar 32, collection 64, address book 128.
        if bits & 1 != 0 { state.insert(.remote) }
        if bits & 2 != 0 { state.insert(.reserved) }
        if bits & 4 != 0 { kind = .netnews }
        if bits & 8 != 0 { state.insert(.moving) }
        if bits & 16 != 0 { state.insert(.deleted) }
        if bits & 32 != 0 { kind = .calendar }
        if bits & 64 != 0 { kind = .collection }
        if bits & 128 != 0 { kind = .addressbook }
        type = MailboxType(kind, state)
        if words.count > 1 {
            let place = words[1].split(separator: "!", maxSplits: 1)
            if place.count == 2 {
                server = String(place[0])
                partition = String(place[1])
            } else {
                partition = String(words[1])
            }
        }
        if words.count > 2 { acl = AccessList(text: String(words[2])) }
    }

    /// The N record's value.
    public var nameValue: [UInt8] { encode(asID: false) }
    /// The I record's value.
    public var idValue: [UInt8] { encode(asID: true) }

    private func encode(asID: Bool) -> [UInt8] {
        var keys: [DList.Entry] = [.init("T", .string(type.description))]
        if asID {
            keys.append(.init("N", .string(name.databaseKey)))
        } else if let uniqueID {
            keys.append(.init("I", .string(uniqueID.text)))
        }
        if !partition.isEmpty { keys.append(.init("P", .string(partition))) }
        if !server.isEmpty { keys.append(.init("S", .string(server))) }
        if uidValidity.rawValue != 0 { keys.append(.init("V", .number(uidValidity.rawValue))) }
        if createdModSeq != .none { keys.append(.init("C", .number(createdModSeq.rawValue))) }
        if folderModSeq != .none { keys.append(.init("F", .number(folderModSeq.rawValue))) }
        keys.append(.init("M", .date(modified)))
        if !acl.entries.isEmpty, !type.isDeleted { keys.append(.init("A", acl.list)) }
        if asID { keys.append(.init("H", .list(history.map(\.list)))) }
        var out: [UInt8] = []
        out.append(DList.keyed(keys))
        return out
    }
}

extension MailboxEntry.Former {
    var list: DList {
        var keys: [DList.Entry] = [.init("N", .string(name.databaseKey)), .init("M", .date(modified))]
        if uidValidity.rawValue != 0 { keys.append(.init("V", .number(uidValidity.rawValue))) }
        if createdModSeq != .none { keys.append(.init("C", .number(createdModSeq.rawValue))) }
        if folderModSeq != .none { keys.append(.init("F", .number(folderModSeq.rawValue))) }
        keys.append(.init("T", .string(type.description)))
        if !partition.isEmpty { keys.append(.init("P", .string(partition))) }
        return .keyed(keys)
    }
}
