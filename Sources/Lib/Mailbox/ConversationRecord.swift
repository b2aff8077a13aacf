import Bytes
import DList

/// One conversation in conversations.db (value of `B` and its id): `1 (modseq records exists unseen (counted flags) (folders) (senders)
/// subject size (thread) createdmodseq)`.
///
/// A message is counted once for its content (GUID), in the whole and in each folder, however many copies there are.
public struct ConversationRecord: Sendable, Equatable {
    public struct Folder: Sendable, Equatable {
        /// Its place in `$FOLDER_IDS`.
        public var number: Int
        public var modSeq = ModSeq.none
        public var records: UInt32 = 0
        public var exists: UInt32 = 0
        public var unseen: UInt32 = 0
    }

    /// One who wrote messages of the conversation, as the envelope has him (undecoded).
    public struct Sender: Sendable, Equatable {
        public var name: [UInt8]?
        public var route: [UInt8]?
        public var mailbox: [UInt8]
        public var domain: [UInt8]
        /// Date of his last message, unix seconds.
        public var lastSeen: Int64 = 0
        /// How many of the messages are his.
        public var exists: UInt32 = 0
    }

    /// One message, by content.
    public struct Message: Sendable, Equatable {
        public var guid: GUID
        /// 1 while it is there.
        public var exists: UInt32 = 0
        public var internalDate: Int64 = 0
    }

    /// 0 counts each copy; such records keep doing so until they are rebuilt.
    public var version: UInt8 = 1
    public var modSeq = ModSeq.none
    /// With those that are expunged but not unlinked.
    public var records: UInt32 = 0
    public var exists: UInt32 = 0
    public var unseen: UInt32 = 0
    /// As many as `$COUNTED_FLAGS` names.
    public var counts: [UInt32] = []
    public var folders: [Folder] = []
    public var senders: [Sender] = []
    /// Normalised; nil while all messages are drafts.
    public var subject: [UInt8]?
    /// Bytes, 32 bits of them.
    public var size: UInt32 = 0
    public var thread: [Message] = []
    public var createdModSeq = ModSeq.none

    public init() {}

    /// nil when it is of an unknown version or does not hold together. Records of older versions may end before the size.
    public init?(_ value: [UInt8]) {
        guard let first = value.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1"),
            let items = value.listBehind(version: first), items.count >= 8
        else { return nil }
        version = first - UInt8(ascii: "0")
        guard let modSeq = items[0].number, let records = items[1].number32, let exists = items[2].number32,
            let unseen = items[3].number32, let counts = items[4].list, let folders = items[5].list, let senders = items[6].list
        else { return nil }
        self.modSeq = ModSeq(modSeq)
        (self.records, self.exists, self.unseen) = (records, exists, unseen)
        self.counts = counts.map { $0.number32 ?? 0 }
        for folder in folders {
            guard let item = Folder(folder) else { return nil }
            self.folders.append(item)
        }
        for sender in senders {
            guard let item = Sender(sender) else { return nil }
            self.senders.append(item)
        }
        subject = items[7].bytes
        if items.count > 8 { size = UInt32(truncatingIfNeeded: items[8].number ?? 0) }
        if items.count > 9 {
            for message in items[9].list ?? [] {
                guard let item = Message(message) else { return nil }
                thread.append(item)
            }
        }
        if items.count > 10 { createdModSeq = ModSeq(items[10].number ?? 0) }
    }

    /// The most senders that are written.
    static let mostSenders = 99

    /// With `flags` counts, as many as there are counted flags.
    public func value(flags: Int) -> [UInt8] {
        var out: [UInt8] = [UInt8(ascii: "0") + version]
        out.append(" (" as StaticString)
        out.append(decimal: modSeq.rawValue)
        for number in [records, exists, unseen] {
            out.append(0x20)
            out.append(decimal: number)
        }
        out.append(" (" as StaticString)
        for i in 0..<flags {
            if i > 0 { out.append(0x20) }
            out.append(decimal: i < counts.count ? counts[i] : 0)
        }
        out.append(") (" as StaticString)
        for (i, folder) in folders.lazy.filter({ $0.records > 0 }).enumerated() { folder.append(to: &out, isFirst: i == 0) }
        out.append(") (" as StaticString)
        for (i, sender) in senders.lazy.filter({ $0.exists > 0 }).prefix(Self.mostSenders).enumerated() {
            sender.append(to: &out, isFirst: i == 0)
        }
        out.append(") " as StaticString)
        out.append(subject.map(DList.string) ?? .null)
        out.append(0x20)
        out.append(decimal: size)
        out.append(" (" as StaticString)
        for (i, message) in thread.lazy.filter({ $0.exists > 0 }).enumerated() { message.append(to: &out, isFirst: i == 0) }
        out.append(") " as StaticString)
        out.append(decimal: createdModSeq.rawValue)
        out.append(UInt8(ascii: ")"))
        return out
    }
}

extension ConversationRecord.Folder {
    fileprivate init?(_ item: DList) {
        guard let items = item.list, items.count >= 5, let number = items[0].number, let modSeq = items[1].number,
            let place = Int(exactly: number), let records = items[2].number32, let exists = items[3].number32,
            let unseen = items[4].number32
        else { return nil }
        self.init(number: place, modSeq: ModSeq(modSeq), records: records, exists: exists, unseen: unseen)
    }

    fileprivate func append(to out: inout [UInt8], isFirst: Bool) {
        out.append(isFirst ? "(" as StaticString : " (" as StaticString)
        out.append(decimal: number)
        out.append(0x20)
        out.append(decimal: modSeq.rawValue)
        for value in [records, exists, unseen] {
            out.append(0x20)
            out.append(decimal: value)
        }
        out.append(UInt8(ascii: ")"))
    }
}

extension ConversationRecord.Sender {
    fileprivate init?(_ item: DList) {
        guard let items = item.list, items.count >= 6, let mailbox = items[2].bytes, let domain = items[3].bytes,
            let seen = items[4].number, let exists = items[5].number32
        else { return nil }
        self.init(
            name: items[0].bytes, route: items[1].bytes, mailbox: mailbox, domain: domain, lastSeen: Int64(clamping: seen), exists: exists)
    }

    fileprivate func append(to out: inout [UInt8], isFirst: Bool) {
        out.append(isFirst ? "(" as StaticString : " (" as StaticString)
        for value in [name, route, mailbox, domain] {
            out.append(value.map(DList.string) ?? .null)
            out.append(0x20)
        }
        out.append(decimal: UInt32(truncatingIfNeeded: lastSeen))
        out.append(0x20)
        out.append(decimal: exists)
        out.append(UInt8(ascii: ")"))
    }
}

extension ConversationRecord.Message {
    fileprivate init?(_ item: DList) {
        guard let items = item.list, items.count >= 3, let guid = items[0].guid, let exists = items[1].number32, let date = items[2].number
        else { return nil }
        self.init(guid: guid, exists: exists, internalDate: Int64(clamping: date))
    }

    fileprivate func append(to out: inout [UInt8], isFirst: Bool) {
        out.append(isFirst ? "(" as StaticString : " (" as StaticString)
        out.append(hex: guid)
        out.append(0x20)
        out.append(decimal: exists)
        out.append(0x20)
        out.append(decimal: internalDate)
        out.append(UInt8(ascii: ")"))
    }
}
