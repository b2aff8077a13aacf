import Bytes
public import Mailbox
public import Message
import Posix

/// A message while it comes in: in memory while it is small, in a file of the stage once it is not.
public struct MessageSpool: ~Copyable {
    /// Above this the message is written out as it comes.
    public static let memoryLimit = 1 << 20

    private var bytes: [UInt8] = []
    private var file: StageFile?
    /// Octets so far.
    public private(set) var count = 0

    public init() {}

    /// Adds bytes. `partition` is where the stage file is made when there is to be one.
    public mutating func append(_ more: [UInt8], in store: MailStore, partition: String) throws(MailboxError) {
        count += more.count
        if file == nil, bytes.count + more.count <= Self.memoryLimit {
            if bytes.isEmpty { bytes = more } else { bytes += more }
            return
        }
        if file == nil {
            file = try store.makeStageFile(partition: partition)
            try file?.append(bytes.span.bytes)
            bytes = []
        }
        try file?.append(more.span.bytes)
    }

    /// The staged message, in the partition.
    public consuming func stage(in store: MailStore, partition: String, limits: ParserLimits) throws(MailboxError) -> StagedMessage {
        if let file { return try store.stage(file, limits: limits) }
        let content = bytes
        let parsed = Message.parse(content, limits: limits)
        return try store.stage(content.span.bytes, parsed: parsed, partition: partition)
    }
}
