import Bytes
import Charset
import DebianCyrus
import Foundation
import Testing

@testable import Message

/// What imapd answers from the cache and the message equals what this module finds there.
@Suite(.enabled(if: DebianCyrus.isInstalled))
struct FetchOracleTests {
    private static func stored(_ samples: [HostileMessages.Sample], in client: IMAPConnection) throws -> [HostileMessages.Sample] {
        var stored: [HostileMessages.Sample] = []
        for sample in samples where !sample.bytes.isEmpty {
            if try client.append(sample.bytes, to: "INBOX", date: "21-Nov-2026 06:22:35 +0000").hasPrefix("OK") { stored.append(sample) }
        }
        return stored
    }

    /// The nstring that follows `key ` in a FETCH line; nil for NIL.
    private static func value(_ key: String, in lines: [[UInt8]]) -> [UInt8]? {
        let key = Array(" \(key) ".utf8) + []
        for line in lines {
            guard
                let at = line.indices.first(where: { line[$0...].starts(with: key) || line[$0...].starts(with: [0x28] + key.dropFirst()) })
            else { continue }
            let rest = line[(at + key.count)...]
            if rest.starts(with: Array("NIL".utf8)) { return nil }
            if rest.first == 0x22 { return [UInt8](rest.dropFirst().prefix { $0 != 0x22 }) }
            guard let end = rest.firstIndex(of: 10) else { return nil }
            let count = Int(String(decoding: rest[(rest.startIndex + 1)..<(end - 2)], as: UTF8.self)) ?? 0
            return [UInt8](rest[(end + 1)..<(end + 1 + count)])
        }
        return nil
    }

    @Test func sectionsEqualCyrus() throws {
        let cyrus = try DebianCyrus(options: ["munge8bit: no"], users: ["alice"])
        defer { cyrus.stop() }
        let client = try IMAPConnection(port: cyrus.port("imap"))
        try client.login("alice")
        let wanted = HostileMessages.all(random: 120).filter {
            $0.name.hasPrefix("message") || $0.name.hasPrefix("random") || $0.name.hasPrefix("nested 3")
        }
        let samples = try Self.stored(wanted, in: client)
        try client.expectOK("SELECT INBOX")
        let sections: [(String, [UInt32], SectionMap.Part)] = [
            ("HEADER", [], .header), ("TEXT", [], .text), ("1", [1], .content), ("1.MIME", [1], .mime), ("1.HEADER", [1], .header),
            ("1.TEXT", [1], .text),
            ("2", [2], .content), ("2.MIME", [2], .mime), ("1.1", [1, 1], .content), ("1.1.MIME", [1, 1], .mime),
            ("1.2", [1, 2], .content),
            ("2.1", [2, 1], .content), ("2.2.MIME", [2, 2], .mime), ("2.HEADER", [2], .header), ("1.1.1", [1, 1, 1], .content),
            ("1.1.HEADER", [1, 1], .header),
            ("3.1.TEXT", [3, 1], .text), ("0", [0], .content), ("2.1.1", [2, 1, 1], .content), ("1.1.1.MIME", [1, 1, 1], .mime),
        ]
        for (i, sample) in samples.enumerated() {
            var cache: [UInt8] = []
            Message.parse(sample.bytes).appendCacheRecord(to: &cache)
            let view = try CacheView(cache.span.bytes)
            let map = SectionMap(view[.section])
            for (name, path, part) in sections {
                let theirs = Self.value("BODY[\(name)]", in: try client.command("FETCH \(i + 1) (BODY.PEEK[\(name)])"))
                let ours = try map.range(of: path, part).map { Array(sample.bytes[$0.clamped(to: 0..<sample.bytes.count)]) }
                if ours != theirs {
                    Issue.record(
                        "\(sample.name) BODY[\(name)]: ours \(ours?.text.debugDescription ?? "NIL") cyrus \(theirs?.text.debugDescription ?? "NIL")"
                    )
                }
            }
        }
    }

    @Test func headerSubsetsEqualCyrus() throws {
        let cyrus = try DebianCyrus(options: ["munge8bit: no"], users: ["alice"])
        defer { cyrus.stop() }
        let client = try IMAPConnection(port: cyrus.port("imap"))
        try client.login("alice")
        let samples = try Self.stored(HostileMessages.all(random: 60), in: client)
        try client.expectOK("SELECT INBOX")
        let lists: [[String]] = [
            ["Subject"], ["from", "TO", "X-Mailer"], ["Priority", "Content-Type"], ["X-Other", "Nothing"], ["reply-to"],
        ]
        for (i, sample) in samples.enumerated() {
            let parsed = Message.parse(sample.bytes)
            let header = sample.bytes.span.bytes.slice(0, parsed.headerSize)
            for list in lists {
                for excluding in [false, true] {
                    let key = "BODY[HEADER.FIELDS\(excluding ? ".NOT" : "") (\(list.joined(separator: " ")))]"
                    let theirs = Self.value(
                        key, in: try client.command("FETCH \(i + 1) (\(key.replacingOccurrences(of: "BODY[", with: "BODY.PEEK[")))"))
                    var ours: [UInt8] = []
                    HeaderFields.appendSubset(of: header, names: list.map { Array($0.utf8) }, excluding: excluding, to: &ours)
                    if ours != theirs {
                        Issue.record(
                            "\(sample.name) \(key): ours \(ours.text.suffix(200).debugDescription) cyrus \(theirs?.text.suffix(200).debugDescription ?? "NIL")"
                        )
                    }
                }
            }
        }
    }

    @Test func searchMatchesAsCyrus() throws {
        let cyrus = try DebianCyrus(users: ["alice"])
        defer { cyrus.stop() }
        let client = try IMAPConnection(port: cyrus.port("imap"))
        try client.login("alice")
        let texts = [
            "Straße", "STRASSE", "café", "cafe\u{301}", "CAFÉ", "a  b", "a\tb", "a b", "ﬁne", "fine", "ＡＢＣ", "abc", "İstanbul", "istanbul",
            "ıi", "ΣΑΣ", "σας", "ς",
            "Ǆ", "dž", "½", "1/2", "1⁄2", "…", "...", "日本", "ﾊﾟ", "パ", "한글", "Å", "å", "™", "tm", "TM", "a\u{a0}b", "a\u{2003}b",
            "a\u{200b}b", "ab", "æ", "ae", "Ø", "o",
            "ñ", "n", "й", "и", "ё", "е", "ĳ", "ij", "①", "1", "ſ", "s", "ß", "ss", "a\u{ad}b", "K", "k", "α", "А", "а", "\u{1F600}",
            "e\u{327}\u{301}", "ḉ", "ç", "ﬀ", "ff", "Ω", "Ω", "ω",
        ]
        for text in texts {
            let encoded = Data(text.utf8).base64EncodedString()
            let message =
                "Subject: =?utf-8?b?\(encoded)?=\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\(encoded)\r\n"
            _ = try client.append(Array(message.utf8), to: "INBOX", date: "21-Nov-2026 06:22:35 +0000")
        }
        try client.expectOK("SELECT INBOX")
        for query in texts {
            let pattern = SearchPattern(Array(query.utf8).span.bytes)
            let ours = texts.indices.filter { pattern.matches(Array(texts[$0].utf8).span.bytes) }.map { $0 + 1 }
            for key in ["SUBJECT", "BODY"] {
                let lines = try client.command("SEARCH CHARSET UTF-8 \(key) {\(query.utf8.count)+}\r\n\(query)")
                let line = lines.first { $0.starts(with: Array("* SEARCH".utf8)) } ?? []
                let theirs = String(decoding: line.dropFirst(8), as: UTF8.self).split(separator: " ").compactMap { Int($0) }
                if ours != theirs {
                    let (more, less) = (
                        Set(ours).subtracting(theirs).map { texts[$0 - 1] }, Set(theirs).subtracting(ours).map { texts[$0 - 1] }
                    )
                    Issue.record("\(key) \(query.debugDescription): only ours \(more) only cyrus \(less) \(lines.last?.text ?? "")")
                }
            }
        }
        #expect(try client.command("SEARCH CHARSET X-NOPE SUBJECT a").last?.text.hasSuffix("BAD Unrecognized character set") == true)
        #expect(throws: UnknownCharset.self) { _ = try Charset(named: Array("X-NOPE".utf8).span.bytes) }
    }
}
