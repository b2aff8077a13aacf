import Bytes
import Mailbox
import Posix
import Wire

extension Session {
    func getQuota(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let external = try mailboxArgument(&parser, last: true)
        let name = try internalName(external)
        guard me.isAdmin else {
            no(tag, "Permission denied")
            return
        }
        guard let quota = try storing({ () throws(MailboxError) in try store.quotas.find(name.text) }) else {
            no(tag, "Quota root does not exist")
            return
        }
        tell(quota, external)
        ok(tag, "Completed")
    }

    func getQuotaRoot(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let external = try mailboxArgument(&parser, last: true)
        let name = try internalName(external)
        let (entry, rights) = try entry(name, requiring: [])
        guard me.isAdmin || rights.contains(.read) else {
            no(tag, rights.contains(.lookup) ? "Permission denied" : "Mailbox does not exist")
            return
        }
        let quota = try storing { () throws(MailboxError) -> Quota? in
            guard let root = try store.quotas.root(for: entry.name) else { return nil }
            return try store.quotas.find(root)
        }
        connection.out.append("* QUOTAROOT ")
        connection.out.append(astring: external)
        if let quota {
            let root = Array(namespace.externalName(MailboxName(quota.root)).utf8)
            connection.out.append(0x20)
            connection.out.append(astring: root)
            connection.out.append("\r\n")
            tell(quota, root)
        } else {
            connection.out.append("\r\n")
        }
        ok(tag, "Completed")
    }

    /// Whoever could make room is told at SELECT that a quota is used up, or nearly (options quotawarn, quotawarnkb, quotawarnmsg): for one
    /// quota root at most once in ten minutes.
    func warnOfQuota(_ entry: MailboxEntry) {
        let found = try? storing { () throws(MailboxError) -> Quota? in
            guard let root = try store.quotas.root(for: entry.name) else { return nil }
            return try store.quotas.find(root)
        }
        guard let quota = found else { return }
        if let last = warnedOfQuota, last.root == quota.root, Clock.now < last.at + 600 { return }
        warnedOfQuota = (quota.root, Clock.now)
        let configuration = context.configuration
        for resource in QuotaResource.allCases {
            guard let limit = quota.limits[resource] else { continue }
            let used = UInt64(max(0, quota.used[resource]))
            let (allowed, overflow) = limit.multipliedReportingOverflow(by: resource.unit)
            guard !overflow, allowed < UInt64.max / 100 else { continue }
            if used > allowed {
                out("* NO [ALERT] Mailbox is over \(resource.name) quota\r\n")
                continue
            }
            guard allowed > 0, used * 100 / allowed > UInt64(max(0, configuration[.quotawarn])) else { continue }
            let room: Int =
                switch resource {
                case .storage: configuration[.quotawarnkb]
                case .messages: configuration[.quotawarnmsg]
                default: 0
                }
            let margin = UInt64(max(0, room)).multipliedReportingOverflow(by: resource.unit).partialValue
            guard margin == 0 || allowed < margin || allowed - used < margin else { continue }
            out("* NO [ALERT] Mailbox is at \(used * 100 / allowed)% of \(resource.name) quota\r\n")
        }
    }

    private func tell(_ quota: Quota, _ root: [UInt8]) {
        connection.out.append("* QUOTA ")
        connection.out.append(astring: root)
        connection.out.append(" (")
        var first = true
        for resource in QuotaResource.allCases {
            guard let limit = quota.limits[resource] else { continue }
            if !first { connection.out.append(0x20) }
            first = false
            connection.out.append(text: "\(resource.name) \(UInt64(max(0, quota.used[resource])) / resource.unit) \(limit)")
        }
        connection.out.append(")\r\n")
    }

    func setQuota(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let (external, wanted) = try parsing { () throws(ParseFailure) -> ([UInt8], [(String, UInt32)]) in
            try parser.space()
            let name = try parser.astring()
            try parser.space()
            guard parser.take(UInt8(ascii: "(")) else { throw .bad("Invalid quota list in Setquota") }
            var wanted: [(String, UInt32)] = []
            while !parser.take(UInt8(ascii: ")")) {
                if !wanted.isEmpty { try parser.space() }
                let resource = try parser.word().text
                try parser.space()
                wanted.append((resource, try parser.number()))
            }
            try parser.end()
            return (name, wanted)
        }
        guard me.isAdmin else {
            no(tag, "Permission denied")
            return
        }
        let name = try internalName(external)
        var limits: [QuotaResource: UInt64] = [:]
        for (text, limit) in wanted {
            guard let resource = QuotaResource(name: text) else {
                no(tag, "Unsupported quota resource")
                return
            }
            limits[resource] = UInt64(limit)
        }
        try storing { () throws(MailboxError) in
            if try store.quotas.find(name.text) == nil {
                guard let entry = try store.list.find(name), !entry.type.isDeleted else { throw .nonexistent(name.text) }
            }
            let lock = try store.lock(user: name.user, .exclusive)
            try store.setQuota(name.text, limits, under: lock)
        }
        ok(tag, "Completed")
    }
}
