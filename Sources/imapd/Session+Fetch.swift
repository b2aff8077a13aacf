import Bytes
import Index
import Mailbox
import Message
import Posix
import Wire

extension Session {
    func fetch(_ tag: Tag, _ parser: inout CommandParser, uid: Bool) throws(CommandFailure) {
        guard let view = selected else { return }
        let started = Clock.monotonic
        var (set, items) = try parsing { () throws(ParseFailure) -> (SequenceSet, FetchItems) in
            let set = try parser.sequence("Fetch")
            try parser.space()
            return (set, try FetchItems(&parser))
        }
        if uid { items.uid = true }
        if items.modSeq { enableCondstore("MODSEQ fetch", view) }
        if !uid, set.isEmpty || !view.covers(set), view.indices(set, uid: false).isEmpty {
            no(tag, "No matching messages (\(duration(started)) sec)")
            return
        }
        let places = view.indices(set, uid: uid)
        if items.setsSeen { try storing { () throws(MailboxError) in try view.markSeen(places) } }
        let missing = try respond(view, places, items)
        try tellChanges(mayExpunge: uid, uid: uid)
        if let missing {
            no(tag, "\(missing.imapText) (\(duration(started)) sec)")
        } else {
            ok(tag, "Completed (\(duration(started)) sec)")
        }
    }

    /// Answers for messages in batches: each is put together under the mailbox's lock and sent without it.
    /// The first message that could not be had is the result; the others are answered all the same.
    private func respond(_ view: IndexView, _ places: [Int], _ items: FetchItems) throws(CommandFailure) -> MailboxError? {
        var trouble: MailboxError?
        var next = 0
        while next < places.count {
            if items.isLight {
                while next < places.count, connection.out.count < Connection.flushSize {
                    lightResponse(view, places[next], items)
                    next += 1
                }
            } else {
                try storing { () throws(MailboxError) in
                    try view.withRecords { records throws(MailboxError) in
                        while next < places.count, connection.out.count < Connection.flushSize {
                            let place = places[next]
                            next += 1
                            guard let record = try view.record(place, records) else { continue }
                            if let failure = response(view, place, record, items) { trouble = trouble ?? failure }
                        }
                    }
                }
            }
            if next < places.count { try wiring { () throws(ConnectionError) in try connection.flush() } }
        }
        return trouble
    }

    private func lightResponse(_ view: IndexView, _ place: Int, _ items: FetchItems) {
        connection.out.append("* ")
        connection.out.append(decimal: place + 1)
        connection.out.append(" FETCH (")
        var any = appendLight(view, place, items)
        appendModSeq(view, place, items, &any)
        connection.out.append(")\r\n")
    }

    private func appendModSeq(_ view: IndexView, _ place: Int, _ items: FetchItems, _ any: inout Bool) {
        guard items.modSeq || (hasChangedFlags && isCondstoreEnabled) else { return }
        if any { connection.out.append(0x20) }
        connection.out.append("MODSEQ (")
        connection.out.append(decimal: view.messages[place].modSeq)
        connection.out.append(")")
        any = true
    }

    /// FLAGS and UID; whether there was anything.
    private func appendLight(_ view: IndexView, _ place: Int, _ items: FetchItems) -> Bool {
        var any = false
        var hasChanged = false
        if items.flags || view.isToBeTold(place) {
            appendFlags(view, place)
            hasChanged = view.isToBeTold(place)
            view.noteTold(place)
            any = true
        }
        if items.uid {
            if any { connection.out.append(0x20) }
            connection.out.append("UID ")
            connection.out.append(decimal: view.messages[place].uid)
            any = true
        }
        hasChangedFlags = hasChanged
        return any
    }

    /// One message's answer; when something of it cannot be had, nothing of it is sent and why is the result.
    private func response(_ view: IndexView, _ place: Int, _ record: IndexRecord, _ items: FetchItems) -> MailboxError? {
        let start = connection.out.count
        connection.out.append("* ")
        connection.out.append(decimal: place + 1)
        connection.out.append(" FETCH (")
        var any = appendLight(view, place, items)
        func item(_ name: StaticString) {
            if any { connection.out.append(0x20) }
            connection.out.append(name)
            any = true
        }
        if items.internalDate {
            item("INTERNALDATE \"")
            MessageDate.appendInternalDate(record.internalDate, to: &connection.out)
            connection.out.append("\"")
        }
        appendModSeq(view, place, items, &any)
        if items.size {
            item("RFC822.SIZE ")
            connection.out.append(decimal: record.size)
        }
        if items.emailID {
            item("EMAILID (M")
            connection.out.append(text: String(record.guid.description.prefix(24)))
            connection.out.append(")")
        }
        if items.threadID {
            item("THREADID (")
            connection.out.append(text: record.cid == .none ? "NIL" : "T\(record.cid)")
            connection.out.append(")")
        }
        if items.saveDate {
            item("SAVEDATE \"")
            MessageDate.appendInternalDate(record.saveDate, to: &connection.out)
            connection.out.append("\"")
        }
        if items.createdModSeq {
            item("CREATEDMODSEQ (")
            connection.out.append(decimal: record.createdModSeq.rawValue)
            connection.out.append(")")
        }
        if items.digest {
            item("DIGEST.SHA1 ")
            connection.out.append(hex: record.guid)
        }
        do throws(MailboxError) {
            if items.needsCache { try appendCached(view, record, items, &any) }
        } catch {
            connection.out.removeSubrange(start...)
            context.logger.error("IOERROR: \(view.mailbox.name) UID \(record.uid) guid=<\(record.guid)>: \(error)")
            return error
        }
        connection.out.append(")\r\n")
        return nil
    }

    private func appendCached(_ view: IndexView, _ record: IndexRecord, _ items: FetchItems, _ any: inout Bool) throws(MailboxError) {
        let mailbox = view.mailbox
        var message: MessageFile?
        try mailbox.withCache(record) { bytes throws(MailboxError) in
            let cache: CacheView
            do throws(CacheDamage) {
                cache = try CacheView(bytes)
            } catch {
                throw .damaged(
                    path: "\(mailbox.name) cyrus.cache", offset: Int(clamping: record.cacheOffset) + error.offset,
                    expected: "a cache record", found: error.description)
            }
            for (wanted, name, item) in [
                (items.envelope, "ENVELOPE ", CacheItem.envelope), (items.bodyStructure, "BODYSTRUCTURE ", .bodyStructure),
                (items.body, "BODY ", .body),
            ] as [(Bool, StaticString, CacheItem)] where wanted {
                if any { connection.out.append(0x20) }
                any = true
                connection.out.append(name)
                connection.out.append(cache[item])
            }
            for section in items.sections {
                if any { connection.out.append(0x20) }
                any = true
                connection.out.append(contentsOf: section.label)
                connection.out.append(0x20)
                try append(section, cache, record, mailbox, &message)
            }
        }
    }

    /// A section's bytes as a literal, `""` where there are none, NIL where there is no such part.
    private func append(
        _ section: FetchItems.Section, _ cache: CacheView, _ record: IndexRecord, _ mailbox: Mailbox, _ message: inout MessageFile?
    ) throws(MailboxError) {
        if case .headerFields(let names, let excluding) = section.part {
            try appendFields(section, names, excluding, cache, record, mailbox, &message)
            return
        }
        var range: Range<Int>?
        if section.path.isEmpty {
            switch section.part {
            case .content, .whole: range = 0..<Int(record.size)
            case .header: range = 0..<Int(record.headerSize)
            case .text: range = min(Int(record.headerSize), Int(record.size))..<Int(record.size)
            case .mime, .headerFields: range = nil
            }
        } else {
            range = try self.range(section, cache, record, mailbox)
        }
        guard let range else {
            connection.out.append("NIL")
            return
        }
        try appendLiteral(section, range, record, mailbox, &message)
    }

    private func range(
        _ section: FetchItems.Section, _ cache: CacheView, _ record: IndexRecord, _ mailbox: Mailbox
    ) throws(MailboxError) -> Range<Int>? {
        let map = SectionMap(cache[.section])
        let part: SectionMap.Part =
            switch section.part {
            case .content, .whole: .content
            case .header, .headerFields: .header
            case .text: .text
            case .mime: .mime
            }
        do throws(SectionMap.Damage) {
            return try map.range(of: section.path, part)
        } catch {
            throw .damaged(
                path: "\(mailbox.name) cyrus.cache", offset: Int(clamping: record.cacheOffset) + error.offset,
                expected: "a section of UID \(record.uid)", found: "other bytes")
        }
    }

    private func appendLiteral(
        _ section: FetchItems.Section, _ range: Range<Int>, _ record: IndexRecord, _ mailbox: Mailbox, _ message: inout MessageFile?
    ) throws(MailboxError) {
        var range = range
        if let partial = section.partial {
            let low = min(range.upperBound, range.lowerBound + Int(partial.offset))
            range = low..<min(range.upperBound, low + Int(partial.count))
        }
        guard !range.isEmpty else {
            connection.out.append("\"\"")
            return
        }
        if message == nil { message = try MessageFile(mailbox, record) }
        guard let message, message.holds(range) else {
            throw .damaged(
                path: mailbox.messagePath(record), offset: range.upperBound, expected: "\(record.size) bytes", found: "a shorter file")
        }
        let bytes = message.slice(range)
        connection.out.append("{")
        connection.out.append(decimal: bytes.byteCount)
        connection.out.append("}\r\n")
        connection.out.append(bytes)
    }

    private func appendFields(
        _ section: FetchItems.Section, _ names: [[UInt8]], _ excluding: Bool, _ cache: CacheView, _ record: IndexRecord,
        _ mailbox: Mailbox, _ message: inout MessageFile?
    ) throws(MailboxError) {
        var fields: [UInt8] = []
        let limit = context.configuration[.maxheaderlines]
        let version = UInt32(record.cacheVersion)
        if section.path.isEmpty, !excluding, names.allSatisfy({ CachedHeaders.isCached($0.span.bytes, version: version) }) {
            HeaderFields.appendSubset(of: cache[.headers], names: names, lineLimit: limit, to: &fields)
        } else {
            var range: Range<Int>? = 0..<Int(record.headerSize)
            if !section.path.isEmpty { range = try self.range(section, cache, record, mailbox) }
            guard let range else {
                connection.out.append("NIL")
                return
            }
            if message == nil { message = try MessageFile(mailbox, record) }
            guard let message, message.holds(range) else {
                throw .damaged(
                    path: mailbox.messagePath(record), offset: range.upperBound, expected: "\(record.size) bytes", found: "a shorter file")
            }
            let header = message.slice(range)
            HeaderFields.appendSubset(of: header, names: names, excluding: excluding, lineLimit: limit, to: &fields)
        }
        var part = 0..<fields.count
        if let partial = section.partial {
            let low = min(fields.count, Int(partial.offset))
            part = low..<min(fields.count, low + Int(partial.count))
        }
        if part.isEmpty {
            connection.out.append("\"\"")
            return
        }
        connection.out.append("{")
        connection.out.append(decimal: part.count)
        connection.out.append("}\r\n")
        connection.out.append(contentsOf: fields[part])
    }
}

/// A message's file, mapped.
final class MessageFile {
    private var map: FileMap

    init(_ mailbox: Mailbox, _ record: IndexRecord) throws(MailboxError) {
        let path = mailbox.messagePath(record)
        do throws(PosixError) {
            let file = try File(path, .read)
            map = try FileMap(file)
        } catch {
            if error.isMissing { throw .messageMissing(path: path, record.uid) }
            throw .io(error)
        }
    }

    var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = map.bytes
            return _overrideLifetime(span, borrowing: self)
        }
    }

    /// Whether the file has these bytes.
    func holds(_ range: Range<Int>) -> Bool { bytes.holds(range.count, at: range.lowerBound) }

    /// Bytes that `holds` said are there.
    @_lifetime(borrow self)
    func slice(_ range: Range<Int>) -> RawSpan {
        let span = bytes.extracting(range)
        return _overrideLifetime(span, borrowing: self)
    }
}
