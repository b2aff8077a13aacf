import Bytes

// The same for owned bytes, where a copy costs nothing that matters.
extension Database {
    /// A copy of the value; nil when the key is absent.
    public func value(_ key: [UInt8]) throws(CyrusDBError) -> [UInt8]? {
        try fetch(key.span.bytes) { value in value.array }
    }

    public func store(_ key: [UInt8], _ value: [UInt8]) throws(CyrusDBError) {
        try store(key.span.bytes, value.span.bytes)
    }

    public func create(_ key: [UInt8], _ value: [UInt8]) throws(CyrusDBError) -> Bool {
        try create(key.span.bytes, value.span.bytes)
    }

    @discardableResult
    public func delete(_ key: [UInt8]) throws(CyrusDBError) -> Bool {
        try delete(key.span.bytes)
    }

    /// Copies of all records whose key begins with `prefix`, in order.
    public func records(prefix: [UInt8] = []) throws(CyrusDBError) -> [(key: [UInt8], value: [UInt8])] {
        var all: [(key: [UInt8], value: [UInt8])] = []
        try forEach(prefix: prefix.span.bytes) { key, value in
            all.append((key.array, value.array))
            return .next
        }
        return all
    }
}

extension Transaction {
    /// A copy of the value; nil when the key is absent.
    public func value(_ key: [UInt8]) throws(CyrusDBError) -> [UInt8]? {
        try fetch(key.span.bytes) { value in value.array }
    }

    public mutating func store(_ key: [UInt8], _ value: [UInt8]) throws(CyrusDBError) {
        try store(key.span.bytes, value.span.bytes)
    }

    public mutating func create(_ key: [UInt8], _ value: [UInt8]) throws(CyrusDBError) -> Bool {
        try create(key.span.bytes, value.span.bytes)
    }

    @discardableResult
    public mutating func delete(_ key: [UInt8]) throws(CyrusDBError) -> Bool {
        try delete(key.span.bytes)
    }
}
