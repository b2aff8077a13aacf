import Bytes
import Posix

/// A user's counters of changes (file `counters`, version 9): modseqs that are unique over all his mailboxes, and the last UIDVALIDITY.
///
/// Used only when `conversations` is on (or for UIDVALIDITY); read and written under the user's exclusive lock.
struct UserCounters {
    /// The kinds of change that are counted apart, by their place among the file's modseqs.
    enum Kind: Int {
        case mail = 0
        case calendar = 1
        case addressbook = 2
        case notes = 3
        case submission = 10
        /// Mailboxes of other things than messages, such as the one that long conversations are noted on.
        case notification = 22
        case sieve = 30

        init(_ type: MailboxType) {
            switch type.kind {
            case .calendar: self = .calendar
            case .collection: self = .notification
            case .addressbook: self = .addressbook
            case .submission: self = .submission
            case .sieve: self = .sieve
            default: self = .mail
            }
        }

        /// Offsets of the kind's modseq, of its folders' modseq, and of the modseq up to which deletions were forgotten.
        var offsets: (modSeq: Int, folders: Int, deleted: Int) {
            switch self {
            case .mail: (16, 48, 112)
            case .calendar: (24, 56, 120)
            case .addressbook: (32, 64, 128)
            case .notes: (40, 72, 136)
            case .submission: (96, 104, 144)
            case .notification: (192, 208, 200)
            case .sieve: (256, 272, 264)
            }
        }
    }

    static let size = 296
    static let version: UInt32 = 9
    let path: String
    private var bytes: [UInt8]

    /// Reads the file; a missing one counts from zero. A wrong CRC is damage.
    init(path: String) throws(MailboxError) {
        self.path = path
        bytes = [UInt8](repeating: 0, count: Self.size)
        guard let content = try posix({ () throws(PosixError) in try FileSystem.read(path) }), !content.isEmpty else { return }
        guard content.count >= 48, content.count <= 4096 else {
            throw .damaged(path: path, offset: 0, expected: "48 to 296 bytes of counters", found: "\(content.count) bytes")
        }
        let span = content.span.bytes
        let crcAt = content.count - 4
        let stored = span.bigEndian32(at: crcAt)
        let computed = CRC32.of(span.slice(0, crcAt))
        guard stored == computed else {
            throw .damaged(
                path: path, offset: crcAt, expected: "CRC \(String(computed, radix: 16))", found: String(stored, radix: 16))
        }
        if content.count == Self.size {
            bytes = content
            return
        }
        // Older files have fewer fields, in the same order; UIDVALIDITY stands before the CRC.
        let body = content.count - 8
        bytes.replaceSubrange(0..<min(body, 288), with: content[..<min(body, 288)])
        bytes.store(bigEndian: span.bigEndian32(at: crcAt - 4), at: 288)
    }

    var highest: ModSeq { ModSeq(bytes.span.bytes.bigEndian64(at: 8)) }
    var uidValidity: UIDValidity { UIDValidity(bytes.span.bytes.bigEndian32(at: 288)) }

    /// The next modseq of a kind of change, above `last`. `folder` for the creation of a mailbox, `deleted` for its deletion (as Debian's
    /// Cyrus has it: other changes of a mailbox count like those of its messages).
    mutating func next(_ kind: Kind, after last: ModSeq, folder: Bool, deleted: Bool = false) -> ModSeq {
        let value = max(highest.rawValue, last.rawValue) + 1
        bytes.store(bigEndian: value, at: 8)
        bytes.store(bigEndian: value, at: kind.offsets.modSeq)
        if folder { bytes.store(bigEndian: value, at: kind.offsets.folders) }
        if deleted { bytes.store(bigEndian: value, at: kind.offsets.deleted) }
        return ModSeq(value)
    }

    /// What was deleted up to this modseq is forgotten.
    mutating func forget(to modSeq: ModSeq, _ kind: Kind) {
        if modSeq.rawValue > bytes.span.bytes.bigEndian64(at: kind.offsets.deleted) {
            bytes.store(bigEndian: modSeq.rawValue, at: kind.offsets.deleted)
        }
    }

    /// Raises the highest modseq to one that a mailbox has already.
    mutating func raise(to modSeq: ModSeq, _ kind: Kind, folder: Bool = false) {
        if modSeq > highest { bytes.store(bigEndian: modSeq.rawValue, at: 8) }
        if modSeq.rawValue > bytes.span.bytes.bigEndian64(at: kind.offsets.modSeq) {
            bytes.store(bigEndian: modSeq.rawValue, at: kind.offsets.modSeq)
        }
        if folder, modSeq.rawValue > bytes.span.bytes.bigEndian64(at: kind.offsets.folders) {
            bytes.store(bigEndian: modSeq.rawValue, at: kind.offsets.folders)
        }
    }

    /// The quota's modseq.
    mutating func nextQuota() -> ModSeq {
        let value = highest.rawValue + 1
        bytes.store(bigEndian: value, at: 8)
        bytes.store(bigEndian: value, at: 80)
        return ModSeq(value)
    }

    /// The quota changed together with messages.
    mutating func raiseQuota(to modSeq: ModSeq) {
        if modSeq.rawValue > bytes.span.bytes.bigEndian64(at: 80) { bytes.store(bigEndian: modSeq.rawValue, at: 80) }
    }

    /// A UIDVALIDITY that was not handed out before.
    mutating func nextUIDValidity(now: Int64, atLeast: UIDValidity) -> UIDValidity {
        let value = max(UInt32(truncatingIfNeeded: now), max(uidValidity.rawValue, atLeast.rawValue) &+ 1)
        bytes.store(bigEndian: value, at: 288)
        return UIDValidity(value)
    }

    /// Writes the file: a new one beside it, synced, then renamed over it. The directory is not synced, as in Debian's Cyrus: file systems write
    /// the rename down before the index that is synced next, and a mailbox's own highest modseq and UIDVALIDITY are heeded as well.
    mutating func write() throws(MailboxError) {
        let generation = bytes.span.bytes.bigEndian32(at: 0)
        var content = bytes
        content.store(bigEndian: generation &+ 1, at: 0)
        content.store(bigEndian: Self.version, at: 4)
        let crc = CRC32.of(content.span.bytes.slice(0, 292))
        content.store(bigEndian: crc, at: 292)
        bytes = content
        let path = path
        try posix { () throws(PosixError) in try FileSystem.replace(path, with: content, durably: false) }
    }
}
