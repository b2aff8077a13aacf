import Bytes

extension ParsedMessage {
    /// Content-Type. A second field takes the place of the first, even when it is wrong.
    mutating func readType(_ value: borrowing RawSpan, into part: Int) {
        parts[part].type = .none
        parts[part].subtype = .none
        parts[part].parameters = 0..<0
        var at = 0
        guard FieldValue.skipSpace(value, &at) else { return }
        let type = at
        guard FieldValue.skipToken(value, &at, stop: UInt8(ascii: "/")) else { return }
        let typeEnd = at
        guard FieldValue.skipSpace(value, &at), value[at] == UInt8(ascii: "/") else { return }
        at += 1
        guard FieldValue.skipSpace(value, &at) else { return }
        let subtype = at
        guard FieldValue.skipToken(value, &at, stop: UInt8(ascii: ";")) else { return }
        let subtypeEnd = at
        let hasMore = FieldValue.skipSpace(value, &at)
        if hasMore, value[at] != UInt8(ascii: ";") { return }
        parts[part].type = text.addUppercased(value.slice(type, typeEnd - type))
        parts[part].subtype = text.addUppercased(value.slice(subtype, subtypeEnd - subtype))
        if hasMore { parts[part].parameters = readParameters(value, from: at + 1) }
    }

    /// Content-Disposition.
    mutating func readDisposition(_ value: borrowing RawSpan, into part: Int) {
        parts[part].disposition = .none
        parts[part].dispositionParameters = 0..<0
        var at = 0
        guard FieldValue.skipSpace(value, &at) else { return }
        let start = at
        guard FieldValue.skipToken(value, &at, stop: UInt8(ascii: ";")) else { return }
        let end = at
        let hasMore = FieldValue.skipSpace(value, &at)
        if hasMore, value[at] != UInt8(ascii: ";") { return }
        parts[part].disposition = text.addUppercased(value.slice(start, end - start))
        if hasMore { parts[part].dispositionParameters = readParameters(value, from: at + 1) }
    }

    /// Content-Transfer-Encoding.
    mutating func readEncoding(_ value: borrowing RawSpan, into part: Int) {
        parts[part].encoding = .none
        var at = 0
        guard FieldValue.skipSpace(value, &at) else { return }
        let start = at
        guard FieldValue.skipToken(value, &at, stop: UInt8(ascii: "(")) else { return }
        let end = at
        if FieldValue.skipSpace(value, &at) { return }
        parts[part].encoding = text.addUppercased(value.slice(start, end - start))
    }

    /// Content-Language: letters and hyphens between commas; what comes behind anything else is dropped.
    mutating func readLanguages(_ value: borrowing RawSpan, into part: Int) {
        let first = parameters.count
        parts[part].languages = first..<first
        var at = 0
        while FieldValue.skipSpace(value, &at) {
            let start = at
            while at < value.byteCount {
                let byte = value[at]
                if byte.isASCIISpace || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "(") { break }
                guard byte == UInt8(ascii: "-") || byte.isASCIILetter else { return }
                at += 1
            }
            let end = at
            let hasMore = FieldValue.skipSpace(value, &at)
            if hasMore {
                guard value[at] == UInt8(ascii: ",") else { return }
                at += 1
            }
            parameters.append(Parameter(name: .none, value: text.addUppercased(value.slice(start, end - start))))
            parts[part].languages = first..<parameters.count
            if !hasMore { return }
        }
    }
}
