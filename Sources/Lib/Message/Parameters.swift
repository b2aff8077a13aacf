import Bytes

extension ParsedMessage {
    /// The parameters from `start` of a field's value on; wrong ones are passed over up to the next `;`. RFC 2231 continuations are joined.
    mutating func readParameters(_ value: borrowing RawSpan, from start: Int) -> Range<Int> {
        let first = parameters.count
        var at = start
        var hasSections = false
        while FieldValue.skipSpace(value, &at) {
            guard let parameter = readParameter(value, &at, hasSections: &hasSections) else { break }
            if !parameter.name.isNone { parameters.append(parameter) }
        }
        if hasSections { joinSections(from: first) }
        return first..<parameters.count
    }

    /// One parameter. A parameter without a name: it was wrong and is passed over. nil: the field ends.
    private mutating func readParameter(_ value: borrowing RawSpan, _ at: inout Int, hasSections: inout Bool) -> Parameter? {
        let nameStart = at
        guard FieldValue.skipToken(value, &at, stop: UInt8(ascii: "=")) else { return passOver(value, &at) }
        let nameEnd = at
        guard FieldValue.skipSpace(value, &at) else { return nil }
        let equals = value[at]
        at += 1
        guard equals == UInt8(ascii: "=") else { return passOver(value, &at) }
        guard FieldValue.skipSpace(value, &at) else { return nil }

        let valueStart = at
        var valueEnd = at
        let isQuoted = value[at] == UInt8(ascii: "\"")
        if isQuoted {
            guard skipQuoted(value, &at) else { return nil }
        } else {
            guard skipUnquoted(value, &at, end: &valueEnd) else { return passOver(value, &at) }
        }
        if FieldValue.skipSpace(value, &at) {
            let delimiter = value[at]
            at += 1
            guard delimiter == UInt8(ascii: ";") else { return passOver(value, &at) }
        }

        let name = text.addUppercased(value.slice(nameStart, nameEnd - nameStart))
        if let star = value.slice(nameStart, nameEnd - nameStart).firstOffset(of: UInt8(ascii: "*")), nameStart + star + 1 < nameEnd,
            value[nameStart + star + 1] == UInt8(ascii: "0")
        {
            hasSections = true
        }
        if !isQuoted { return Parameter(name: name, value: text.add(value.slice(valueStart, valueEnd - valueStart))) }
        return Parameter(name: name, value: unquoted(value, from: valueStart + 1))
    }

    private func passOver(_ value: borrowing RawSpan, _ at: inout Int) -> Parameter {
        while at < value.byteCount {
            let byte = value[at]
            if byte == UInt8(ascii: ";") {
                at += 1
                break
            }
            if byte == 0x0d || byte == 0x0a { break }
            at += 1
        }
        return Parameter(name: .none, value: .none)
    }

    /// To behind the closing quote. False when the field ends before.
    private func skipQuoted(_ value: borrowing RawSpan, _ at: inout Int) -> Bool {
        let end = value.byteCount
        at += 1
        while at < end, value[at] != UInt8(ascii: "\"") {
            if value[at] == UInt8(ascii: "\\") {
                at += 1
                guard at < end else { return false }
            }
            if value[at] == 0x0d {
                guard at + 2 < end, value[at + 1] == 0x0a, value[at + 2] == 0x20 || value[at + 2] == 0x09 else { return false }
                at += 2
            }
            at += 1
        }
        guard at < end else { return false }
        at += 1
        return true
    }

    /// What stands between quotes, without its backslashes and line ends.
    private mutating func unquoted(_ value: borrowing RawSpan, from start: Int) -> TextRef {
        let mark = text.mark
        var at = start
        while at < value.byteCount, value[at] != UInt8(ascii: "\"") {
            if value[at] == UInt8(ascii: "\\") {
                at += 1
            } else if value[at] == 0x0d {
                at += 2
            }
            if at < value.byteCount { text.append(value[at]) }
            at += 1
        }
        return text.finish(from: mark)
    }

    /// An unquoted value runs to `;`, a comment or the end of the field, blanks and folds inside it included (broken file names are common).
    private func skipUnquoted(_ value: borrowing RawSpan, _ at: inout Int, end valueEnd: inout Int) -> Bool {
        let start = at
        while at < value.byteCount {
            let byte = value[at]
            if byte == UInt8(ascii: ";") || byte == UInt8(ascii: "(") { break }
            if byte == 0x0a, !(at + 1 < value.byteCount && (value[at + 1] == 0x20 || value[at + 1] == 0x09)) { break }
            if byte == 0x0d, !(at + 1 < value.byteCount && value[at + 1] == 0x0a) { break }
            if byte < 0x20 && byte != 0x09 && byte != 0x0a && byte != 0x0d { return false }
            at += 1
        }
        valueEnd = at
        while valueEnd > start, value[valueEnd - 1].isASCIISpace { valueEnd -= 1 }
        if valueEnd == start {
            // Cyrus takes the `;` behind an empty value for the value.
            at = start + 1
            valueEnd = at
        }
        return true
    }
}
