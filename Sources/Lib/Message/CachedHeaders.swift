import Bytes

/// Which header fields stand in item 4 of a cache record (Cyrus `mailbox_cached_header`).
public enum CachedHeaders {
    /// Names that cached fields are shorter than.
    static let nameLimit = 32

    /// The first cache version whose records hold the field; nil when none does.
    public static func firstVersion(_ name: borrowing RawSpan) -> UInt32? {
        let count = name.byteCount
        guard count < nameLimit else { return nil }
        var key: UInt64 = 0xcbf2_9ce4_8422_2325
        for i in 0..<count {
            key = (key ^ UInt64(name[i].asciiLowercased)) &* 0x100_0000_01b3
        }
        if let rule = rule(name, key) { return rule }
        if count >= 2, name[0] | 0x20 == UInt8(ascii: "x"), name[1] == UInt8(ascii: "-") { return nil }
        return 1
    }

    /// Whether records of cache version `version` hold the field, so that a FETCH of it need not open the message.
    public static func isCached(_ name: borrowing RawSpan, version: UInt32) -> Bool {
        guard let first = firstVersion(name) else { return false }
        return first <= version
    }

    /// `.some(nil)`: never cached; `.none`: no rule for this name.
    private static func rule(_ name: borrowing RawSpan, _ key: UInt64) -> UInt32?? {
        guard let index = table[key] else { return .none }
        let entry = entries[index]
        return name.equalsIgnoringCase(entry.name) ? .some(entry.version) : .none
    }

    private static let entries: [(name: StaticString, version: UInt32?)] = [
        ("bcc", nil), ("cc", nil), ("date", nil), ("delivery-date", nil), ("envelope-to", nil), ("from", nil), ("in-reply-to", nil),
        ("mime-version", nil), ("received", nil), ("return-path", nil), ("subject", nil), ("to", nil), ("dkim-signature", nil),
        ("domainkey-signature", nil), ("domainkey-x509", nil), ("message-id", nil), ("arc-seal", nil), ("arc-message-signature", nil),
        ("arc-authentication-results", nil), ("authentication-results", nil), ("received-spf", nil), ("archived-at", nil),
        ("listbox-message-date", nil), ("topicbox-message-uuid", nil), ("topicbox-policy-reasoning", nil),
        ("priority", 0), ("references", 0), ("resent-from", 0), ("newsgroups", 0), ("followup-to", 0),
        ("x-mailer", 1), ("x-trace", 1),
        ("x-ref", 2), ("x-priority", 2), ("x-msmail-priority", 2), ("x-msoesrec", 2),
        ("x-spam-score", 3), ("x-resolved-to", 3), ("x-delivered-to", 3), ("x-mail-from", 3), ("x-truedomain-domain", 3),
        ("x-me-message-id", 4), ("x-cyrus-session-id", 4),
        ("x-universally-unique-identifier", 6), ("x-uniform-type-identifier", 6), ("x-apple-base-url", 6),
        ("x-apple-mail-remote-attachments", 6),
        ("reply-to", 7), ("sender", 7),
    ]

    private static let table: [UInt64: Int] = {
        var table: [UInt64: Int] = [:]
        for (index, entry) in entries.enumerated() {
            var key: UInt64 = 0xcbf2_9ce4_8422_2325
            for i in 0..<entry.name.utf8CodeUnitCount { key = (key ^ UInt64(entry.name.utf8Start[i])) &* 0x100_0000_01b3 }
            table[key] = index
        }
        return table
    }()
}
