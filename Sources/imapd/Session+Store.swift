import Bytes
import Index
import Mailbox
import Wire

extension Session {
    /// System flags and keywords of a list; a name that is none is an error.
    func flagSets(_ names: [[UInt8]]) throws(ParseFailure) -> (MessageFlags, [[UInt8]]) {
        var system: MessageFlags = []
        var keywords: [[UInt8]] = []
        for name in names {
            guard name.first == UInt8(ascii: "\\") else {
                keywords.append(name)
                continue
            }
            switch name.asciiLowercased.text {
            case "\\answered": system.insert(.answered)
            case "\\flagged": system.insert(.flagged)
            case "\\deleted": system.insert(.deleted)
            case "\\draft": system.insert(.draft)
            case "\\seen": system.insert(.seen)
            default: throw .bad("Invalid system flag in Store command")
            }
        }
        return (system, keywords)
    }

    func store(_ tag: Tag, _ parser: inout CommandParser, uid: Bool) throws(CommandFailure) {
        guard let view = selected else { return }
        let (set, change, silent) = try parsing { () throws(ParseFailure) -> (SequenceSet, FlagChange, Bool) in
            let set = try parser.sequence("Store")
            guard parser.peek == 0x20 else { throw .bad("Invalid sequence in Store") }
            try parser.space()
            var action = FlagChange.Action.replace
            if parser.take(UInt8(ascii: "+")) { action = .add } else if parser.take(UInt8(ascii: "-")) { action = .remove }
            let word = try parser.word().text
            guard word == "FLAGS" || word == "FLAGS.SILENT" else { throw .bad("Invalid Store attribute") }
            try parser.space()
            let names = try parser.flags()
            try parser.end()
            let (system, keywords) = try flagSets(names)
            return (set, FlagChange(action, system: system, keywords: keywords), word == "FLAGS.SILENT")
        }
        guard view.isReadWrite else {
            no(tag, "Permission denied")
            return
        }
        // What others did is seen first, so that their changes are not taken for ours.
        try storing { () throws(MailboxError) in try view.refresh() }
        let places = view.indices(set, uid: uid)
        guard !places.isEmpty else {
            try tellChanges(mayExpunge: uid, uid: uid, refreshing: false)
            ok(tag, "Completed")
            return
        }
        try storing { () throws(MailboxError) in try view.store(places, change, silent: silent) }
        // As Cyrus does, messages whose flags were so already are not told again.
        try tellChanges(mayExpunge: uid, uid: uid, refreshing: false)
        ok(tag, "Completed")
    }

    func expunge(_ tag: Tag, _ parser: inout CommandParser, uid: Bool) throws(CommandFailure) {
        guard let view = selected else { return }
        var set: SequenceSet?
        if uid {
            set = try parsing { () throws(ParseFailure) -> SequenceSet in
                try parser.sequence("Expunge")
            }
        }
        try parsing { () throws(ParseFailure) in try parser.end() }
        guard view.isReadWrite else {
            no(tag, "Permission denied")
            return
        }
        let before = view.header.highestModSeq
        try storing { () throws(MailboxError) in
            try view.expungeDeleted(set.map { view.indices($0, uid: true) })
        }
        try tellChanges(mayExpunge: true, uid: uid)
        let after = view.header.highestModSeq
        ok(tag, after > before ? "[HIGHESTMODSEQ \(after)] Completed" : "Completed")
    }

    func copy(_ tag: Tag, _ parser: inout CommandParser, uid: Bool, move: Bool) throws(CommandFailure) {
        guard let view = selected else { return }
        let (set, external) = try parsing { () throws(ParseFailure) -> (SequenceSet, [UInt8]) in
            let set = try parser.sequence(move ? "Move" : "Copy")
            try parser.space()
            let name = try parser.astring()
            try parser.end()
            return (set, name)
        }
        let name = try internalName(external)
        let target = try targetEntry(tag, name)
        guard let (entry, rights) = target else { return }
        if move, !view.isReadWrite {
            no(tag, "Permission denied")
            return
        }
        if move, !view.rights.isSuperset(of: [.deleteMessages, .expunge]) {
            no(tag, "Permission denied")
            return
        }
        try storing { () throws(MailboxError) in try view.refresh() }
        let places = view.indices(set, uid: uid)
        guard !places.isEmpty else {
            if uid { ok(tag, "Completed") } else { no(tag, "No matching messages") }
            return
        }
        let (validity, pairs) = try storing { () throws(MailboxError) -> (UIDValidity, [(from: UID, to: UID)]) in
            let mailbox = try store.mailbox(entry)
            let pairs =
                try move ? view.move(set, uid: uid, to: mailbox, rights: rights) : view.copy(places, to: mailbox, rights: rights)
            return (mailbox.header.uidValidity, pairs)
        }
        for observer in store.observers { observer.event(.doubleMailbox(view.mailbox.name, entry.name)) }
        let code = copyCode(validity, pairs)
        if move {
            if !code.isEmpty { out("* OK \(code)Completed\r\n") }
            try tellChanges(mayExpunge: true, uid: uid)
            ok(tag, "Completed")
        } else {
            try tellChanges(mayExpunge: uid, uid: uid)
            // The source's UIDs are not told of a mailbox the user may not read.
            ok(tag, rights.contains(.read) ? "\(code)Completed" : "Completed")
        }
    }

    /// `[COPYUID v from to] `, empty when nothing was copied.
    private func copyCode(_ validity: UIDValidity, _ pairs: [(from: UID, to: UID)]) -> String {
        guard !pairs.isEmpty else { return "" }
        var from = SequenceSet()
        var to = SequenceSet()
        for pair in pairs {
            from.append(pair.from.rawValue)
            to.append(pair.to.rawValue)
        }
        var text: [UInt8] = []
        text.append("[COPYUID ")
        text.append(decimal: validity.rawValue)
        text.append(" ")
        text.append(from)
        text.append(" ")
        text.append(to)
        text.append("] ")
        return text.text
    }

    /// The mailbox that APPEND, COPY or MOVE write to; a missing one that could be made is answered with TRYCREATE, and nil.
    func targetEntry(_ tag: Tag, _ name: MailboxName) throws(CommandFailure) -> (MailboxEntry, Rights)? {
        do throws(CommandFailure) {
            return try entry(name, requiring: .insert)
        } catch .mailbox(.nonexistent(let text)) {
            let mayCreate = try storing { () throws(MailboxError) -> Bool in
                if try store.list.find(name)?.isRegular == true { return false }
                if me.isAdmin { return true }
                guard let parent = try store.list.ancestor(of: name) else { return false }
                return store.rights(of: me, on: parent).contains(.createMailbox)
            }
            guard mayCreate else { throw .mailbox(.nonexistent(text)) }
            no(tag, "[TRYCREATE] Mailbox does not exist")
            return nil
        }
    }
}
