import Bytes
import Charset

/// Entry points for fuzzers: all that reads bytes nobody vouches for, on any input. They return when nothing trapped.
public enum Fuzzing {
    /// A message's way in: the checks, the parser, the cache record, and the record read back.
    public static func parseAndReadBack(_ bytes: [UInt8]) {
        do { try MessageIntake.check(bytes.span.bytes) } catch {}
        let parsed = Message.parse(bytes)
        var cache: [UInt8] = []
        parsed.appendCacheRecord(to: &cache)
        _ = parsed.gmtime(internalDate: 0)
        _ = parsed.sentDate(internalDate: 0, zone: .fixed(0))
        readCache(cache)
        var out: [UInt8] = []
        HeaderFields.appendSubset(of: bytes.span.bytes, names: [[UInt8]("subject")], excluding: true, to: &out)
        _ = BaseSubject(bytes.span.bytes)
        _ = MessageIDs.all(bytes.span.bytes)
        _ = AddressList(bytes.span.bytes)
        _ = MessageDate.parse(bytes.span.bytes)
        _ = MessageDate.parseInternalDate(bytes.span.bytes)
        decodeText(bytes)
    }

    /// A cache record as it may stand, damaged, on disk.
    public static func readCache(_ bytes: [UInt8]) {
        do throws(CacheDamage) {
            let view = try CacheView(bytes.span.bytes)
            let map = SectionMap(view[.section])
            let paths: [[UInt32]] = [[], [1], [2], [1, 1], [1, 2], [2, 1], [1, 1, 1], [9], [.max, 1]]
            for path in paths {
                for part in [SectionMap.Part.content, .header, .text, .mime] {
                    do { _ = try map.range(of: path, part) } catch {}
                }
            }
        } catch {}
    }

    /// Transfer encodings, header words, mailbox names and the search form.
    public static func decodeText(_ bytes: [UInt8]) {
        for encoding in [TransferEncoding.base64, .quotedPrintable, .base64URL] { _ = TransferDecoder.decoded(bytes.span.bytes, encoding) }
        _ = EncodedWords.decoded(bytes.span.bytes)
        _ = ExtendedValue.decoded(bytes.span.bytes)
        do { _ = try ModifiedUTF7.decode(bytes.span.bytes) } catch {}
        do { _ = try ModifiedUTF7.encode(bytes.span.bytes) } catch {}
        _ = SearchForm.of(bytes.span.bytes)
    }
}
