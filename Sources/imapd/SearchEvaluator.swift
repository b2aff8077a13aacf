import Bytes
import Charset
import Index
import Mailbox
import Message
import Posix

/// Asks a search program of one message after the other. Files are opened only when nothing cheaper decides.
final class SearchEvaluator {
    private let view: IndexView
    private let lastNumber: UInt32
    private let lastUID: UInt32
    private var patterns: [[UInt8]: SearchPattern] = [:]
    private let skipsDiacritics: Bool
    private let whitespace: SearchForm.Whitespace

    init(_ view: IndexView, skipsDiacritics: Bool, whitespace: SearchForm.Whitespace) {
        self.view = view
        self.skipsDiacritics = skipsDiacritics
        self.whitespace = whitespace
        lastNumber = UInt32(max(1, view.count))
        lastUID = max(1, view.lastUID)
    }

    private func pattern(_ text: [UInt8]) -> SearchPattern {
        if let made = patterns[text] { return made }
        let made = SearchPattern(text.span.bytes, whitespace: whitespace, skipsDiacritics: skipsDiacritics)
        patterns[text] = made
        return made
    }

    /// Whether a message fits; `record` is asked for when the view alone cannot tell.
    func matches(_ key: SearchKey, _ place: Int, _ record: () throws(MailboxError) -> IndexRecord?) throws(MailboxError) -> Bool {
        let message = view.messages[place]
        switch key {
        case .all: return true
        case .and(let keys):
            for key in keys where try !matches(key, place, record) { return false }
            return true
        case .or(let a, let b):
            if try matches(a, place, record) { return true }
            return try matches(b, place, record)
        case .not(let key): return try !matches(key, place, record)
        case .sequence(let set): return contains(set, UInt32(place + 1), lastNumber)
        case .uid(let set): return contains(set, message.uid, lastUID)
        case .flags(let set, let clear): return message.flags.isSuperset(of: set) && message.flags.isDisjoint(with: clear)
        case .recent(let wanted): return message.isRecent == wanted
        case .new: return message.isRecent && !message.flags.contains(.seen)
        case .keyword(let name, let wanted):
            let slot = view.keywords.firstIndex { !$0.isEmpty && $0.span.bytes.equalsIgnoringCase(name.span.bytes) }
            return (slot.map { $0 < UserFlags.capacity && message.userFlags[$0] } ?? false) == wanted
        default:
            guard let record = try record() else { return false }
            return try matchesRecord(key, record)
        }
    }

    private func contains(_ set: SequenceSet, _ number: UInt32, _ last: UInt32) -> Bool {
        set.ranges.contains { range in
            let a = range.low == 0 ? last : range.low
            let b = range.high == 0 ? last : range.high
            return min(a, b) <= number && number <= max(a, b)
        }
    }

    private func matchesRecord(_ key: SearchKey, _ record: IndexRecord) throws(MailboxError) -> Bool {
        switch key {
        case .larger(let size): return record.size > size
        case .smaller(let size): return record.size < size
        case .internalDate(let range): return range.contains(record.internalDate)
        case .sentDate(let range): return range.contains(record.sentDate)
        case .older(let time): return record.internalDate <= time
        case .younger(let time): return record.internalDate >= time
        case .cached(let item, let text): return try cached(item, text, record)
        case .header(let name, let text): return try header(name, text, record)
        case .body(let text): return try content(text, record, withHeader: false)
        case .text(let text): return try content(text, record, withHeader: true)
        default: return false
        }
    }

    private func cached(_ item: CacheItem, _ text: [UInt8], _ record: IndexRecord) throws(MailboxError) -> Bool {
        try view.mailbox.withCache(record) { bytes throws(MailboxError) in
            let cache = try Self.view(bytes, record)
            let value = cache[item]
            if item == .subject {
                // Stored as an IMAP string: NIL is none.
                let subject = Self.nstring(value)
                guard let subject else { return false }
                return text.isEmpty || pattern(text).matches(subject.span.bytes, whitespace: whitespace, skipsDiacritics: skipsDiacritics)
            }
            if value.byteCount == 0 { return false }
            return text.isEmpty || pattern(text).matches(value, whitespace: whitespace, skipsDiacritics: skipsDiacritics)
        }
    }

    @_lifetime(copy bytes)
    private static func view(_ bytes: RawSpan, _ record: IndexRecord) throws(MailboxError) -> CacheView {
        do throws(CacheDamage) {
            return try CacheView(bytes)
        } catch {
            throw .damaged(
                path: "cyrus.cache", offset: Int(clamping: record.cacheOffset) + error.offset, expected: "a cache record",
                found: error.description)
        }
    }

    /// The bytes of a quoted string or literal; nil for NIL.
    static func nstring(_ value: RawSpan) -> [UInt8]? {
        guard value.byteCount > 0 else { return nil }
        if value[0] == UInt8(ascii: "\"") { return value.byteCount >= 2 ? value.slice(1, value.byteCount - 2).array : nil }
        if value[0] == UInt8(ascii: "{"), let end = value.firstOffset(of: 0x0a) { return value.dropping(end + 1).array }
        return nil
    }

    private func header(_ name: [UInt8], _ text: [UInt8], _ record: IndexRecord) throws(MailboxError) -> Bool {
        if CachedHeaders.isCached(name.span.bytes, version: UInt32(record.cacheVersion)) {
            let found = try view.mailbox.withCache(record) { bytes throws(MailboxError) in
                fieldMatches(name, text, try Self.view(bytes, record)[.headers])
            }
            return found
        }
        let range = 0..<min(Int(record.headerSize), Int(record.size))
        guard let file = try messageFile(record), file.holds(range) else { return false }
        return fieldMatches(name, text, file.slice(range))
    }

    private func fieldMatches(_ name: [UInt8], _ text: [UInt8], _ header: RawSpan) -> Bool {
        var at = 0
        while let field = HeaderFields.field(header, at: at) {
            at = field.end
            guard header.slice(field.start, field.nameEnd - field.start).equalsIgnoringCase(name.span.bytes) else { continue }
            if text.isEmpty { return true }
            let value = EncodedWords.decoded(header.slice(field.valueStart, field.end - field.valueStart))
            if pattern(text).matches(value.span.bytes, whitespace: whitespace, skipsDiacritics: skipsDiacritics) { return true }
        }
        return false
    }

    /// A message whose file is missing matches nothing.
    private func messageFile(_ record: IndexRecord) throws(MailboxError) -> MessageFile? {
        do throws(MailboxError) {
            return try MessageFile(view.mailbox, record)
        } catch {
            if case .messageMissing = error { return nil }
            throw error
        }
    }

    /// Text parts, decoded; with `withHeader` also the headers of the message and of its parts.
    private func content(_ text: [UInt8], _ record: IndexRecord, withHeader: Bool) throws(MailboxError) -> Bool {
        if text.isEmpty { return true }
        guard let file = try messageFile(record) else { return false }
        return try view.mailbox.withCache(record) { bytes throws(MailboxError) in
            let map = SectionMap(try Self.view(bytes, record)[.section])
            let head = 0..<min(Int(record.headerSize), Int(record.size))
            if withHeader, file.holds(head), headerMatches(text, file.slice(head)) { return true }
            return try parts([], map, file, text, withHeader, 0)
        }
    }

    private func headerMatches(_ text: [UInt8], _ header: RawSpan) -> Bool {
        let decoded = EncodedWords.decoded(header)
        return pattern(text).matches(decoded.span.bytes, whitespace: whitespace, skipsDiacritics: skipsDiacritics)
    }

    private func parts(
        _ path: [UInt32], _ map: borrowing SectionMap, _ file: MessageFile, _ text: [UInt8], _ withHeader: Bool, _ depth: Int
    ) throws(MailboxError) -> Bool {
        guard depth < 100 else { return false }
        var number: UInt32 = 1
        while number < 10_000 {
            let child = path + [number]
            number += 1
            guard let entry = (try? map.entry(child)) ?? nil else { return false }
            // A part's own header says what an attachment is called: BODY looks there as well.
            let isAttachment = entry.charset.isEmpty
            if withHeader || isAttachment, entry.headerOffset > 0, entry.headerSize > 0,
                file.bytes.holds(entry.headerSize, at: entry.headerOffset),
                headerMatches(text, file.bytes.slice(entry.headerOffset, entry.headerSize))
            {
                return true
            }
            if !entry.charset.isEmpty, file.bytes.holds(entry.contentSize, at: entry.contentOffset) {
                let raw = file.bytes.slice(entry.contentOffset, entry.contentSize)
                if partMatches(raw, entry, map.charsetName(entry), text) { return true }
            }
            if try parts(child, map, file, text, withHeader, depth + 1) { return true }
        }
        return false
    }

    private func partMatches(_ raw: RawSpan, _ entry: SectionEntry, _ charset: RawSpan, _ text: [UInt8]) -> Bool {
        let pattern = pattern(text)
        let decoded = TransferDecoder.decoded(raw, entry.encoding)
        let utf8 = (try? Charset.utf8(of: decoded.span.bytes, in: charset)) ?? decoded
        return pattern.matches(utf8.span.bytes, whitespace: whitespace, skipsDiacritics: skipsDiacritics)
    }
}
