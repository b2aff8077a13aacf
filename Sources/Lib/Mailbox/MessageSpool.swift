import Bytes
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

    /// Looks whether the message may be stored as it is (APPEND), and makes 8-bit bytes of its header `X` where that is the policy.
    public mutating func check(eightBit: MessageIntake.EightBit) throws(MailboxError) {
        guard let file else {
            try Self.check(bytes.span.bytes, eightBit)
            if eightBit == .munge { MessageIntake.munge(&bytes) }
            return
        }
        // No longer mapped when it is staged: the map is of the file as it was.
        let header = try file.withContent { content throws(MailboxError) -> [UInt8] in
            try Self.check(content, eightBit)
            return eightBit == .munge ? content.slice(0, MessageIntake.headerSize(content)).array : []
        }
        var munged = header
        if MessageIntake.munge(&munged) { try file.overwrite(munged) }
    }

    private static func check(_ content: RawSpan, _ eightBit: MessageIntake.EightBit) throws(MailboxError) {
        do throws(MessageIntake.Refusal) {
            try MessageIntake.check(content, eightBit: eightBit)
        } catch {
            switch error {
            case .containsNUL: throw .containsNUL
            case .bareNewlines: throw .containsBareNewlines
            case .invalidHeader: throw .badHeader
            case .eightBitHeader: throw .contains8Bit
            }
        }
    }

    /// The staged message, in the partition.
    public consuming func stage(in store: MailStore, partition: String, limits: ParserLimits) throws(MailboxError) -> StagedMessage {
        if let file {
            let staged = try store.stage(file, limits: limits)
            return staged.partition == partition ? staged : try store.stage(copyOf: staged, partition: partition)
        }
        let content = bytes
        let parsed = Message.parse(content, limits: limits)
        return try store.stage(content.span.bytes, parsed: parsed, partition: partition)
    }
}
