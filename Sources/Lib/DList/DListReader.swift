import Bytes

/// A cursor over a complete dlist value that hands out its parts in place: the way hot records are read.
///
///     var reader = DListReader(value)
///     try reader.enterKeyed()
///     while let key = try reader.nextKey() { … reader.number() / reader.string() / reader.skip() … }
public struct DListReader: ~Copyable, ~Escapable {
    @usableFromInline let input: RawSpan
    public private(set) var offset = 0
    private let limits: DListLimits
    /// The bytes of files were taken off the stream by whoever framed the value: only their headers are in the input.
    private let filesAreElsewhere: Bool
    private var depth = 0

    /// What comes next.
    public enum Kind: Sendable {
        case null, string, flag, list, keyed, file
    }

    @_lifetime(copy input)
    public init(_ input: RawSpan, limits: DListLimits = DListLimits(), filesAreElsewhere: Bool = false) {
        self.input = input
        self.limits = limits
        self.filesAreElsewhere = filesAreElsewhere
    }

    /// Whether nothing but white space is left.
    public var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return offset >= input.byteCount
        }
    }

    private func fail(_ reason: DListError.Reason) -> DListError { DListError(reason, at: offset) }

    private mutating func skipSpace() {
        while offset < input.byteCount, input[offset].isASCIISpace { offset += 1 }
    }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        input.holds(1, at: offset + ahead) ? input[offset + ahead] : nil
    }

    /// The kind of the next value; nil at the end of the list or of the input.
    public mutating func peekKind() throws(DListError) -> Kind? {
        skipSpace()
        guard let byte = peek() else { return nil }
        switch byte {
        case UInt8(ascii: ")"): return nil
        case UInt8(ascii: "("): return .list
        case UInt8(ascii: "%"):
            guard let second = peek(1) else { throw fail(.truncated) }
            if second == UInt8(ascii: "(") { return .keyed }
            if second == UInt8(ascii: "{") { return .file }
            throw fail(.unexpected)
        case UInt8(ascii: "\\"): return .flag
        case UInt8(ascii: "N"), UInt8(ascii: "n"):
            let length = atomLength()
            return input.slice(offset, length).equalsIgnoringCase("NIL") ? .null : .string
        default: return .string
        }
    }

    // MARK: lists

    public mutating func enterList() throws(DListError) {
        guard try peekKind() == .list else { throw fail(.wrongShape) }
        try descend(1)
    }

    public mutating func enterKeyed() throws(DListError) {
        guard try peekKind() == .keyed else { throw fail(.wrongShape) }
        try descend(2)
    }

    private mutating func descend(_ length: Int) throws(DListError) {
        guard depth < limits.depth else { throw fail(.tooDeep) }
        depth += 1
        offset += length
    }

    /// Whether another item follows; at the `)` it is taken and the answer is false.
    public mutating func nextItem() throws(DListError) -> Bool {
        skipSpace()
        guard let byte = peek() else { throw fail(.truncated) }
        guard byte == UInt8(ascii: ")") else { return true }
        guard depth > 0 else { throw fail(.unexpected) }
        depth -= 1
        offset += 1
        return false
    }

    /// The next key of a keyed list, in place; nil at its `)`, which is taken.
    @_lifetime(copy self)
    public mutating func nextKey() throws(DListError) -> RawSpan? {
        guard try nextItem() else { return nil }
        return try text()
    }

    // MARK: values

    private func atomLength() -> Int {
        var end = offset
        while end < input.byteCount {
            let byte = input[end]
            if byte.isASCIISpace || byte == 0x28 || byte == 0x29 || byte == 0x22 { break }
            end += 1
        }
        return end - offset
    }

    /// The bytes of a string or flag, in place. Quoted strings with escapes (which Cyrus never writes) are refused: `string` takes them.
    @_lifetime(copy self)
    public mutating func text() throws(DListError) -> RawSpan {
        let (start, length, escaped) = try textRange()
        if escaped { throw fail(.wrongShape) }
        return input.slice(start, length)
    }

    /// A copy of the bytes of a string or flag.
    public mutating func string() throws(DListError) -> [UInt8] {
        let (start, length, escaped) = try textRange()
        let raw = input.slice(start, length)
        guard escaped else { return raw.array }
        var out: [UInt8] = []
        out.reserveCapacity(length)
        var i = 0
        while i < length {
            if raw[i] == UInt8(ascii: "\\"), i + 1 < length { i += 1 }
            out.append(raw[i])
            i += 1
        }
        return out
    }

    /// Takes a string or flag; where its bytes stand, and whether backslashes in them escape.
    private mutating func textRange() throws(DListError) -> (start: Int, length: Int, escaped: Bool) {
        skipSpace()
        guard let byte = peek() else { throw fail(.truncated) }
        switch byte {
        case UInt8(ascii: "\""):
            var end = offset + 1
            var escaped = false
            while true {
                guard end < input.byteCount else { throw fail(.truncated) }
                let byte = input[end]
                if byte == UInt8(ascii: "\"") { break }
                if byte == 0x0d || byte == 0x0a { throw DListError(.badQuoted, at: end) }
                if byte == UInt8(ascii: "\\") {
                    escaped = true
                    end += 1
                }
                end += 1
            }
            let start = offset + 1
            offset = end + 1
            guard end - start <= limits.stringBytes else { throw fail(.tooLarge) }
            return (start, end - start, escaped)
        case UInt8(ascii: "{"):
            let length = try literalLength()
            let start = offset
            guard input.holds(length, at: start) else { throw fail(.truncated) }
            offset = start + length
            return (start, length, false)
        default:
            let length = atomLength()
            guard length > 0 else { throw fail(.unexpected) }
            guard length <= limits.stringBytes else { throw fail(.tooLarge) }
            let start = offset
            offset += length
            return (start, length, false)
        }
    }

    /// Takes `{n}` or `{n+}` and its line end.
    private mutating func literalLength() throws(DListError) -> Int {
        let end = input.firstOffset(of: UInt8(ascii: "}"), from: offset)
        guard let end else { throw fail(end == nil && input.byteCount - offset < 24 ? .truncated : .badLiteral) }
        var digits = end - offset - 1
        if digits > 0, input[end - 1] == UInt8(ascii: "+") { digits -= 1 }
        guard digits > 0, digits <= 19, let value = input.slice(offset + 1, digits).decimal else { throw fail(.badLiteral) }
        guard value <= UInt64(limits.stringBytes) else { throw fail(.tooLarge) }
        offset = end + 1
        try lineEnd(.badLiteral)
        return Int(value)
    }

    private mutating func lineEnd(_ reason: DListError.Reason) throws(DListError) {
        if peek() == 0x0d { offset += 1 }
        guard let byte = peek() else { throw fail(.truncated) }
        guard byte == 0x0a else { throw fail(reason) }
        offset += 1
    }

    /// A decimal number.
    public mutating func number() throws(DListError) -> UInt64 {
        let (start, length, _) = try textRange()
        guard let value = input.slice(start, length).decimal else { throw DListError(.wrongShape, at: start) }
        return value
    }

    /// A decimal number within 32 bits.
    public mutating func number32() throws(DListError) -> UInt32 {
        let start = offset
        guard let value = UInt32(exactly: try number()) else { throw DListError(.wrongShape, at: start) }
        return value
    }

    /// A file item with its content, which follows in the input.
    public mutating func file() throws(DListError) -> DList.File {
        guard try peekKind() == .file else { throw fail(.wrongShape) }
        var file = try fileHeader()
        if filesAreElsewhere { return file }
        guard input.holds(file.size, at: offset) else { throw fail(.truncated) }
        file.content = input.slice(offset, file.size).array
        offset += file.size
        return file
    }

    /// Takes `%{partition guid size}` and its line end.
    mutating func fileHeader() throws(DListError) -> DList.File {
        offset += 2
        guard let end = input.firstOffset(of: UInt8(ascii: "}"), from: offset) else { throw fail(.truncated) }
        let header = input.slice(offset, end - offset)
        guard let first = header.firstOffset(of: 0x20), let second = header.firstOffset(of: 0x20, from: first + 1), first > 0,
            let guid = GUID(hex: header.slice(first + 1, second - first - 1)), let size = header.dropping(second + 1).decimal,
            size <= UInt64(Int.max / 2)
        else { throw fail(.badFile) }
        let partition = header.slice(0, first).array
        offset = end + 1
        try lineEnd(.badFile)
        return DList.File(partition: partition, guid: guid, size: Int(size))
    }

    /// Passes over the next value, whatever it is.
    public mutating func skip() throws(DListError) {
        var open = 0
        repeat {
            guard let kind = try peekKind() else {
                guard open > 0 else { throw fail(peek() == nil ? .truncated : .unexpected) }
                // At the end of a list, or too early at the end of the input.
                _ = try nextItem()
                open -= 1
                continue
            }
            switch kind {
            case .list:
                try enterList()
                open += 1
            case .keyed:
                try enterKeyed()
                open += 1
            case .file: _ = try file()
            case .null, .string, .flag: _ = try textRange()
            }
        } while open > 0
    }
}
