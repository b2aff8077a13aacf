import Bytes
import Mailbox
import Wire

extension Session {
    /// The entry of a mailbox whose ACL the user may see or change.
    private func administered(_ external: [UInt8]) throws(CommandFailure) -> MailboxEntry {
        let name = try internalName(external)
        return try entry(name, requiring: .administer).0
    }

    func getACL(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let external = try mailboxArgument(&parser, last: true)
        let entry = try administered(external)
        connection.out.append("* ACL ")
        connection.out.append(astring: external)
        for item in entry.acl.entries {
            connection.out.append(0x20)
            connection.out.append(astring: Array(item.identifier.utf8))
            connection.out.append(0x20)
            connection.out.append(astring: Array(item.rights.description.utf8))
        }
        connection.out.append("\r\n")
        ok(tag, "Completed")
    }

    func setACL(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let (external, identifier, rights) = try parsing { () throws(ParseFailure) -> ([UInt8], [UInt8], [UInt8]) in
            try parser.space()
            let name = try parser.astring()
            try parser.space()
            let identifier = try parser.astring()
            try parser.space()
            let rights = try parser.astring()
            try parser.end()
            return (name, identifier, rights)
        }
        var letters = rights[...]
        var sign: UInt8?
        if let first = letters.first, first == UInt8(ascii: "+") || first == UInt8(ascii: "-") {
            sign = first
            letters = letters.dropFirst()
        }
        let deleteRight = context.configuration[.deleteright].utf8.first ?? UInt8(ascii: "c")
        if let letter = letters.first(where: { Rights.right($0, deleteRight: deleteRight) == nil }) {
            bad(tag, "The \(UnicodeScalar(letter)) right is not supported")
            return
        }
        let wanted = Rights(requested: letters, deleteRight: deleteRight)
        let change: AccessList.Change = sign == nil ? .set(wanted) : sign == UInt8(ascii: "+") ? .add(wanted) : .remove(wanted)
        try changeACL(tag, external, identifier, change)
    }

    func deleteACL(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let (external, identifier) = try parsing { () throws(ParseFailure) -> ([UInt8], [UInt8]) in
            try parser.space()
            let name = try parser.astring()
            try parser.space()
            let identifier = try parser.astring()
            try parser.end()
            return (name, identifier)
        }
        try changeACL(tag, external, identifier, .set([]))
    }

    private func changeACL(_ tag: Tag, _ external: [UInt8], _ identifier: [UInt8], _ change: AccessList.Change) throws(CommandFailure) {
        guard context.configuration[.allowsetacl] || me.isAdmin else {
            no(tag, "Permission denied")
            return
        }
        let entry = try administered(external)
        guard let who = identifierForACL(identifier.text) else {
            no(tag, "Invalid identifier")
            return
        }
        // Owners do not lock themselves out of their mailboxes.
        if let owner = entry.name.user, owner == who, !me.isAdmin {
            no(tag, "Permission denied")
            return
        }
        if who == "anyone", !me.isAdmin, !context.configuration[.anyoneuseracl], entry.name.user != nil {
            no(tag, "Permission denied")
            return
        }
        try storing { () throws(MailboxError) in
            let lock = try store.lock(user: entry.name.user, .exclusive)
            try store.setACL(entry, who, change, under: lock)
        }
        ok(tag, "Completed")
    }

    /// A user, a group, anyone or anonymous, perhaps with `-`, in canonical form; nil for what can be none of them.
    private func identifierForACL(_ text: String) -> String? {
        let negative = text.hasPrefix("-")
        let bare = negative ? String(text.dropFirst()) : text
        let canonical: String?
        if bare == "anyone" || bare == "anonymous" {
            canonical = bare
        } else if bare.hasPrefix("group:") {
            canonical = bare.count > 6 && !bare.contains("\t") ? bare : nil
        } else {
            // Identifiers that are no user of ours are kept as they are: they may be another server's.
            canonical =
                context.accounts.canonical(user: bare) ?? (bare.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } && !bare.isEmpty ? bare : nil)
        }
        return canonical.map { negative ? "-\($0)" : $0 }
    }

    func listRights(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let (external, identifier) = try parsing { () throws(ParseFailure) -> ([UInt8], [UInt8]) in
            try parser.space()
            let name = try parser.astring()
            try parser.space()
            let identifier = try parser.astring()
            try parser.end()
            return (name, identifier)
        }
        let entry = try administered(external)
        let isOwner = entry.name.user != nil && entry.name.user == context.accounts.canonical(user: identifier.text)
        // What the identifier has in any case, and what can be given besides; the letters of RFC 2086 go with theirs.
        let always = isOwner ? Rights(context.configuration[.implicit_owner_rights]) : entry.name.isInbox ? .post : []
        var text = always.description
        if text.isEmpty { text = "\"\"" }
        for letter in "lrswipkxtecdan0123456789" where !always.description.contains(letter) {
            if isOwner, letter == "c" || letter == "d", always.description.contains(letter) { continue }
            text += " \(letter)"
        }
        connection.out.append("* LISTRIGHTS ")
        connection.out.append(astring: external)
        connection.out.append(0x20)
        connection.out.append(astring: identifier)
        connection.out.append(0x20)
        connection.out.append(text: text)
        connection.out.append("\r\n")
        ok(tag, "Completed")
    }

    func myRights(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let external = try mailboxArgument(&parser, last: true)
        let name = try internalName(external)
        let rights = try storing { () throws(MailboxError) -> Rights in
            guard let entry = try store.list.find(name), entry.isRegular else { throw .nonexistent(name.text) }
            let rights = store.rights(of: me, on: entry)
            guard !rights.isDisjoint(with: [.lookup, .read, .insert, .createMailbox, .deleteMailbox, .administer]) else {
                throw .nonexistent(name.text)
            }
            return rights
        }
        connection.out.append("* MYRIGHTS ")
        connection.out.append(astring: external)
        connection.out.append(0x20)
        connection.out.append(text: rights.description)
        connection.out.append("\r\n")
        ok(tag, "Completed")
    }
}
