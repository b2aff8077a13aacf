import Bytes
import Testing

@testable import Message

/// Messages made to cost too much: time stays in proportion, and nothing traps.
@Suite struct ParserLimitTests {
    private func record(_ message: [UInt8], limits: ParserLimits = ParserLimits()) throws -> [[UInt8]] {
        let parsed = Message.parse(message, limits: limits)
        var cache: [UInt8] = []
        parsed.appendCacheRecord(to: &cache)
        let items = try StoredMailbox.items(cache)
        #expect(parsed.size == message.count)
        return items
    }

    @Test func aHundredThousandHeaderLines() throws {
        var message: [UInt8] = []
        for i in 0..<100_000 { message += Array("X-Ref: \(i)\r\n".utf8) }
        message += Array("Subject: late\r\n\r\nx".utf8)
        let items = try record(message)
        #expect(items[CacheItem.subject.rawValue] == Array("NIL".utf8))
        #expect(items[CacheItem.headers.rawValue].split(separator: 10).count == 1001)
        #expect(try record(message, limits: ParserLimits(headerLines: 0))[CacheItem.subject.rawValue] == Array("\"late\"".utf8))
    }

    @Test func messagesInsideMessagesWithoutEnd() throws {
        let message = Array(String(repeating: "Content-Type: message/rfc822\r\n\r\n", count: 20_000).utf8)
        let parsed = Message.parse(message)
        #expect(parsed.parts.count == 1002)
        _ = try record(message)
        _ = try record(message, limits: ParserLimits(messageDepth: 20_000))
    }

    @Test func multipartsInsideMultipartsWithoutEnd() throws {
        var message: [UInt8] = []
        for i in 0..<5000 { message += Array("Content-Type: multipart/mixed; boundary=b\(i)\r\n\r\n--b\(i)\r\n".utf8) }
        #expect(Message.parse(message).parts.count <= 1001)
        #expect(Message.parse(message, limits: ParserLimits(boundaryLimit: 0)).parts.count == 5001)
        _ = try record(message, limits: ParserLimits(boundaryLimit: 0))
    }

    @Test func manyParametersWithSections() throws {
        var header = "Content-Type: text/plain"
        for i in 0..<40_000 { header += ";a*\(i % 3)=x" }
        let items = try record(Array((header + "\r\n\r\nx").utf8))
        #expect(items[CacheItem.body.rawValue].starts(with: Array("(\"TEXT\" \"PLAIN\" (\"A\" \"xxx\"".utf8)))
    }

    @Test func manyEmptyParts() throws {
        let message = Array(("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + String(repeating: "--b\r\n", count: 50_000)).utf8)
        #expect(Message.parse(message).parts.count == 50_001)
        _ = try record(message)
    }

    @Test func manyAddresses() throws {
        _ = try record(Array(("To: " + String(repeating: "((((<@a,<,;:\"", count: 20_000) + "\r\n\r\n").utf8))
        _ = try record(Array(("To: " + String(repeating: "a@b,", count: 20_000) + "\r\n\r\n").utf8))
    }

    /// Every beginning of each sample, and random changes of every byte's value: some record, and one that holds together.
    @Test func anyBytesGiveARecord() throws {
        var generator = SplitMix(state: 42)
        for sample in HostileMessages.all(random: 40) + (try Corpus.messages()).prefix(60) where sample.bytes.count < 6000 {
            for _ in 0..<6 {
                var bytes = sample.bytes
                for _ in 0..<(generator.next() % 8) where !bytes.isEmpty {
                    bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
                }
                bytes.removeLast(Int(generator.next() % UInt64(bytes.count + 1)))
                Fuzzing.parseAndReadBack(bytes)
                _ = try record(bytes)
            }
        }
    }

    @Test func damagedCacheRecordsAreTypedErrors() throws {
        var cache: [UInt8] = []
        Message.parse(Array("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n".utf8)).appendCacheRecord(
            to: &cache)
        for count in 0..<cache.count {
            let short = Array(cache[..<count])
            #expect(throws: CacheDamage.self) { _ = try StoredMailbox.items(short) }
        }
        var generator = SplitMix(state: 7)
        for _ in 0..<20_000 {
            var bytes = cache
            for _ in 0...(generator.next() % 3) {
                bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
            }
            Fuzzing.readCache(bytes)
        }
        #expect(throws: CacheDamage.self) { _ = try CacheView(cache.span.bytes, at: .max) }
        #expect(throws: CacheDamage.self) { _ = try CacheView(cache.span.bytes, at: -1) }
    }
}
