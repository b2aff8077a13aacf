import Bytes
public import Message
import Posix

/// A message on its way in: written once to its partition's `stage.` directory, then linked into every mailbox it goes to
/// (single-instance store), its cache record and index values computed once.
///
/// The staged name is removed when the value goes; what was linked stays.
public struct StagedMessage: ~Copyable {
    let path: String
    public let partition: String
    public let guid: GUID
    /// Octets.
    public let size: Int
    let headerSize: Int
    let cacheRecord: [UInt8]
    let cacheCRC: UInt32
    /// The parse, for conversations, duplicate suppression and Sieve.
    public let parsed: ParsedMessage
    private let file: OpenFile

    deinit {
        _ = try? FileSystem.unlink(path)
    }

    /// The content is on the disk when this returns. Called after the first link, so that one commit of the file system's journal takes
    /// inode and name.
    func sync() throws(MailboxError) {
        do throws(PosixError) {
            try file.file.syncData()
        } catch {
            throw .io(error)
        }
    }

    /// Takes over a stage file that holds the whole message.
    fileprivate init(_ stage: StageFile, parsed: ParsedMessage) {
        stage.isTaken = true
        var record: [UInt8] = []
        let crc = parsed.appendCacheRecord(to: &record)
        path = stage.path
        partition = stage.partition
        self.parsed = parsed
        file = stage.file
        guid = parsed.guid
        size = parsed.size
        headerSize = parsed.headerSize
        cacheCRC = crc
        cacheRecord = record
    }

    /// The same message on another partition.
    fileprivate init(copyOf other: borrowing StagedMessage, to stage: StageFile) throws(MailboxError) {
        let from = other.file
        try posix { () throws(PosixError) in
            let map = try FileMap(from.file)
            try stage.file.file.write(map.bytes)
        }
        stage.isTaken = true
        path = stage.path
        partition = stage.partition
        parsed = other.parsed
        file = stage.file
        guid = other.guid
        size = other.size
        headerSize = other.headerSize
        cacheCRC = other.cacheCRC
        cacheRecord = other.cacheRecord
    }
}

/// A new file on a partition's stage, removed again unless it becomes a `StagedMessage`.
public final class StageFile {
    let path: String
    let partition: String
    let file: OpenFile
    fileprivate var isTaken = false

    fileprivate init(_ store: MailStore, partition: String) throws(MailboxError) {
        guard let directory = store.layout.stageDirectory(partition: partition) else { throw .badPartition(partition) }
        store.stageSequence += 1
        let path = "\(directory)/\(Process.id)-\(Clock.now)-\(store.stageSequence)"
        self.path = path
        self.partition = partition
        file = try posix { () throws(PosixError) in OpenFile(try Self.make(path, in: directory)) }
    }

    deinit {
        if !isTaken { _ = try? FileSystem.unlink(path) }
    }

    private static func make(_ path: String, in directory: String) throws(PosixError) -> File {
        do throws(PosixError) {
            return try File(path, .readWrite, create: .truncate)
        } catch {
            guard error.isMissing else { throw error }
            try FileSystem.makeDirectories(directory)
            return try File(path, .readWrite, create: .truncate)
        }
    }

    /// Lends what is written so far, in place.
    func withContent<R>(_ body: (RawSpan) throws(MailboxError) -> R) throws(MailboxError) -> R {
        let map = try posix { () throws(PosixError) in try FileMap(file.file) }
        return try body(map.bytes)
    }

    /// Replaces the beginning.
    func overwrite(_ bytes: [UInt8]) throws(MailboxError) {
        try posix { () throws(PosixError) in try file.file.write(bytes, at: 0) }
    }

    /// Adds to the message.
    public func append(_ bytes: borrowing RawSpan) throws(MailboxError) {
        do throws(PosixError) {
            try file.file.write(bytes)
        } catch {
            throw .io(error)
        }
    }
}

extension MailStore {
    /// Makes an empty file on the stage of a partition, for a message that is too big to be held in memory.
    public func makeStageFile(partition: String) throws(MailboxError) -> StageFile {
        try StageFile(self, partition: partition)
    }

    /// Stages the message that was written to a stage file; it is parsed in place, through a map.
    public func stage(_ file: StageFile, limits: ParserLimits) throws(MailboxError) -> StagedMessage {
        let parsed = try posix { () throws(PosixError) -> ParsedMessage in
            let map = try FileMap(file.file.file)
            return Message.parse(map.bytes, limits: limits)
        }
        return StagedMessage(file, parsed: parsed)
    }

    /// Writes a message to the stage of a partition. `content` is as it will be stored (CRLF line ends, checked by `MessageIntake`).
    public func stage(_ content: RawSpan, parsed: ParsedMessage, partition: String) throws(MailboxError) -> StagedMessage {
        let file = try StageFile(self, partition: partition)
        try file.append(content)
        return StagedMessage(file, parsed: parsed)
    }

    /// Puts a staged message on the stage of another partition, for mailboxes that are there.
    public func stage(copyOf message: borrowing StagedMessage, partition: String) throws(MailboxError) -> StagedMessage {
        try StagedMessage(copyOf: message, to: StageFile(self, partition: partition))
    }
}
