import Bytes
import Mailbox
import Message
import Posix
import Wire

extension Session {
    /// What stands before the message: mailbox, flags, date.
    private struct AppendArguments {
        let mailbox: [UInt8]
        var flags: [[UInt8]] = []
        var date: Int64?

        init(_ parser: inout CommandParser) throws(ParseFailure) {
            try parser.space()
            mailbox = try parser.astring()
            try parser.space()
            if parser.peek == UInt8(ascii: "(") {
                flags = try parser.flags()
                try parser.space()
            }
            if parser.peek == UInt8(ascii: "\"") {
                let text = try parser.quoted()
                guard let parsed = MessageDate.parseInternalDate(text.span.bytes) else {
                    throw ParseFailure.bad("Invalid date-time in Append command")
                }
                date = parsed
                try parser.space()
            }
            guard parser.peek == UInt8(ascii: "{") else { throw ParseFailure.bad("Missing required argument to Append command") }
        }
    }

    /// Where the message goes that follows this start of a command; nil when none may: not logged in, or not at the place of one.
    /// It is read whether or not the mailbox is there: the answer comes after it.
    func incomingMessage(_ command: [UInt8]) -> IncomingMessage? {
        guard identity != nil else { return nil }
        var parser = CommandParser(command)
        let external: [UInt8]
        do throws(ParseFailure) {
            _ = try parser.atom()
            try parser.space()
            guard try parser.word() == [UInt8]("APPEND") else { return nil }
            external = try AppendArguments(&parser).mailbox
        } catch {
            return nil
        }
        let found = try? store.list.find(internalName(external))
        let partition = found?.partition ?? context.configuration[.defaultpartition] ?? "default"
        return IncomingMessage(store, partition: context.configuration.partition(partition) == nil ? "default" : partition)
    }

    func append(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let arguments = try parsing { () throws(ParseFailure) -> AppendArguments in
            let arguments = try AppendArguments(&parser)
            try parser.announcedLiteral()
            try parser.end()
            return arguments
        }
        let (system, keywords) = try parsing { () throws(ParseFailure) in try flagSets(arguments.flags) }
        let name = try internalName(arguments.mailbox)
        guard let (entry, rights) = try targetEntry(tag, name) else { return }
        guard let incoming else {
            bad(tag, "Missing required argument to Append command")
            return
        }
        let message = try storing { () throws(MailboxError) in try incoming.take() }
        guard message.count > 0 else {
            no(tag, "Zero-length message literal")
            return
        }
        let (validity, uid): (UIDValidity, UID)
        do throws(MailboxError) {
            (validity, uid) = try store(message, in: entry, rights, system, keywords, arguments.date)
        } catch {
            throw .mailbox(error)
        }
        try tellChanges(mayExpunge: true)
        ok(tag, rights.contains(.read) ? "[APPENDUID \(validity.rawValue) \(uid)] Completed" : "Completed")
    }

    private func store(
        _ message: consuming MessageSpool, in entry: MailboxEntry, _ rights: Rights, _ system: MessageFlags, _ keywords: [[UInt8]],
        _ date: Int64?
    ) throws(MailboxError) -> (UIDValidity, UID) {
        let configuration = context.configuration
        try message.check(eightBit: configuration[.reject8bit] ? .reject : configuration[.munge8bit] ? .munge : .keep)
        let limits = ParserLimits(boundaryLimit: configuration[.boundary_limit])
        let mailbox = try store.mailbox(entry)
        let staged = try message.stage(in: store, partition: entry.partition, limits: limits)
        let lock = try store.lock(user: entry.name.user, .exclusive)
        var change = try mailbox.change(under: lock)
        if !context.options.has("q"), let root = change.headerFile.quotaRoot, let quota = try store.quotas.find(root),
            let full = quota.firstExceeded(by: QuotaUsage(storage: Int64(staged.size), messages: 1))
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
}
