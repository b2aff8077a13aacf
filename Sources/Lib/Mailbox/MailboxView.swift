public import Bytes

/// A mailbox locked for reading: nothing in it changes while this lives. Not to be held while waiting on a client.
public struct MailboxView: ~Copyable {
    public let mailbox: Mailbox

    init(_ mailbox: Mailbox) {
        self.mailbox = mailbox
    }

    deinit {
        mailbox.unlock()
    }

    public var header: IndexHeader { mailbox.header }
    public var headerFile: HeaderFile { mailbox.headerFile }
    /// Records in the file, expunged ones included; they are numbered from 1.
    public var recordCount: Int { Int(mailbox.header.recordCount) }

    /// One record, its CRC checked.
    public func record(_ number: Int) throws(MailboxError) -> IndexRecord {
        try mailbox.record(number)
    }

    /// The number of the first record with at least that UID; `recordCount + 1` when there is none.
    public func firstRecord(atLeast uid: UID) -> Int {
        mailbox.firstRecord(atLeast: uid)
    }

    /// Lends the records from a number on, in place and unchecked: for walks over whole mailboxes.
    public func forEachRecord(from first: Int = 1, _ body: (_ number: Int, IndexRecordView) throws(MailboxError) -> Void)
        throws(MailboxError)
    {
        let all = mailbox.records
        let stride = mailbox.stride
        var number = max(1, first)
        while number <= recordCount {
            try body(number, IndexRecordView(all.slice((number - 1) * stride, IndexRecord.currentSize)))
            number += 1
        }
    }
}

/// An index record where it lies in the mapped file (version 17's layout).
public struct IndexRecordView: ~Escapable {
    @usableFromInline let bytes: RawSpan

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) {
        self.bytes = bytes
    }

    public var uid: UID { UID(bytes.bigEndian32(at: 0)) }
    public var internalDate: Int64 { Int64(bytes.bigEndian32(at: 4)) }
    public var size: UInt32 { bytes.bigEndian32(at: 12) }
    public var lastUpdated: Int64 { Int64(bytes.bigEndian32(at: 28)) }
    public var flags: MessageFlags { MessageFlags(rawValue: bytes.bigEndian32(at: 32)) }
    public var userFlags: UserFlags { IndexRecord.userFlags(bytes, at: 36) }
    public var guid: GUID { GUID(bytes, at: 60) }
    public var modSeq: ModSeq { ModSeq(bytes.bigEndian64(at: 80)) }
    public var cid: ConversationID { ConversationID(bytes.bigEndian64(at: 88)) }
    /// Whether the record's CRC is right.
    public var isIntact: Bool { bytes.bigEndian32(at: 108) == CRC32.of(bytes.slice(0, 108)) }
}
