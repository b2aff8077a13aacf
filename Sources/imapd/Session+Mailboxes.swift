import Bytes
import Mailbox
import Posix
import Wire

extension Session {
    func create(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let external = try mailboxArgument(&parser, last: false)
        let partition = try parsing { () throws(ParseFailure) -> [UInt8]? in
            if parser.isAtEnd { return nil }
            try parser.space()
            if parser.peek == UInt8(ascii: "(") { throw ParseFailure.bad("Unsupported parameters to Create") }
            let partition = try parser.astring()
            try parser.end()
            return partition
        }
        let name = try internalName(external)
        var template = MailboxTemplate()
        if let partition {
            guard me.isAdmin else {
                no(tag, "Permission denied")
                return
            }
            template.partition = partition.text
        }
        let made = try storing { () throws(MailboxError) -> MailboxEntry in
            let lock = try store.lock(user: name.user, .exclusive)
            return try store.createWithParents(name, template, as: me, under: lock)
        }
        ok(tag, made.uniqueID.map { "[MAILBOXID (\($0))] Completed" } ?? "Completed")
    }

    func delete(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let external = try mailboxArgument(&parser, last: true)
        let name = try internalName(external)
        try storing { () throws(MailboxError) in try store.deleteMailbox(name, as: me) }
        if let view = selected, view.mailbox.name == name || view.mailbox.name.isDeleted {
            leave(view)
            state = .authenticated(me)
        }
        ok(tag, "Completed")
    }

    func rename(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let (from, to, partition) = try parsing { () throws(ParseFailure) -> ([UInt8], [UInt8], [UInt8]?) in
            try parser.space()
            let from = try parser.astring()
            try parser.space()
            let to = try parser.astring()
            var partition: [UInt8]?
            if !parser.isAtEnd {
                try parser.space()
                partition = try parser.astring()
                try parser.end()
            }
            return (from, to, partition)
        }
        if partition != nil, !me.isAdmin {
            no(tag, "Permission denied")
            return
        }
        let old = try internalName(from)
        let new = try internalName(to)
        let moved = try storing { () throws(MailboxError) in
            try store.renameMailbox(old, to: new, partition: partition?.text, as: me)
        }
        for (from, to) in moved {
            out("* OK rename \(mailboxText(namespace.externalName(from))) \(mailboxText(namespace.externalName(to)))\r\n")
        }
        ok(tag, "Completed")
    }

    func subscribe(_ tag: Tag, _ parser: inout CommandParser, _ on: Bool) throws(CommandFailure) {
        let external = try mailboxArgument(&parser, last: true)
        let name = try internalName(external)
        guard let user = me.user else {
            no(tag, "Permission denied")
            return
        }
        do throws(MailboxError) {
            if on, !context.configuration[.allowallsubscribe] {
                guard let entry = try store.list.find(name), entry.isRegular,
                    store.rights(of: me, on: entry).contains(.lookup)
                else { throw .nonexistent(name.text) }
            }
            let subscriptions = try store.subscriptions(of: user)
            if on { try subscriptions.subscribe(name) } else { try subscriptions.unsubscribe(name) }
        } catch {
            if case .nonexistent = error {
                no(tag, "\(on ? "Subscribe" : "Unsubscribe"): Mailbox does not exist")
                return
            }
            throw .mailbox(error)
        }
        ok(tag, "Completed")
    }

    /// A mailbox's name as an astring in a response.
    func mailboxText(_ name: String) -> String {
        let bytes = Array(name.utf8)
        if !bytes.isEmpty, bytes.allSatisfy(CommandParser.isAtomByte), name.uppercased() != "NIL" { return name }
        var out = "\""
        for character in name {
            if character == "\"" || character == "\\" { out.append("\\") }
            out.append(character)
        }
        return out + "\""
    }
}
