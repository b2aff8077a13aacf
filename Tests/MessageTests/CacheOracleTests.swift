import Bytes
import DebianCyrus
import Foundation
import Testing

@testable import Message

/// The cache record, the index record's values and the refusals equal what Debian's Cyrus makes of the same messages.
@Suite(.enabled(if: DebianCyrus.isInstalled))
struct CacheOracleTests {
    @Test func cacheRecordsEqualCyrusFor8BitHeadersKept() throws {
        try compare(HostileMessages.all() + Corpus.messages(), eightBit: .keep, options: ["munge8bit: no"])
    }

    @Test func headersAreMungedAsCyrusDoes() throws {
        let samples = HostileMessages.all(random: 30).filter { $0.bytes.contains { $0 >= 0x80 } }
        try compare(samples, eightBit: .munge, options: [])
    }

    @Test func headersAreRefusedAsCyrusDoes() throws {
        let samples = HostileMessages.all(random: 30).filter { $0.bytes.contains { $0 >= 0x80 || $0 == 0 } }
        try compare(samples, eightBit: .reject, options: ["reject8bit: yes"])
    }

    @Test func daysAreCountedInTheServersZone() throws {
        let samples = HostileMessages.all(random: 30).filter { $0.bytes.starts(with: Array("Date".utf8)) }
        try compare(samples, eightBit: .keep, options: ["munge8bit: no"], environment: ["TZ": "XXX-5:30"], zone: .fixed(19_800))
        try compare(samples, eightBit: .keep, options: ["munge8bit: no"], environment: ["TZ": "XXX+8"], zone: .fixed(-28_800))
    }

    private static let internalDate = "21-Nov-2026 06:22:35 +0000"

    private func compare(
        _ samples: [HostileMessages.Sample], eightBit: MessageIntake.EightBit, options: [String], environment: [String: String] = [:],
        zone: ServerTimeZone = .fixed(0)
    ) throws {
        let cyrus = try DebianCyrus(options: options, users: ["alice"], environment: environment)
        defer { cyrus.stop() }
        let client = try IMAPConnection(port: cyrus.port("imap"))
        try client.login("alice")
        var stored: [HostileMessages.Sample] = []
        for sample in samples where !sample.bytes.isEmpty {
            let answer = try client.append(sample.bytes, to: "INBOX", date: Self.internalDate)
            var expected: MessageIntake.Refusal?
            do { try MessageIntake.check(sample.bytes.span.bytes, eightBit: eightBit) } catch { expected = error }
            if let expected {
                #expect(answer == "NO \(expected.text)", "\(sample.name)")
            } else {
                #expect(answer.hasPrefix("OK"), "\(sample.name): \(answer)")
            }
            if answer.hasPrefix("OK") { stored.append(sample) }
        }
        let folder = try cyrus.mailboxFolder("user.alice")
        let mailbox = try StoredMailbox(
            index: [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/cyrus.index"))),
            cache: [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/cyrus.cache"))))
        try #require(mailbox.records.count == stored.count)
        var differences = 0
        for (sample, record) in zip(stored, mailbox.records) {
            var bytes = sample.bytes
            if eightBit == .munge { MessageIntake.munge(&bytes) }
            let found = try difference(bytes, record, zone: zone)
            if !found.isEmpty { differences += 1 }
            if !found.isEmpty { Issue.record("\(sample.name)\n\(found)\nmessage: \(Self.show(bytes[...]))") }
        }
        print("compared \(stored.count) records and \(samples.count - stored.count) refusals with Cyrus: \(differences) differ")
    }

    /// What differs, for people; empty when nothing does.
    private func difference(_ bytes: [UInt8], _ record: StoredMailbox.Record, zone: ServerTimeZone) throws -> String {
        let parsed = Message.parse(bytes)
        var cache: [UInt8] = []
        let crc = parsed.appendCacheRecord(to: &cache)
        var lines: [String] = []
        func check<T: Equatable>(_ name: String, _ ours: T, _ theirs: T) {
            if ours != theirs { lines.append("\(name): ours \(ours) cyrus \(theirs)") }
        }
        let items = try StoredMailbox.items(cache)
        for (item, theirs) in zip(CacheItem.allCases, try StoredMailbox.items(record.cache)) where items[item.rawValue] != theirs {
            let isBinary = item == .section
            let (ours, at) = (items[item.rawValue], Self.firstDifference(items[item.rawValue], theirs))
            let from = isBinary ? max(0, at / 4 * 4 - 40) : max(0, at - 40)
            lines.append("\(item) from byte \(from) (they differ at \(at)):")
            lines.append("  ours  \(isBinary ? Self.hex(ours.dropFirst(from)) : Self.show(ours.dropFirst(from)))")
            lines.append("  cyrus \(isBinary ? Self.hex(theirs.dropFirst(from)) : Self.show(theirs.dropFirst(from)))")
        }
        check("size", parsed.size, record.size)
        check("header_size", parsed.headerSize, record.headerSize)
        check("guid", parsed.guid, record.guid)
        check("sentdate", UInt32(truncatingIfNeeded: parsed.sentDate(internalDate: record.internalDate, zone: zone)), record.sentDate)
        check("gmtime", UInt32(truncatingIfNeeded: parsed.gmtime(internalDate: record.internalDate)), record.gmtime)
        check("cache version", ParsedMessage.cacheVersion, record.cacheVersion)
        if lines.isEmpty { check("cache crc", crc, record.cacheCRC) }
        return lines.joined(separator: "\n")
    }

    private static func firstDifference(_ a: [UInt8], _ b: [UInt8]) -> Int {
        zip(a, b).enumerated().first { $1.0 != $1.1 }?.offset ?? min(a.count, b.count)
    }

    private static func show(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.prefix(400).map {
            $0 >= 0x20 && $0 < 0x7f ? String(UnicodeScalar($0)) : $0 == 13 ? "\\r" : $0 == 10 ? "\\n" : "\\x" + String($0, radix: 16)
        }.joined()
    }

    private static func hex(_ slice: ArraySlice<UInt8>) -> String {
        let bytes = Array(slice.prefix(160))
        return stride(from: 0, to: bytes.count, by: 4).map { at in
            bytes[at..<min(at + 4, bytes.count)].map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }.joined(separator: " ")
    }
}
