import Bytes
import Index
import Mailbox
import Posix
import Wire

extension Session {
    /// A mailbox's internal name from a client's.
    func internalName(_ external: [UInt8]) throws(CommandFailure) -> MailboxName {
        if let magicFolder, !magicFolder.isEmpty, external.asciiUppercased == [UInt8]("INBOX"), let user = namespace.user {
            return MailboxName.inbox(of: user).child(magicFolder)
        }
        return try storing { () throws(MailboxError) in try namespace.internalName(external.span.bytes) }
    }

    /// The entry of a mailbox with at least these rights; without `l` it does not seem to be there.
    func entry(_ name: MailboxName, requiring needed: Rights) throws(CommandFailure) -> (MailboxEntry, Rights) {
        try storing { () throws(MailboxError) -> (MailboxEntry, Rights) in
            guard let entry = try store.list.find(name), entry.isRegular else { throw .nonexistent(name.text) }
            let rights = store.rights(of: me, on: entry)
            guard rights.contains(needed) else {
                throw rights.contains(.lookup) ? MailboxError.permissionDenied : MailboxError.nonexistent(name.text)
            }
            return (entry, rights)
        }
    }

    func mailboxArgument(_ parser: inout CommandParser, last: Bool) throws(CommandFailure) -> [UInt8] {
        try parsing { () throws(ParseFailure) -> [UInt8] in
            try parser.space()
            let name = try parser.astring()
            if last { try parser.end() }
            return name
        }
    }

    func select(_ tag: Tag, _ parser: inout CommandParser, readWrite: Bool) throws(CommandFailure) {
        let external = try mailboxArgument(&parser, last: false)
        guard parser.isAtEnd else {
            bad(tag, "Invalid modifier list in \(readWrite ? "Select" : "Examine")")
            return
        }
        if let selected {
            // The old mailbox is left whether or not the new one can be opened (RFC 3501 6.3.1).
            leave(selected)
            state = .authenticated(me)
            out("* OK [CLOSED] Ok\r\n")
        }
        let name = try internalName(external)
        let (entry, _) = try entry(name, requiring: .read)
        let view = try storing { () throws(MailboxError) -> IndexView in
            try IndexView(store, try store.mailbox(entry), as: me, readWrite: readWrite)
        }
        view.ignoresQuota = context.options.has("q")
        state = .selected(me, view)
        if readWrite, view.rights.contains(.expunge) { warnOfQuota(entry) }
        registration.update(mailbox: name.text)
        out("* \(view.count) EXISTS\r\n* \(view.recentCount) RECENT\r\n")
        tellFlags(view)
        if let unseen = view.firstUnseen { out("* OK [UNSEEN \(unseen)] Ok\r\n") }
        out("* OK [UIDVALIDITY \(view.header.uidValidity.rawValue)] Ok\r\n")
        out("* OK [UIDNEXT \(UInt64(view.header.lastUID.rawValue) + 1)] Ok\r\n")
        out("* OK [HIGHESTMODSEQ \(view.header.highestModSeq)] Ok\r\n")
        if let id = entry.uniqueID { out("* OK [MAILBOXID (\(id))] Ok\r\n") }
        let canWrite = readWrite && !view.rights.isDisjoint(with: [.insert, .write, .seen, .deleteMessages, .expunge])
        ok(tag, "[READ-\(canWrite ? "WRITE" : "ONLY")] Completed")
    }

    /// FLAGS and PERMANENTFLAGS.
    func tellFlags(_ view: IndexView) {
        var names: [UInt8] = []
        for keyword in view.keywords where !keyword.isEmpty {
            names.append(0x20)
            names.append(contentsOf: keyword)
        }
        connection.out.append("* FLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen")
        connection.out.append(contentsOf: names)
        connection.out.append(")\r\n* OK [PERMANENTFLAGS (")
        var permanent: [String] = []
        if view.isReadWrite {
            let may = view.changeableFlags
            if may.contains(.answered) { permanent.append("\\Answered") }
            if may.contains(.flagged) { permanent.append("\\Flagged") }
            if may.contains(.draft) { permanent.append("\\Draft") }
            if may.contains(.deleted) { permanent.append("\\Deleted") }
            if may.contains(.seen) { permanent.append("\\Seen") }
        }
        connection.out.append(text: permanent.joined(separator: " "))
        if view.isReadWrite, view.rights.contains(.write) {
            connection.out.append(contentsOf: names)
            connection.out.append(permanent.isEmpty ? "\\*" : " \\*")
        }
        connection.out.append(")] Ok\r\n")
        view.noteKeywordsTold()
    }

    /// Leaves a mailbox; what was marked for cleanup is cleaned when nobody else has it open.
    func leave(_ view: IndexView) {
        let mailbox = view.mailbox
        guard !mailbox.header.options.isDisjoint(with: [.needsRepack, .needsUnlink]) else { return }
        do throws(MailboxError) {
            let lock = try store.lock(user: mailbox.name.user, .exclusive)
            try mailbox.repack(under: lock)
        } catch {
            context.logger.error("cleaning up \(mailbox.name): \(error)")
        }
    }

    func close(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.end() }
        guard let view = selected else { return }
        if view.isReadWrite, view.rights.contains(.expunge) {
            try storing { () throws(MailboxError) in try view.expungeDeleted() }
        }
        leave(view)
        state = .authenticated(me)
        ok(tag, "Completed")
    }

    func unselect(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.end() }
        guard let view = selected else { return }
        leave(view)
        state = .authenticated(me)
        ok(tag, "Completed")
    }

    /// Sees what others did to the selected mailbox, and tells it.
    func tellChanges(mayExpunge: Bool, uid: Bool = false, refreshing: Bool = true) throws(CommandFailure) {
        guard let view = selected else { return }
        do throws(MailboxError) {
            if refreshing { try view.refresh() }
        } catch {
            guard case .nonexistent = error else { throw .mailbox(error) }
            sayBye("Selected mailbox has been deleted")
            state = .logout
            return
        }
        tell(view.takeChanges(mayExpunge: mayExpunge), view, uid: uid)
        do throws(MailboxError) { try view.claimRecent() } catch { context.logger.error("\(view.mailbox.name): \(error)") }
    }

    func tell(_ changes: IndexView.Changes, _ view: IndexView, uid: Bool) {
        for number in changes.expunged { out("* \(number) EXPUNGE\r\n") }
        if let exists = changes.exists { out("* \(exists) EXISTS\r\n* \(changes.recent) RECENT\r\n") }
        if changes.keywordsChanged { tellFlags(view) }
        for place in changes.flagged {
            connection.out.append("* ")
            connection.out.append(decimal: place + 1)
            connection.out.append(" FETCH (")
            appendFlags(view, place)
            if uid {
                connection.out.append(" UID ")
                connection.out.append(decimal: view.messages[place].uid)
            }
            if isCondstoreEnabled {
                connection.out.append(" MODSEQ (")
                connection.out.append(decimal: view.messages[place].modSeq)
                connection.out.append(")")
            }
            connection.out.append(")\r\n")
        }
    }

    /// From now on flags come with modseqs; said once, with why.
    func enableCondstore(_ reason: String, _ view: IndexView) {
        guard !isCondstoreEnabled else { return }
        isCondstoreEnabled = true
        out("* OK [HIGHESTMODSEQ \(view.header.highestModSeq)] CONDSTORE enabled by \(reason)\r\n")
    }

    /// `FLAGS (\Recent \Answered … keyword …)`.
    func appendFlags(_ view: IndexView, _ place: Int) {
        let message = view.messages[place]
        connection.out.append("FLAGS (")
        var first = true
        func add(_ name: StaticString) {
            if !first { connection.out.append(0x20) }
            connection.out.append(name)
            first = false
        }
        if message.isRecent { add("\\Recent") }
        if message.flags.contains(.answered) { add("\\Answered") }
        if message.flags.contains(.flagged) { add("\\Flagged") }
        if message.flags.contains(.draft) { add("\\Draft") }
        if message.flags.contains(.deleted) { add("\\Deleted") }
        if message.flags.contains(.seen) { add("\\Seen") }
        if !message.userFlags.isEmpty {
            for (slot, keyword) in view.keywords.enumerated() where slot < UserFlags.capacity && message.userFlags[slot] && !keyword.isEmpty
            {
                if !first { connection.out.append(0x20) }
                connection.out.append(contentsOf: keyword)
                first = false
            }
        }
        connection.out.append(")")
    }
}
