import Bytes
import Delivery

/// Lines of a session, each as a command; then all of it as message data, in one piece and in two.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
        _ = LMTPCommand(Array(line), strict: false)
        _ = LMTPCommand(Array(line), strict: true)
    }
    var whole = MessageDecoder()
    _ = whole.feed(bytes.span.bytes)
    var pieces = MessageDecoder()
    let half = bytes.count / 2
    let taken = pieces.feed(bytes.span.bytes.extracting(0..<half))
    if taken == half { _ = pieces.feed(bytes.span.bytes.extracting(half..<bytes.count)) }
    precondition(whole.isComplete == pieces.isComplete || taken < half, "a cut changes where data ends")
    return 0
}
