import Bytes

/// Message ids in header values (RFC 5322 section 3.6.4).
public enum MessageIDs {
    /// The next `<left@right>` at or after `at`, its brackets included, white space inside dropped; `at` moves to behind it.
    ///
    /// Quoted pairs and quoted strings on the left are kept as they are. What stands between ids does not matter.
    public static func next(_ value: borrowing RawSpan, from at: inout Int) -> [UInt8]? {
        while let open = value.firstOffset(of: UInt8(ascii: "<"), from: at) {
            at = open + 1
            var id: [UInt8] = [UInt8(ascii: "<")]
            var hasAt = false
            var isQuoted = false
            while at < value.byteCount {
                let byte = value[at]
                at += 1
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
                if isQuoted {
                    id.append(byte)
                    if byte == UInt8(ascii: "\\"), at < value.byteCount {
                        id.append(value[at])
                        at += 1
                    }
                    continue
                }
                if byte.isASCIISpace { continue }
                if byte == UInt8(ascii: "<") {
                    // The last one was not closed.
                    at -= 1
                    break
                }
                id.append(byte)
                if byte == UInt8(ascii: "@") { hasAt = true }
                if byte == UInt8(ascii: ">") {
                    if hasAt, id.count > 3 { return id }
                    break
                }
            }
        }
        at = value.byteCount
        return nil
    }

    /// All ids of a References or In-Reply-To value, in order.
    public static func all(_ value: borrowing RawSpan) -> [[UInt8]] {
        var out: [[UInt8]] = []
        var at = 0
        while let id = next(value, from: &at) { out.append(id) }
        return out
    }

    /// The first id of a Message-ID value; for duplicate suppression and threads.
    public static func first(_ value: borrowing RawSpan) -> [UInt8]? {
        var at = 0
        return next(value, from: &at)
    }
}
