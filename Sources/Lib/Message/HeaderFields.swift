import Bytes

/// Header fields of a message's bytes, found in place.
public enum HeaderFields {
    /// A field: where it starts, how far its name goes, where its value starts and where it ends (with its line end).
    public struct Field: Sendable, Equatable {
        public let start: Int
        public let nameEnd: Int
        public let valueStart: Int
        public let end: Int
    }

    /// The field at `offset`, which must be the start of a line; nil at the blank line and at the end. A line without a colon has no name.
    public static func field(_ header: borrowing RawSpan, at offset: Int) -> Field? {
        let count = header.byteCount
        guard offset >= 0, offset < count, header[offset] != 0x0d, header[offset] != 0x0a else { return nil }
        var end = header.firstOffset(of: 0x0a, from: offset).map { $0 + 1 } ?? count
        let firstEnd = end
        while end < count, header[end] == 0x20 || header[end] == 0x09 {
            end = header.firstOffset(of: 0x0a, from: end).map { $0 + 1 } ?? count
        }
        guard let colon = header.firstOffset(of: UInt8(ascii: ":"), from: offset), colon < firstEnd else {
            return Field(start: offset, nameEnd: offset, valueStart: offset, end: end)
        }
        return Field(start: offset, nameEnd: colon, valueStart: colon + 1, end: end)
    }

    /// The unfolded value of the first field of that name, without blanks around it.
    public static func first(_ name: StaticString, in header: borrowing RawSpan) -> [UInt8]? {
        var at = 0
        while let field = field(header, at: at) {
            if header.slice(field.start, field.nameEnd - field.start).equalsIgnoringCase(name) { return value(header, field) }
            at = field.end
        }
        return nil
    }

    /// The unfolded values of all fields of that name.
    public static func all(_ name: StaticString, in header: borrowing RawSpan) -> [[UInt8]] {
        var out: [[UInt8]] = []
        var at = 0
        while let field = field(header, at: at) {
            if header.slice(field.start, field.nameEnd - field.start).equalsIgnoringCase(name) { out.append(value(header, field)) }
            at = field.end
        }
        return out
    }

    private static func value(_ header: borrowing RawSpan, _ field: Field) -> [UInt8] {
        var out: [UInt8] = []
        for i in field.valueStart..<field.end where header[i] != 0x0a {
            if header[i] == 0x0d, i + 1 < field.end, header[i + 1] == 0x0a { continue }
            if out.isEmpty, header[i] == 0x20 || header[i] == 0x09 { continue }
            out.append(header[i])
        }
        while out.last == 0x20 || out.last == 0x09 { out.removeLast() }
        return out
    }

    /// Appends the fields of `HEADER.FIELDS (names)`, or with `excluding` of `HEADER.FIELDS.NOT`, as they stand in the message,
    /// and a blank line (RFC 3501 section 6.4.5). Lines without a name count as not named. `lineLimit` is maxheaderlines: fields beyond are left out; 0 for none.
    public static func appendSubset(
        of header: borrowing RawSpan, names: [[UInt8]], excluding: Bool = false, lineLimit: Int = 1000, to out: inout [UInt8]
    ) {
        var at = 0
        var seen = 0
        while let field = field(header, at: at) {
            let name = header.slice(field.start, field.nameEnd - field.start)
            let isNamed =
                field.valueStart > field.start && names.contains { $0.count == name.byteCount && name.equalsIgnoringCase($0.span.bytes) }
            if isNamed != excluding { out.append(header.slice(field.start, field.end - field.start)) }
            at = field.end
            seen += 1
            if lineLimit > 0, seen > lineLimit { break }
        }
        out.append(0x0d)
        out.append(0x0a)
    }
}
