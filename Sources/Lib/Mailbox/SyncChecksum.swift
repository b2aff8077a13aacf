import Bytes

/// The two digests of a mailbox's content that replication compares (Cyrus `sync_crcs`), kept by exclusive or: a change takes the
/// old value of a message out and puts the new one in.
public enum SyncChecksum {
    public static let annotationsStart: UInt32 = 12_345_678

    /// What one record adds to the "basic" CRC; 0 for an expunged one.
    ///
    /// `names` are the mailbox's user flags by slot, "" for a free one.
    public static func basic(_ record: IndexRecord, userFlagNames names: [[UInt8]]) -> UInt32 {
        if record.isExpunged { return 0 }
        var flags: UInt32 = 0
        for (flag, crc) in systemFlags where record.flags.contains(flag) { flags ^= crc }
        if !record.userFlags.isEmpty {
            for (slot, name) in names.enumerated() where !name.isEmpty && slot < UserFlags.capacity && record.userFlags[slot] {
                flags ^= CRC32.of(name.asciiLowercased)
            }
        }
        var text: [UInt8] = []
        text.reserveCapacity(128)
        text.append(decimal: record.uid.rawValue)
        text.append(" ")
        text.append(decimal: record.modSeq.rawValue)
        text.append(" ")
        text.append(decimal: record.lastUpdated)
        text.append(" (")
        text.append(decimal: flags)
        text.append(") ")
        text.append(decimal: record.internalDate)
        text.append(" ")
        text.append(hex: record.guid)
        return CRC32.of(text)
    }

    private static let systemFlags: [(MessageFlags, UInt32)] = [
        (.deleted, CRC32.of([UInt8]("\\deleted"))), (.answered, CRC32.of([UInt8]("\\answered"))),
        (.flagged, CRC32.of([UInt8]("\\flagged"))), (.draft, CRC32.of([UInt8]("\\draft"))), (.seen, CRC32.of([UInt8]("\\seen"))),
    ]

    /// What one message annotation adds: `UID ENTRY USERID VALUE`.
    public static func annotation(_ uid: UID, entry: String, user: String, value: [UInt8]) -> UInt32 {
        var text: [UInt8] = []
        text.append(decimal: uid.rawValue)
        text.append(" ")
        text.append(text: entry)
        text.append(" ")
        text.append(text: user)
        text.append(" ")
        text.append(contentsOf: value)
        return CRC32.of(text)
    }

    /// What the annotations that a record only seems to have (conversation, save date, created modseq) add.
    public static func virtualAnnotations(_ record: IndexRecord) -> UInt32 {
        if record.isExpunged { return 0 }
        var crc: UInt32 = 0
        var value: [UInt8] = []
        if record.cid != .none {
            value.append(hex: record.cid.rawValue)
            crc ^= annotation(record.uid, entry: "/vendor/cmu/cyrus-imapd/thrid", user: "", value: value)
        }
        if record.saveDate != 0 {
            value.removeAll(keepingCapacity: true)
            value.append(decimal: record.saveDate)
            crc ^= annotation(record.uid, entry: "/vendor/cmu/cyrus-imapd/savedate", user: "", value: value)
        }
        if record.createdModSeq != .none {
            value.removeAll(keepingCapacity: true)
            value.append(decimal: record.createdModSeq.rawValue)
            crc ^= annotation(record.uid, entry: "/vendor/cmu/cyrus-imapd/createdmodseq", user: "", value: value)
        }
        return crc
    }
}
