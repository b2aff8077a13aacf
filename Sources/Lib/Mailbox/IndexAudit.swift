import Bytes

/// How far an index is looked through when a process opens it.
///
/// What a crash can leave (see Mailbox+Repair.swift) shows in the header, in the length, in the last record, or in any other record. Only
/// the last costs a look at all of them, and what the header alone tells is true without it: the header has its own CRC and is written
/// after the records, so it is as of the last change that was acknowledged or of the one that was being made.
public enum IndexChecking: Sendable {
    /// The header, the length, and the last record: for what the header tells, and for changes. Each record's CRC is checked when the
    /// record is read; damage that shows then is repaired at the next lock.
    case ends
    /// All records as well, before the first is lent.
    case records
}

/// Finds out, while the records of an index are read one after the other, whether they are whole and what the header says of them.
struct IndexAudit {
    private let highestModSeq: UInt64
    private var exists: UInt32 = 0
    private var deleted: UInt32 = 0
    private var answered: UInt32 = 0
    private var flagged: UInt32 = 0
    private var unseen: UInt32 = 0

    init(_ header: IndexHeader) {
        highestModSeq = header.highestModSeq.rawValue
    }

    /// Looks at the next record; false when it is torn, or of a change that did not end.
    mutating func accepts(_ record: borrowing IndexRecordView) -> Bool {
        guard record.isIntact, record.modSeq.rawValue <= highestModSeq else { return false }
        let flags = record.flags
        if flags.contains(.expunged) { return true }
        exists &+= 1
        if flags.contains(.deleted) { deleted &+= 1 }
        if flags.contains(.answered) { answered &+= 1 }
        if flags.contains(.flagged) { flagged &+= 1 }
        if !flags.contains(.seen) { unseen &+= 1 }
        return true
    }

    /// Whether the header counts what all records, now seen, are.
    func agrees(with header: IndexHeader) -> Bool {
        exists == header.exists && deleted == header.deletedCount && answered == header.answeredCount
            && flagged == header.flaggedCount && unseen == header.unseenCount
    }
}
