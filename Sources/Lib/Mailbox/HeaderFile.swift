import Bytes
import DList
import Posix

/// The file cyrus.header: who the mailbox is, its ACL, its quota root, the names of its user flags.
public struct HeaderFile: Sendable, Equatable {
    public var type = MailboxType()
    public var name = MailboxName("")
    public var uniqueID: UniqueID?
    public var quotaRoot: String?
    public var acl = AccessList()
    /// By slot; "" is a free slot.
    public var userFlags: [[UInt8]] = []

    public init() {}

    static let magic: [UInt8] =
        [0xa1, 0x02, 0x8b, 0x0d]
        + [UInt8](
            """
            Cyrus mailbox header
            "The best thing about this system was that it had lots of goals."
            \t--Jim Morris on Andrew

            """)

    /// Reads the file's bytes, of 3.6's form or the older one of three lines.
    public init(_ bytes: RawSpan, path: String) throws(MailboxError) {
        guard bytes.starts(with: Self.magic.span.bytes) else {
            throw .damaged(path: path, offset: 0, expected: "the magic of cyrus.header", found: "other bytes")
        }
        let rest = bytes.dropping(Self.magic.count)
        guard rest.byteCount > 0 else {
            throw .damaged(path: path, offset: Self.magic.count, expected: "the mailbox's description", found: "end of file")
        }
        if rest.startsIgnoringCase(with: "%(") { try readKeys(rest, path) } else { readLines(rest) }
    }

    private mutating func readKeys(_ rest: RawSpan, _ path: String) throws(MailboxError) {
        let end = rest.firstOffset(of: 0x0a) ?? rest.byteCount
        // A flag's name is an atom: no line feed stands inside the list.
        let list: DList
        do throws(DListError) {
            list = try DList(parsing: rest.slice(0, end))
        } catch {
            throw .damaged(
                path: path, offset: Self.magic.count + error.offset, expected: "a keyed list", found: error.reason.rawValue)
        }
        for entry in list.entries ?? [] where entry.key.count == 1 {
            switch entry.key[0] {
            case UInt8(ascii: "T"): type = MailboxType(text: entry.value.text ?? "")
            case UInt8(ascii: "N"): name = MailboxName(entry.value.text ?? "")
            case UInt8(ascii: "I"): uniqueID = UniqueID(entry.value.text ?? "")
            case UInt8(ascii: "Q"): quotaRoot = entry.value.text
            case UInt8(ascii: "A"): acl = AccessList(entry.value)
            case UInt8(ascii: "U"): userFlags = (entry.value.list ?? []).prefix(UserFlags.capacity).map { $0.bytes ?? [] }
            default: break
            }
        }
    }

    /// `quotaroot TAB uniqueid`, flag names with single spaces, the ACL.
    private mutating func readLines(_ rest: RawSpan) {
        let lines = rest.text.split(separator: "\n", omittingEmptySubsequences: false)
        let first = lines[0].split(separator: "\t", omittingEmptySubsequences: false)
        quotaRoot = first[0].isEmpty ? nil : String(first[0])
        if first.count > 1 { uniqueID = UniqueID(String(first[1])) }
        if lines.count > 1 {
            userFlags = lines[1].split(separator: " ", omittingEmptySubsequences: false).prefix(UserFlags.capacity).map { Array($0.utf8) }
            while userFlags.last?.isEmpty == true { userFlags.removeLast() }
        }
        if lines.count > 2 { acl = AccessList(text: String(lines[2])) }
    }

    /// The whole file.
    public var bytes: [UInt8] {
        var keys: [DList.Entry] = [.init("T", .string(type.description)), .init("N", .string(name.text))]
        if let uniqueID { keys.append(.init("I", .string(uniqueID.text))) }
        if let quotaRoot { keys.append(.init("Q", .string(quotaRoot))) }
        keys.append(.init("A", acl.list))
        var flags = userFlags
        while flags.last?.isEmpty == true { flags.removeLast() }
        if !flags.isEmpty { keys.append(.init("U", .list(flags.map { $0.isEmpty ? .null : .string($0) }))) }
        var out = Self.magic
        out.append(DList.keyed(keys))
        out.append(0x0a)
        return out
    }

    /// What the index header keeps of the file.
    static func crc(_ bytes: [UInt8]) -> UInt32 { CRC32.of(bytes) }

    /// The slot of a flag, compared without case.
    public func slot(of flag: RawSpan) -> Int? {
        for (slot, name) in userFlags.enumerated() where name.span.bytes.equalsIgnoringCase(flag) && !name.isEmpty { return slot }
        return nil
    }
}
