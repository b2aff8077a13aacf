import Bytes

/// The 48 bytes at the start of a skiplist file. All numbers are 32-bit big-endian.
struct SkipListHeader: Equatable {
    static let magic: [UInt8] = [0xa1, 0x02, 0x8b, 0x0d] + Array("skiplist file".utf8) + [0, 0, 0]
    static let byteCount = 48
    static let version: UInt32 = 1
    static let minorVersion: UInt32 = 2
    static let maxLevel = 20
    /// Where the dummy record stands.
    static let dummyOffset = 48
    /// The log's start in a file without records.
    static let emptyLogStart = 144

    var minor = minorVersion
    var maxLevel = UInt32(Self.maxLevel)
    /// The highest level in use, at least 1.
    var currentLevel: UInt32 = 1
    /// Records at the last checkpoint.
    var listSize: UInt32 = 0
    /// The offset of the first log record.
    var logStart = UInt32(emptyLogStart)
    /// Seconds since 1970.
    var lastRecovery: UInt32 = 0

    enum Failure: Error {
        case foreign(String)
    }

    init() {}

    init(_ bytes: borrowing RawSpan) throws(Failure) {
        guard bytes.byteCount >= Self.byteCount else { throw .foreign("it has \(bytes.byteCount) bytes, a skiplist file at least 144") }
        guard bytes.begins(Self.magic, 20) else { throw .foreign("no skiplist magic") }
        let version = bytes.bigEndian32(at: 20)
        guard version == Self.version else { throw .foreign("skiplist version \(version), not \(Self.version)") }
        minor = bytes.bigEndian32(at: 24)
        maxLevel = bytes.bigEndian32(at: 28)
        currentLevel = bytes.bigEndian32(at: 32)
        listSize = bytes.bigEndian32(at: 36)
        logStart = bytes.bigEndian32(at: 40)
        lastRecovery = bytes.bigEndian32(at: 44)
    }

    /// Whether the levels can be; otherwise the file is to be recovered (its records need no header).
    var isPlausible: Bool {
        maxLevel >= 1 && maxLevel <= UInt32(Self.maxLevel) && currentLevel >= 1 && currentLevel <= maxLevel
    }

    var encoded: [UInt8] {
        var out = Self.magic
        out.append(bigEndian: Self.version)
        out.append(bigEndian: minor)
        out.append(bigEndian: maxLevel)
        out.append(bigEndian: currentLevel)
        out.append(bigEndian: listSize)
        out.append(bigEndian: logStart)
        out.append(bigEndian: lastRecovery)
        return out
    }
}
