import Bytes

extension DList {
    /// Parses exactly one value: a record's value, or one already framed by `DListFramer`.
    public init(parsing input: RawSpan, limits: DListLimits = DListLimits(), filesAreElsewhere: Bool = false) throws(DListError) {
        guard input.byteCount <= limits.totalBytes else { throw DListError(.tooLarge, at: 0) }
        var reader = DListReader(input, limits: limits, filesAreElsewhere: filesAreElsewhere)
        self = try reader.value()
        guard reader.isAtEnd else { throw DListError(.trailing, at: reader.offset) }
    }

    public init(parsing input: [UInt8], limits: DListLimits = DListLimits()) throws(DListError) {
        try self.init(parsing: input.span.bytes, limits: limits)
    }
}

extension DListReader {
    /// The next value as a tree.
    public mutating func value() throws(DListError) -> DList {
        guard let kind = try peekKind() else {
            throw DListError(isAtEnd ? .truncated : .unexpected, at: offset)
        }
        switch kind {
        case .null:
            _ = try string()
            return .null
        case .string: return .string(try string())
        case .flag: return .flag(try string())
        case .list:
            try enterList()
            var items: [DList] = []
            while try nextItem() { items.append(try value()) }
            return .list(items)
        case .keyed:
            try enterKeyed()
            var entries: [DList.Entry] = []
            while try nextItem() {
                let key = try string()
                entries.append(DList.Entry(key, try value()))
            }
            return .keyed(entries)
        case .file: return .file(try file())
        }
    }
}
