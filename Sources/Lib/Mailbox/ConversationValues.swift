import Bytes
import DList

/// A folder's counts in conversations.db (value of `F`): `0 (threadmodseq threadexists threadunseen emailexists emailunseen)`.
public struct FolderStatus: Sendable, Equatable {
    /// Highest modseq of any conversation with a message in the folder.
    public var threadModSeq = ModSeq.none
    /// Conversations with a message in the folder, and those of them that have an unseen message anywhere but in the Trash.
    public var threadExists: UInt32 = 0
    public var threadUnseen: UInt32 = 0
    /// Different messages in the folder, and those of them that are unseen.
    public var emailExists: UInt32 = 0
    public var emailUnseen: UInt32 = 0

    public init() {}

    /// nil when it is not of version 0 or does not hold together.
    public init?(_ value: [UInt8]) {
        guard let items = value.listBehind(version: UInt8(ascii: "0")), items.count >= 5, let modSeq = items[0].number else { return nil }
        let numbers = items[1...4].compactMap(\.number32)
        guard numbers.count == 4 else { return nil }
        threadModSeq = ModSeq(modSeq)
        (threadExists, threadUnseen, emailExists, emailUnseen) = (numbers[0], numbers[1], numbers[2], numbers[3])
    }

    public var value: [UInt8] {
        var out = [UInt8]("0 (" as StaticString)
        out.append(decimal: threadModSeq.rawValue)
        for number in [threadExists, threadUnseen, emailExists, emailUnseen] {
            out.append(0x20)
            out.append(decimal: number)
        }
        out.append(UInt8(ascii: ")"))
        return out
    }
}

/// What conversations.db knows of one copy of a message or of one of its MIME parts (value of `G`): 25 bytes.
public struct CopyRecord: Sendable, Equatable {
    public var cid = ConversationID.none
    /// System and internal flags, as in the index record.
    public var flags: MessageFlags = []
    public var internalDate: Int64 = 0
    /// 2 where folders are named by unique id, 1 by name; 0 in the empty values of old files.
    public var version: UInt8 = 2

    static let size = 25

    public init(cid: ConversationID, flags: MessageFlags, internalDate: Int64, version: UInt8 = 2) {
        (self.cid, self.flags, self.internalDate, self.version) = (cid, flags, internalDate, version)
    }

    /// Values of older versions are read as far as they go.
    public init(_ value: RawSpan) {
        version = 0
        if value.byteCount >= Self.size, value[0] & 0x80 != 0 {
            version = value[0] & 0x7f
            cid = ConversationID(value.bigEndian64(at: 1))
            flags = MessageFlags(rawValue: (value.bigEndian32(at: 9) & 0xffff) | (value.bigEndian32(at: 13) & 0xffff_0000))
            internalDate = Int64(bitPattern: value.bigEndian64(at: 17))
        } else if value.byteCount == 16, let hex = value.hexadecimal {
            cid = ConversationID(hex)
        }
    }

    public var value: [UInt8] {
        var out: [UInt8] = [0x80 | version]
        out.append(bigEndian: cid.rawValue)
        out.append(bigEndian: flags.rawValue & 0xffff)
        out.append(bigEndian: flags.rawValue & 0xffff_0000)
        out.append(bigEndian: UInt64(bitPattern: internalDate))
        return out
    }

    /// `G`, the GUID in hexadecimal, and `:`, before which all keys of one content stand together.
    static func prefix(_ guid: GUID) -> [UInt8] {
        var key: [UInt8] = [UInt8(ascii: "G")]
        key.append(hex: guid)
        key.append(UInt8(ascii: ":"))
        return key
    }

    /// `G` GUID `:` folder `:` uid, and `[part]` for a MIME part.
    static func key(_ guid: GUID, folder: Int, uid: UID, part: [UInt8] = []) -> [UInt8] {
        var key = prefix(guid)
        key.append(decimal: folder)
        key.append(UInt8(ascii: ":"))
        key.append(decimal: uid.rawValue)
        if !part.isEmpty {
            key.append(UInt8(ascii: "["))
            key.append(contentsOf: part)
            key.append(UInt8(ascii: "]"))
        }
        return key
    }

    /// The folder of a key of a whole message; nil for a part's and for what is none.
    static func folder(ofMessageKey key: RawSpan) -> Int? {
        guard key.byteCount > 42, key[key.byteCount - 1] != UInt8(ascii: "]"),
            let colon = key.firstOffset(of: UInt8(ascii: ":"), from: 42)
        else { return nil }
        return key.slice(42, colon - 42).decimal.flatMap { Int(exactly: $0) }
    }
}

/// The conversations that a message id was seen in (value of `<msgid>`): `0 CID,CID STAMP`.
public struct MessageIDRecord: Sendable, Equatable {
    public var conversations: [ConversationID] = []
    /// When the last one was added, unix seconds; cyr_expire goes by it.
    public var stamp: Int64 = 0

    public init(_ conversations: [ConversationID] = [], stamp: Int64 = 0) {
        (self.conversations, self.stamp) = (conversations, stamp)
    }

    /// nil when it is not of version 0 or does not hold together.
    public init?(value: [UInt8]) {
        let words = value.split(separator: 0x20, omittingEmptySubsequences: false).map { Array($0) }
        guard words.count == 3, words[0] == [UInt8(ascii: "0")], let stamp = decimal(words[2]) else { return nil }
        for word in words[1].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let digits = Array(word)
            guard digits.count == 16, let number = digits.span.bytes.hexadecimal else { return nil }
            conversations.append(ConversationID(number))
        }
        self.stamp = Int64(clamping: stamp)
    }

    public var value: [UInt8] {
        var out = [UInt8]("0 " as StaticString)
        for (i, cid) in conversations.enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            out.append(hex: cid.rawValue, width: 16)
        }
        out.append(0x20)
        out.append(decimal: stamp)
        return out
    }
}

private func decimal(_ word: [UInt8]) -> UInt64? {
    word.span.bytes.decimal
}

/// What all conversations of a user weigh (value of `Q`): `1 %(E emails S storage)`, each message counted once however many copies.
public struct ConversationQuota: Sendable, Equatable {
    public var emails: Int64 = 0
    /// Bytes.
    public var storage: Int64 = 0

    public init() {}

    public init?(_ value: [UInt8]) {
        guard value.starts(with: [UInt8]("1 " as StaticString)), let list = try? DList(parsing: Array(value.dropFirst(2))),
            let emails = list["E"]?.number, let storage = list["S"]?.number
        else { return nil }
        self.emails = Int64(clamping: emails)
        self.storage = Int64(clamping: storage)
    }

    public var value: [UInt8] {
        var out = [UInt8]("1 %(E " as StaticString)
        out.append(decimal: emails)
        out.append(" S " as StaticString)
        out.append(decimal: storage)
        out.append(UInt8(ascii: ")"))
        return out
    }
}

extension [UInt8] {
    /// The items of `V (…)`.
    func listBehind(version: UInt8) -> [DList]? {
        guard count > 2, self[0] == version, self[1] == 0x20 else { return nil }
        return (try? DList(parsing: Array(dropFirst(2))))?.list
    }
}

extension UInt32 {
    /// A count moved by a difference; one that was wrong before stops at its ends.
    mutating func move(by difference: Int) {
        self = UInt32(clamping: Int(self) + difference)
    }
}
