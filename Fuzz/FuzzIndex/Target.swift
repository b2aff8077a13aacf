import Bytes
import Mailbox

/// Bytes as cyrus.index, as cyrus.header and as a record of mailboxes.db.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    if let header = try? IndexHeader(bytes.span.bytes, path: "fuzz") {
        for number in 0..<min(64, Int(header.recordCount)) {
            let offset = Int(header.startOffset) + number * Int(header.recordSize)
            _ = try? IndexRecord(bytes.span.bytes, at: offset, version: header.minorVersion, path: "fuzz")
        }
    }
    for version: UInt32 in [6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 20, 99] {
        _ = try? IndexRecord(bytes.span.bytes, at: 0, version: version, path: "fuzz")
    }
    _ = try? HeaderFile(bytes.span.bytes, path: "fuzz")
    _ = try? MailboxEntry(name: MailboxName("user.x"), value: bytes.span.bytes, path: "fuzz")
    _ = SequenceSet(bytes.span.bytes)
    let name = MailboxName(databaseKey: bytes.span.bytes)
    _ = (name.user, name.isDeleted, name.deletedTime, name.parent, name.components)
    return 0
}
