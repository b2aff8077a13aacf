import Bytes
import Mailbox
import Message
import Posix
import Wire

extension Session {
    func append(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let (external, flags, date, content) = try parsing { () throws(ParseFailure) -> ([UInt8], [[UInt8]], Int64?, [UInt8]) in
            try parser.space()
            let name = try parser.astring()
            try parser.space()
            var flags: [[UInt8]] = []
            if parser.peek == UInt8(ascii: "(") {
                flags = try parser.flags()
                try parser.space()
            }
            var date: Int64?
            if parser.peek == UInt8(ascii: "\"") {
                let text = try parser.quoted()
                guard let parsed = MessageDate.parseInternalDate(text.span.bytes) else {
                    throw ParseFailure.bad("Invalid date-time in Append command")
                }
                date = parsed
                try parser.space()
            }
            guard parser.peek == UInt8(ascii: "{") else { throw ParseFailure.bad("Missing required argument to Append command") }
            let content = try parser.literal()
            try parser.end()
            return (name, flags, date, content)
        }
        let (system, keywords) = try parsing { () throws(ParseFailure) in try flagSets(flags) }
        let name = try internalName(external)
        guard let (entry, rights) = try targetEntry(tag, name) else { return }
        guard !content.isEmpty else {
            no(tag, "Zero-length message literal")
            return
        }
        let (validity, uid) = try storing { () throws(MailboxError) -> (UIDValidity, UID) in
            try store(content, in: entry, rights, system, keywords, date)
        }
        try tellChanges(mayExpunge: true)
        ok(tag, rights.contains(.read) ? "[APPENDUID \(validity.rawValue) \(uid)] Completed" : "Completed")
    }

    private func store(
        _ content: [UInt8], in entry: MailboxEntry, _ rights: Rights, _ system: MessageFlags, _ keywords: [[UInt8]], _ date: Int64?
    ) throws(MailboxError) -> (UIDValidity, UID) {
        let content = try checked(content)
        let parsed = Message.parse(content, limits: ParserLimits(boundaryLimit: context.configuration[.boundary_limit]))
        let mailbox = try store.mailbox(entry)
        let staged = try store.stage(content.span.bytes, parsed: parsed, partition: entry.partition)
        let lock = try store.lock(user: entry.name.user, .exclusive)
        var change = try mailbox.change(under: lock)
        if !context.options.has("q"), let root = change.headerFile.quotaRoot, let quota = try store.quotas.find(root),
            let full = quota.firstExceeded(by: QuotaUsage(storage: Int64(content.count), messages: 1))
        {
            throw .overQuota(full.name)
        }
        var attributes = AppendAttributes(internalDate: date ?? Clock.now)
        var flags = system
        if !rights.contains(.write) { flags.subtract([.answered, .flagged, .draft]) }
        if !rights.contains(.deleteMessages) { flags.remove(.deleted) }
        // A non-owner's \Seen does not stand in the index.
        if !rights.contains(.seen) || entry.name.user != me.user { flags.remove(.seen) }
        attributes.flags = flags
        if rights.contains(.write) { attributes.keywords = keywords }
        let uid = try change.append(staged, attributes)
        let validity = change.header.uidValidity
        try change.commit()
        return (validity, uid)
    }

    /// The message as it is stored, or why it is not.
    private func checked(_ content: [UInt8]) throws(MailboxError) -> [UInt8] {
        let configuration = context.configuration
        let policy: MessageIntake.EightBit = configuration[.reject8bit] ? .reject : configuration[.munge8bit] ? .munge : .keep
        do throws(MessageIntake.Refusal) {
            try MessageIntake.check(content.span.bytes, eightBit: policy)
        } catch {
            switch error {
            case .containsNUL: throw .containsNUL
            case .bareNewlines: throw .containsBareNewlines
            case .invalidHeader: throw .badHeader
            case .eightBitHeader: throw .contains8Bit
            }
        }
        guard policy == .munge else { return content }
        var munged = content
        _ = MessageIntake.munge(&munged)
        return munged
    }
}
