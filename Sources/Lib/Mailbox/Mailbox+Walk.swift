extension Mailbox {
    /// Locks for reading and lends every record once, in place. The first walk of an index that this process opened looks through it on the
    /// way: when that finds damage, the index is repaired, and all of it is lent again, from `begin` on. Within another lock of the mailbox
    /// nothing can be repaired, and damage is an error.
    public func walk(
        under user: borrowing UserLock, begin: (borrowing MailboxView) throws(MailboxError) -> Void,
        _ body: (_ number: Int, IndexRecordView) -> Void
    ) throws(MailboxError) {
        do {
            let view = try read(under: user, checking: .ends)
            try begin(view)
            if try lendAll(body) { return }
        }
        let view = try read(under: user, checking: .records)
        try begin(view)
        if try lendAll(body) { return }
        throw .damaged(path: indexPath, offset: 0, expected: "what was just repaired", found: "damage")
    }

    /// False when the records are not whole: what was lent is to be forgotten.
    private func lendAll(_ body: (Int, IndexRecordView) -> Void) throws(MailboxError) -> Bool {
        let all = records
        let count = Int(header.recordCount)
        guard needsAudit else {
            for number in 0..<count { body(number + 1, IndexRecordView(all.slice(number * stride, IndexRecord.currentSize))) }
            return true
        }
        var audit = IndexAudit(header)
        for number in 0..<count {
            let record = IndexRecordView(all.slice(number * stride, IndexRecord.currentSize))
            guard audit.accepts(record) else {
                suspect()
                return false
            }
            body(number + 1, record)
        }
        guard audit.agrees(with: header) else {
            suspect()
            return false
        }
        noteAudited()
        return true
    }
}
