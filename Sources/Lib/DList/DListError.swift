/// Why bytes are not a dlist.
public struct DListError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Reason: String, Sendable {
        /// Complete bytes were expected and end too early.
        case truncated = "ends within a value"
        case tooDeep = "lists too deep in each other"
        case tooLarge = "larger than allowed"
        case badLiteral = "malformed literal"
        case badFile = "malformed file item"
        case badQuoted = "line end in a quoted string"
        case unexpected = "unexpected byte"
        case trailing = "bytes after the value"
        case wrongShape = "another kind of value than expected"
    }

    public let reason: Reason
    /// Where, in bytes from the start of the value.
    public let offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "dlist: \(reason.rawValue) at byte \(offset)" }
}

/// What a reader accepts.
public struct DListLimits: Sendable {
    /// Lists in lists.
    public var depth: Int
    /// Bytes of one string.
    public var stringBytes: Int
    /// Bytes of a whole value, files' contents not counted.
    public var totalBytes: Int

    public init(depth: Int = 64, stringBytes: Int = 1 << 26, totalBytes: Int = 1 << 28) {
        self.depth = depth
        self.stringBytes = stringBytes
        self.totalBytes = totalBytes
    }
}
