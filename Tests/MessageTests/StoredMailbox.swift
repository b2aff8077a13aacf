import Bytes

@testable import Message

/// What Cyrus wrote about each message of a mailbox: cyrus.index (version 17) and the items of cyrus.cache.
struct StoredMailbox {
    struct Record {
        var uid: UInt32
        var internalDate: Int64
        var sentDate: UInt32
        var size: Int
        var headerSize: Int
        var gmtime: UInt32
        var guid: GUID
        var cacheCRC: UInt32
        var cacheVersion: UInt32
        var cache: [UInt8]
    }

    let records: [Record]

    init(index: [UInt8], cache: [UInt8]) throws {
        let bytes = index.span.bytes
        var records: [Record] = []
        for i in 0..<Int(bytes.bigEndian32(at: 20)) {
            let record = bytes.slice(160 + 112 * i, 112)
            let view = try CacheView(cache.span.bytes, at: Int(record.bigEndian32(at: 24)))
            records.append(
                Record(
                    uid: record.bigEndian32(at: 0), internalDate: Int64(record.bigEndian32(at: 4)), sentDate: record.bigEndian32(at: 8),
                    size: Int(record.bigEndian32(at: 12)), headerSize: Int(record.bigEndian32(at: 16)), gmtime: record.bigEndian32(at: 20),
                    guid: GUID(record, at: 60), cacheCRC: record.bigEndian32(at: 104), cacheVersion: record.bigEndian32(at: 56) & 0xffff,
                    cache: view.record.array))
        }
        self.records = records
    }

    /// The ten items of a cache record.
    static func items(_ record: [UInt8]) throws -> [[UInt8]] {
        let view = try CacheView(record.span.bytes)
        var out: [[UInt8]] = []
        for item in CacheItem.allCases { out.append(view[item].array) }
        return out
    }
}
