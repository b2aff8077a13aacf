import Bytes
import Charset

/// Where a part of a message stands, from its cache record.
public struct SectionEntry: Sendable, Equatable {
    public var headerOffset: Int
    public var headerSize: Int
    public var contentOffset: Int
    public var contentSize: Int
    public var encoding: TransferEncoding
    /// SHA-1 of the decoded content; none for multiparts and unknown encodings.
    public var guid: GUID
    public var decodedSize: Int
    public var lines: Int
    /// Where the name of the character set stands in the item; empty when the part is no text.
    public var charset: Range<Int>
}

/// Item 3 of a cache record walked in place, to answer `BODY[1.2.MIME]`, `BODY[3.HEADER]`, `BODY[TEXT]`, `BINARY[2]`.
///
/// A table of the item is the parts of one message or multipart: their number, part 0 (the message's own header and text) and the parts,
/// then their tables in the same order.
public struct SectionMap: ~Escapable {
    private let item: RawSpan

    @_lifetime(copy item)
    public init(_ item: RawSpan) {
        self.item = item
    }

    /// What of a part is asked for.
    public enum Part: Sendable {
        /// Content; with an empty path the whole message's.
        case content
        /// `HEADER`: the header of the message or of a message/rfc822 part.
        case header
        /// `TEXT`: the content of the message or of a message/rfc822 part.
        case text
        /// `MIME`: the header of the part itself.
        case mime
    }

    /// The item does not hold together at this offset.
    public struct Damage: Error, Equatable, Sendable {
        public let offset: Int
    }

    /// A stretch of the message file, or nil when there is no such part. `.content` of the empty path is for the caller: the whole message.
    public func range(of path: [UInt32], _ part: Part) throws(Damage) -> Range<Int>? {
        switch part {
        case .content:
            guard let entry = try entry(path) else { return nil }
            return Self.range(entry.contentOffset, entry.contentSize)
        case .mime:
            guard !path.isEmpty, let entry = try entry(path) else { return nil }
            return Self.range(entry.headerOffset, entry.headerSize)
        case .header, .text:
            guard let entry = try messageEntry(path, part) else { return nil }
            if part == .header { return Self.range(entry.headerOffset, entry.headerSize) }
            return Self.range(entry.contentOffset, entry.contentSize)
        }
    }

    private static func range(_ offset: Int, _ size: Int) -> Range<Int>? {
        // All ones: a multipart inside a multipart has no part 0.
        offset >= 0xffff_ffff || size >= 0xffff_ffff ? nil : offset..<(offset + size)
    }

    /// The part that `path` names; with an empty path part 0, the message.
    public func entry(_ path: [UInt32]) throws(Damage) -> SectionEntry? {
        guard let (table, index) = try find(path) else { return nil }
        return try entry(table: table, index: index)
    }

    /// The message that a message/rfc822 part holds (or, for the empty path, the message): part 0 of its table.
    ///
    /// Its text is taken from part 1 when there is just that one: a multipart without parts is an empty text there.
    private func messageEntry(_ path: [UInt32], _ part: Part) throws(Damage) -> SectionEntry? {
        var inner = 0
        if !path.isEmpty {
            guard let (table, index) = try find(path) else { return nil }
            inner = try innerTable(of: table, index)
        }
        let count = try word(inner)
        guard count > 0 else { return nil }
        let zero = try entry(table: inner, index: 0)
        if zero.headerSize >= 0xffff_ffff { return nil }
        return part == .text && count == 2 ? try textEntry(table: inner, zero) : zero
    }

    private func textEntry(table: Int, _ zero: SectionEntry) throws(Damage) -> SectionEntry {
        let one = try entry(table: table, index: 1)
        // The one part of a multipart has a header of its own; else part 1 repeats the message's.
        return one.headerOffset == zero.headerOffset && one.headerSize == zero.headerSize ? one : zero
    }

    /// The table and the number in it of a part.
    private func find(_ path: [UInt32]) throws(Damage) -> (table: Int, index: Int)? {
        var table = 0
        guard let last = path.last else { return try word(0) > 0 ? (0, 0) : nil }
        for step in path.dropLast() {
            guard step > 0, step < (try word(table)) else {
                return nil
            }
            table = try innerTable(of: table, Int(step))
        }
        guard last > 0, last < (try word(table)) else { return nil }
        return (table, Int(last))
    }

    private func word(_ offset: Int) throws(Damage) -> UInt32 {
        guard item.holds(4, at: offset) else { throw Damage(offset: offset) }
        return item.bigEndian32(at: offset)
    }

    /// Where the entry behind the one at `offset` starts.
    private func entryEnd(_ offset: Int) throws(Damage) -> Int {
        let end = offset + 16 + 4 + Int(try word(offset + 16) >> 16) + 28
        guard item.holds(0, at: end) else { throw Damage(offset: offset) }
        return end
    }

    private func entry(table: Int, index: Int) throws(Damage) -> SectionEntry {
        var at = table + 4
        for _ in 0..<index { at = try entryEnd(at) }
        let end = try entryEnd(at)
        let kind = try word(at + 16)
        let nameEnd = at + 20 + Int(kind >> 16)
        var name = nameEnd
        while name > at + 20, item[name - 1] == 0 { name -= 1 }
        return SectionEntry(
            headerOffset: Int(try word(at)), headerSize: Int(try word(at + 4)), contentOffset: Int(try word(at + 8)),
            contentSize: Int(try word(at + 12)),
            encoding: kind == 0xffff ? .identity : TransferEncoding(rawValue: UInt8(truncatingIfNeeded: kind)) ?? .unknown,
            guid: GUID(item, at: nameEnd), decodedSize: Int(try word(end - 8)), lines: Int(try word(end - 4)), charset: (at + 20)..<name)
    }

    /// The table of part `index` (from 1) of the table at `table`: behind the table come those of its parts one after the other.
    private func innerTable(of table: Int, _ index: Int) throws(Damage) -> Int {
        var at = try tableEnd(table)
        // Whole tables to pass over; each brings as many of its own as it has parts.
        var pending = index - 1
        while pending > 0 {
            let count = Int(try word(at))
            pending += count > 0 ? count - 2 : -1
            at = try tableEnd(at)
        }
        return at
    }

    private func tableEnd(_ table: Int) throws(Damage) -> Int {
        var at = table + 4
        for _ in 0..<(try word(table)) { at = try entryEnd(at) }
        return at
    }

    /// The name of the character set of a part, for instance `utf-8`; empty when it is no text.
    @_lifetime(copy self)
    public func charsetName(_ entry: SectionEntry) -> RawSpan {
        item.holds(entry.charset.count, at: entry.charset.lowerBound) ? item.extracting(entry.charset) : item.extracting(0..<0)
    }
}
