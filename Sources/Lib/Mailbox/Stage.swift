import Bytes
import Message
import Posix

/// A message on its way in: written once to its partition's `stage.` directory, then linked into every mailbox it goes to
/// (single-instance store), its cache record and index values computed once.
///
/// The staged name is removed when the value goes; what was linked stays.
public struct StagedMessage: ~Copyable {
    let path: String
    let partition: String
    public let guid: GUID
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

    init(store: MailStore, partition: String, content: RawSpan, parsed: ParsedMessage) throws(MailboxError) {
        guard let directory = store.layout.stageDirectory(partition: partition) else { throw .badPartition(partition) }
        store.stageSequence += 1
        let path = "\(directory)/\(Process.id)-\(Clock.now)-\(store.stageSequence)"
        let file: OpenFile
        do throws(PosixError) {
            file = OpenFile(try Self.write(content, to: path, in: directory))
        } catch {
            throw .io(error)
        }
        var record: [UInt8] = []
        let crc = parsed.appendCacheRecord(to: &record)
        self.path = path
        self.partition = partition
        self.parsed = parsed
        self.file = file
        guid = parsed.guid
        size = content.byteCount
        headerSize = parsed.headerSize
        cacheCRC = crc
        cacheRecord = record
    }

    private static func write(_ content: RawSpan, to path: String, in directory: String) throws(PosixError) -> File {
        let file: File
        do throws(PosixError) {
            file = try File(path, .readWrite, create: .truncate)
        } catch {
            guard error.isMissing else { throw error }
            try FileSystem.makeDirectories(directory)
            return try write(content, to: path, in: directory)
        }
        do throws(PosixError) {
            try file.write(content)
        } catch {
            _ = try? FileSystem.unlink(path)
            throw error
        }
        return file
    }
}

extension MailStore {
    /// Writes a message to the stage of a partition. `content` is as it will be stored (CRLF line ends, checked by `MessageIntake`).
    public func stage(_ content: RawSpan, parsed: ParsedMessage, partition: String) throws(MailboxError) -> StagedMessage {
        try StagedMessage(store: self, partition: partition, content: content, parsed: parsed)
    }
}
