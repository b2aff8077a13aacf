import Bytes
import Index
import Mailbox
import Posix
import Wire

/// `*` fits anything, `%` anything but the separator (RFC 3501 6.3.8).
struct ListPattern {
    let bytes: [UInt8]
    let separator: UInt8
    /// INBOX is matched without case.
    private let lowered: [UInt8]?

    init(_ bytes: [UInt8], separator: UInt8) {
        self.bytes = bytes
        self.separator = separator
        let head = Array(bytes.prefix(5)).asciiUppercased
        let isInbox = head == [UInt8]("INBOX") && bytes.count == 5
        lowered = isInbox ? head + bytes.dropFirst(5) : nil
    }

    func matches(_ name: [UInt8]) -> Bool {
        match(lowered ?? bytes, name)
    }

    /// Iterative, with one place to go back to for each kind of wildcard: time is bounded by pattern times name.
    private func match(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var states: Set<Int> = closure([0], pattern)
        for byte in name {
            var next: Set<Int> = []
            for state in states where state < pattern.count {
                switch pattern[state] {
                case UInt8(ascii: "*"): next.insert(state)
                case UInt8(ascii: "%"): if byte != separator { next.insert(state) }
                case byte: next.insert(state + 1)
                default: break
                }
            }
            states = closure(next, pattern)
            if states.isEmpty { return false }
        }
        return states.contains(pattern.count)
    }

    private func closure(_ states: Set<Int>, _ pattern: [UInt8]) -> Set<Int> {
        var all = states
        for state in states {
            var at = state
            while at < pattern.count, pattern[at] == UInt8(ascii: "*") || pattern[at] == UInt8(ascii: "%") {
                at += 1
                all.insert(at)
            }
        }
        return all
    }
}

extension Session {
    /// A mailbox as LIST shows it.
    struct Listed {
        var name: MailboxName
        var external: String
        /// Not a mailbox, only a step towards others.
        var isGhost: Bool
        var hasChildren: Bool
    }

    func list(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let (reference, pattern) = try listArguments(&parser)
        let started = Clock.monotonic
        if pattern.isEmpty {
            // The separator, and the root of the reference.
            let root =
                reference.contains(namespace.separator)
                ? String(decoding: reference.prefix { $0 != namespace.separator }, as: UTF8.self) : ""
            out("* LIST (\\Noselect) \"\(UnicodeScalar(namespace.separator))\" \(mailboxText(root))\r\n")
            ok(tag, "Completed (\(duration(started)) secs)")
            return
        }
        let names = try storing { () throws(MailboxError) in try visible() }
        var calls = 0
        for listed in matching(names, reference, pattern) {
            calls += 1
            var attributes = listed.isGhost ? ["\\Noselect"] : []
            attributes.append(listed.hasChildren ? "\\HasChildren" : "\\HasNoChildren")
            tellListed("LIST", attributes, listed.external)
            try wiring { () throws(ConnectionError) in try connection.flushIfFull() }
        }
        ok(tag, "Completed (\(duration(started)) secs\(calls > 0 ? " \(calls) calls" : ""))")
    }

    func lsub(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let (reference, pattern) = try listArguments(&parser)
        let started = Clock.monotonic
        if pattern.isEmpty {
            out("* LSUB (\\Noselect) \"\(UnicodeScalar(namespace.separator))\" \"\"\r\n")
            ok(tag, "Completed (\(duration(started)) secs)")
            return
        }
        guard let user = me.user else {
            ok(tag, "Completed (\(duration(started)) secs)")
            return
        }
        let subscribed = try storing { () throws(MailboxError) in try store.subscriptions(of: user).all() }
        var names: [Listed] = []
        for name in subscribed {
            // Of a mailbox that is gone nothing is told, as by Cyrus; the subscription stays.
            guard let entry = try storing({ () throws(MailboxError) in try store.list.find(name) }),
                entry.isRegular
            else { continue }
            names.append(Listed(name: name, external: namespace.externalName(name), isGhost: false, hasChildren: false))
        }
        markChildren(&names)
        for listed in matching(names, reference, pattern) {
            var attributes = listed.isGhost ? ["\\Noselect"] : []
            if listed.hasChildren { attributes.append("\\HasChildren") }
            tellListed("LSUB", attributes, listed.external)
        }
        ok(tag, "Completed (\(duration(started)) secs)")
    }

    private func listArguments(_ parser: inout CommandParser) throws(CommandFailure) -> ([UInt8], [UInt8]) {
        try parsing { () throws(ParseFailure) in
            try parser.space()
            if parser.peek == UInt8(ascii: "(") { throw .bad("LIST-EXTENDED is not supported") }
            let reference = try parser.listMailbox()
            guard !parser.isAtEnd else { throw .bad("Missing required argument to List: mailbox pattern") }
            try parser.space()
            let pattern = try parser.listMailbox()
            try parser.end()
            return (reference, pattern)
        }
    }

    func duration(_ started: Double) -> String {
        let milli = Int((Clock.monotonic - started) * 1000)
        let rest = String(milli % 1000)
        return "\(milli / 1000).\(String(repeating: "0", count: 3 - rest.utf8.count))\(rest)"
    }

    private func tellListed(_ word: String, _ attributes: [String], _ name: String) {
        out("* \(word) (\(attributes.joined(separator: " "))) \"\(UnicodeScalar(namespace.separator))\" \(mailboxText(name))\r\n")
    }

    /// All mailboxes the user may look up: his own (INBOX first), other users', shared ones; with whether each has children.
    func visible() throws(MailboxError) -> [Listed] {
        var own: [Listed] = []
        var others: [Listed] = []
        var shared: [Listed] = []
        let me = me
        try store.list.forEach { entry throws(MailboxError) in
            // A level without a mailbox of its own (made by versions before 3.6) is nobody's to look up, but by admins.
            guard entry.isRegular || (entry.type.isIntermediate && !entry.type.isDeleted && me.isAdmin) else { return .next }
            if entry.name.isDeleted, !me.isAdmin { return .next }
            let user = entry.name.user
            let isOwn = user != nil && user == me.user
            if entry.isRegular {
                guard self.store.rights(of: me, on: entry).contains(.lookup) else { return .next }
            }
            if entry.type.kind == .sieve || self.isInternal(entry.name) { return .next }
            let listed = Listed(
                name: entry.name, external: self.namespace.externalName(entry.name), isGhost: !entry.isRegular, hasChildren: false)
            if isOwn {
                own.append(listed)
            } else if user != nil, !entry.name.isDeleted {
                if !self.namespace.hidesUsers || me.isAdmin { others.append(listed) }
            } else if !self.namespace.hidesShared || me.isAdmin {
                shared.append(listed)
            }
            return .next
        }
        var all = own + others + shared
        markChildren(&all)
        all.removeAll { $0.isGhost && !$0.hasChildren }
        return all
    }

    /// `#calendars` and the like are not for IMAP clients, unless they are admins.
    private func isInternal(_ name: MailboxName) -> Bool {
        guard !me.isAdmin, name.user != nil else { return false }
        return name.components.dropFirst(2).first?.hasPrefix("#") == true
    }

    /// Names are in the order of mailboxes.db, in which what is below a name follows it.
    private func markChildren(_ names: inout [Listed]) {
        for i in names.indices.dropLast() where names[i + 1].name.isBelow(names[i].name) { names[i].hasChildren = true }
        // INBOX of the alternate namespace has its folders beside it, not below.
        if namespace.isAlternate {
            for i in names.indices where names[i].external == "INBOX" { names[i].hasChildren = false }
        }
    }

    /// The names that fit; with a `%` at the end of the pattern, also steps that are no mailboxes themselves.
    func matching(_ names: [Listed], _ reference: [UInt8], _ pattern: [UInt8]) -> [Listed] {
        let full = pattern.first == namespace.separator ? pattern : reference + pattern
        let glob = ListPattern(full, separator: namespace.separator)
        let ghosts = full.last == UInt8(ascii: "%")
        var found: [Listed] = []
        var told: Set<String> = []
        for listed in names {
            let bytes = Array(listed.external.utf8)
            if ghosts {
                for (i, byte) in bytes.enumerated() where byte == namespace.separator {
                    let step = Array(bytes[..<i])
                    let text = step.text
                    guard !told.contains(text), glob.matches(step), !names.contains(where: { $0.external == text }) else { continue }
                    told.insert(text)
                    found.append(Listed(name: listed.name, external: text, isGhost: true, hasChildren: true))
                }
            }
            if glob.matches(bytes), !told.contains(listed.external) {
                told.insert(listed.external)
                found.append(listed)
            }
        }
        return found
    }

    // MARK: NAMESPACE

    func namespaces(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.end() }
        let mark = String(UnicodeScalar(namespace.separator))
        func one(_ prefix: String) -> String { "((\"\(prefix)\" \"\(mark)\"))" }
        let personal = me.isAdmin ? "NIL" : one(namespace.isAlternate ? "" : "INBOX\(mark)")
        let users = namespace.hidesUsers ? "NIL" : one(namespace.usersPrefix)
        let shared = namespace.hidesShared ? "NIL" : one(namespace.sharedPrefix)
        out("* NAMESPACE \(personal) \(users) \(shared)\r\n")
        ok(tag, "Completed")
    }

    // MARK: STATUS

    func status(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let (external, items) = try parsing { () throws(ParseFailure) -> ([UInt8], Set<String>) in
            try parser.space()
            let name = try parser.astring()
            try parser.space()
            guard parser.take(UInt8(ascii: "(")) else { throw .bad("Invalid Status attributes") }
            var items: Set<String> = []
            while !parser.take(UInt8(ascii: ")")) {
                if !items.isEmpty { _ = parser.take(0x20) }
                guard !parser.isAtEnd else { throw .bad("Missing close parenthesis in Status") }
                let item = try parser.word().text
                guard Self.statusItems.contains(item) else { throw .bad("Invalid Status attributes \(item.lowercased())") }
                items.insert(item)
            }
            guard !items.isEmpty else { throw .missingArgument }
            try parser.end()
            return (name, items)
        }
        let name = try internalName(external)
        let (entry, _) = try entry(name, requiring: .read)
        let figures = try storing { () throws(MailboxError) in try statusFigures(entry, items) }
        let shown = Self.statusItems.filter { items.contains($0) }.map { "\($0) \(figures[$0] ?? "0")" }
        out("* STATUS \(mailboxText(namespace.externalName(name))) (\(shown.joined(separator: " ")))\r\n")
        ok(tag, "Completed")
    }

    /// In the order they are told.
    private static let statusItems = [
        "MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "SIZE", "CREATEDMODSEQ", "HIGHESTMODSEQ", "MAILBOXID",
    ]

    private func statusFigures(_ entry: MailboxEntry, _ items: Set<String>) throws(MailboxError) -> [String: String] {
        let mailbox = try store.mailbox(entry)
        let lock = try store.lock(user: entry.name.user, .shared)
        var figures: [String: String]
        var seen: SequenceSet?
        do {
            // The header tells most of it, and a client asks this of every mailbox when it starts.
            let view = try mailbox.read(under: lock, checking: .ends)
            let header = view.header
            figures = [
                "MESSAGES": String(header.exists), "UIDNEXT": String(UInt64(header.lastUID.rawValue) + 1),
                "UIDVALIDITY": String(header.uidValidity.rawValue), "UNSEEN": String(header.unseenCount),
                "SIZE": String(header.quotaUsed), "CREATEDMODSEQ": String(header.createdModSeq.rawValue),
                "HIGHESTMODSEQ": String(header.highestModSeq.rawValue), "MAILBOXID": "(\(entry.uniqueID?.text ?? ""))",
            ]
            var recentUID = header.recentUID
            let seenApart = entry.name.user != me.user && !header.options.contains(.sharedSeen)
            if seenApart, !items.isDisjoint(with: ["RECENT", "UNSEEN"]), let user = me.user, let id = entry.uniqueID {
                let record = try store.seen(of: user).find(id)
                recentUID = record.lastUID
                seen = SequenceSet(record.seen.span.bytes) ?? SequenceSet()
            }
            if items.contains("RECENT"), recentUID < header.lastUID {
                // Only what came since can be recent.
                var recent = 0
                try view.forEachRecord(from: view.firstRecord(atLeast: UID(recentUID.rawValue + 1))) { _, record throws(MailboxError) in
                    if !record.flags.contains(.expunged) { recent += 1 }
                }
                figures["RECENT"] = String(recent)
            }
        }
        if items.contains("UNSEEN"), let seen {
            var unseen = 0
            try mailbox.walk(under: lock) { _ throws(MailboxError) in
                unseen = 0
            } _: { _, record in
                if !record.flags.contains(.expunged), !seen.contains(record.uid.rawValue) { unseen += 1 }
            }
            figures["UNSEEN"] = String(unseen)
        }
        return figures
    }
}
