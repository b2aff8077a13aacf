import Bytes

/// The 64 bytes at the start of a twoskip file.
struct TwoSkipHeader: Equatable {
    static let magic: [UInt8] = [0xa1, 0x02, 0x8b, 0x0d] + Array("twoskip file".utf8) + [0, 0, 0, 0]
    static let byteCount = 64
    static let version: UInt32 = 1
    /// The flag of a file with an unfinished (or unrecovered) transaction.
    static let dirtyFlag: UInt32 = 1

    /// 1 at creation, one more at each rewrite of the file.
    var generation: UInt64 = 1
    /// Live records.
    var recordCount: UInt64 = 0
    /// The size right after the last rewrite.
    var repackSize: UInt64 = 0
    /// The committed end of the file.
    var currentSize: UInt64 = 0
    var flags: UInt32 = 0

    var isDirty: Bool { flags & Self.dirtyFlag != 0 }

    enum Failure: Error {
        /// Not a twoskip file, or one of a version that is not known.
        case foreign(String)
        /// The bytes at `offset` are not what they must be.
        case damaged(offset: Int, expected: String, found: String)
    }

    init() {}

    init(_ bytes: borrowing RawSpan) throws(Failure) {
        guard bytes.byteCount >= Self.byteCount else { throw .foreign("it has \(bytes.byteCount) bytes, a twoskip file at least 64") }
        guard bytes.begins(Self.magic, 20) else { throw .foreign("no twoskip magic") }
        let crc = CRC32.of(bytes.slice(0, 60))
        guard crc == bytes.bigEndian32(at: 60) else {
            throw .damaged(offset: 60, expected: "header CRC \(crc)", found: "\(bytes.bigEndian32(at: 60))")
        }
        let version = bytes.bigEndian32(at: 20)
        guard version <= Self.version else { throw .foreign("twoskip version \(version) is newer than \(Self.version)") }
        generation = bytes.bigEndian64(at: 24)
        recordCount = bytes.bigEndian64(at: 32)
        repackSize = bytes.bigEndian64(at: 40)
        currentSize = bytes.bigEndian64(at: 48)
        flags = bytes.bigEndian32(at: 56)
    }

    var encoded: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(Self.byteCount)
        out += Self.magic
        out.append(bigEndian: Self.version)
        out.append(bigEndian: generation)
        out.append(bigEndian: recordCount)
        out.append(bigEndian: repackSize)
        out.append(bigEndian: currentSize)
        out.append(bigEndian: flags)
        out.append(bigEndian: CRC32.of(out))
        return out
    }
}
