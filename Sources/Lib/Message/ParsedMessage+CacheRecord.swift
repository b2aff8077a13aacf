import Bytes
import Charset

extension ParsedMessage {
    /// The version that records of `appendCacheRecord` have in the index.
    public static let cacheVersion: UInt32 = 11

    /// Appends the message's record of cyrus.cache, ten items with their lengths and padding; returns the CRC32 for the index record.
    @discardableResult
    public func appendCacheRecord(to out: inout [UInt8]) -> UInt32 {
        let start = out.count
        out.reserveCapacity(start + 1024)
        let addresses = mainAddresses(0)
        item(&out) { appendEnvelope(0, addresses, to: &$0) }
        item(&out) { appendBody(withExtensions: true, to: &$0) }
        item(&out) { appendBody(withExtensions: false, to: &$0) }
        item(&out) { appendSection(to: &$0) }
        item(&out) { $0.append(contentsOf: cachedHeaders) }
        item(&out) { addresses.from.appendSearchForm(to: &$0) }
        item(&out) { addresses.to.appendSearchForm(to: &$0) }
        item(&out) { addresses.cc.appendSearchForm(to: &$0) }
        item(&out) { addresses.bcc.appendSearchForm(to: &$0) }
        item(&out) { out in
            let subject = envelopes[0].subject
            if subject.isNone { out.append("NIL") } else { out.append(nstring: EncodedWords.decoded(text.span(subject)).span.bytes) }
        }
        return CRC32.of(out.span.bytes.dropping(start))
    }

    private func item(_ out: inout [UInt8], _ body: (inout [UInt8]) -> Void) {
        let head = out.count
        out.append(bigEndian: UInt32(0))
        body(&out)
        let count = out.count - head - 4
        out.store(bigEndian: UInt32(truncatingIfNeeded: count), at: head)
        for _ in 0..<(-count & 3) { out.append(0) }
    }
}
