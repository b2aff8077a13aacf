import Bytes
import Testing

@testable import Charset

private func bytes(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }

@Suite struct CharsetTests {
    @Test(arguments: [
        ("utf-8", "\u{c3}\u{a9}", "é"), ("UTF8", "a\u{ff}b", "a\u{fffd}b"), ("utf-8", "\u{e2}\u{82}", ""),
        ("utf-8", "\u{ed}\u{a0}\u{80}z", "\u{fffd}z"),
        ("us-ascii", "a\u{e9}", "a\u{fffd}"), ("iso-8859-1", "\u{80}\u{e9}", "€é"), ("iso-8859-15", "\u{a4}", "€"),
        ("koi8-r", "\u{c1}", "а"),
        ("iso-2022-jp", "\u{1b}$BF|K\\\u{1b}(B", "日本"), ("shift_jis", "\u{93}\u{fa}\u{96}\u{7b}", "日本"), ("gb2312", "\u{d6}\u{d0}", "中"),
        ("x-unknown", "\u{e9}", "é"),
    ])
    func decodesToUTF8(label: String, text: String, expected: String) throws {
        #expect(try Charset.utf8(of: bytes(text).span.bytes, in: bytes(label).span.bytes).text == expected)
    }

    @Test(arguments: ["", "nope", "utf-8;x", "a,b", "\u{e9}", String(repeating: "a", count: 70)])
    func unknownLabelsAreATypedError(label: String) {
        #expect(throws: UnknownCharset(label: bytes(label))) { _ = try Charset(named: bytes(label).span.bytes) }
        let isKnown = Charset.isKnown(bytes(label).span.bytes)
        #expect(!isKnown)
    }

    @Test func aCharacterMayComeInPieces() throws {
        for label in ["utf-8", "shift_jis", "gb2312"] {
            var whole: [UInt8] = []
            let text = label == "utf-8" ? bytes("a\u{e6}\u{97}\u{a5}b") : bytes("a\u{93}\u{fa}b")
            var charset = try Charset(named: bytes(label).span.bytes)
            charset.decode(text.span.bytes, into: &whole)
            var pieces: [UInt8] = []
            for i in text.indices { charset.decode(text.span.bytes.slice(i, 1), final: i == text.count - 1, into: &pieces) }
            #expect(pieces == whole)
        }
    }

    @Test(arguments: [
        ("aGVsbG8=", "hello"), ("aGVsbG8", "hello"), ("aGVs\r\nbG8=\r\n", "hello"), ("aGVsbG8=aGVsbG8=", "hellohello"), ("a", ""),
        ("!!", ""), ("d29y=bGQ", "world"), ("=", ""),
    ])
    func base64IsLenient(encoded: String, expected: String) {
        #expect(TransferDecoder.decoded(bytes(encoded).span.bytes, .base64).text == expected)
    }

    @Test(arguments: [
        ("a=C3=A9", "aé"), ("a=\r\nb", "ab"), ("a= \t\r\nb", "ab"), ("a  \r\nb", "a\r\nb"), ("a=4", "a=4"), ("=ZZ=", "=ZZ"),
        ("a\nb", "a\r\nb"), ("==41", "=A"), ("", ""),
    ])
    func quotedPrintableIsLenient(encoded: String, expected: String) {
        #expect(TransferDecoder.decoded(bytes(encoded).span.bytes, .quotedPrintable).text == expected)
    }

    @Test(arguments: [TransferEncoding.base64, .quotedPrintable, .identity])
    func decodingInPiecesEqualsDecodingWhole(encoding: TransferEncoding) {
        let text = bytes("QUJD=\r\nREVG= \r\n=41=4=\r\n==QQ  \r\nlast")
        let whole = TransferDecoder.decoded(text.span.bytes, encoding)
        for step in 1...text.count {
            var decoder = TransferDecoder(encoding)
            var out: [UInt8] = []
            var at = 0
            while at < text.count {
                let count = min(step, text.count - at)
                decoder.decode(text.span.bytes.slice(at, count), into: &out)
                at += count
            }
            decoder.finish(into: &out)
            #expect(out == whole, "pieces of \(step)")
        }
    }

    @Test(arguments: [
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"), ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"), ("a =?utf-8?b?w6k=?= b", "a é b"),
        ("=?nope?q?x?=", "\u{fffd}"), ("=?utf-8?q?a_b?=", "a b"),
        ("=?utf-8*en?q?x?=", "x"), ("=?utf-8?q?open", "=?utf-8?q?open"), ("a\r\n b", "a b"), ("=?a=b?q?x?=", "=?a=b?q?x?="), ("", ""),
        ("\u{e9}", "\u{fffd}"),
    ])
    func encodedWordsBecomeUTF8(header: String, expected: String) {
        #expect(EncodedWords.decoded(bytes(header).span.bytes).text == expected)
    }

    @Test(arguments: [
        ("utf-8''%C3%A9", "é"), ("iso-8859-1'en'%E9x", "éx"), ("''a%20b", "a b"), ("plain%41", "plainA"), ("nope''%41", "A"),
        ("100%", "100%"),
    ])
    func extendedValuesBecomeUTF8(value: String, expected: String) {
        #expect(ExtendedValue.decoded(bytes(value).span.bytes).text == expected)
    }
}

@Suite struct ModifiedUTF7Tests {
    @Test(arguments: [
        ("INBOX", "INBOX"), ("A & B", "A &- B"), ("Entwürfe", "Entw&APw-rfe"), ("日本語", "&ZeVnLIqe-"), ("\u{1F600}", "&2D3eAA-"), ("", ""),
        ("~peter/台北", "~peter/&U,BTFw-"),
    ])
    func encodesAndDecodes(text: String, encoded: String) throws {
        #expect(try ModifiedUTF7.encode(Array(text.utf8).span.bytes).text == encoded)
        #expect(try ModifiedUTF7.decode(bytes(encoded).span.bytes).text == text)
    }

    @Test(arguments: ["&", "&AGE-", "&APw", "&A-", "&2D0-", "&3gA-", "a\u{e9}", "&APw-&APw-", "&A!-", "a\r"])
    func refusesOtherSpellings(name: String) {
        let isValid = ModifiedUTF7.isValid(bytes(name).span.bytes)
        #expect(!isValid)
    }
}

@Suite struct SearchTests {
    @Test(arguments: [
        ("a  é b\tc", "A E B C"), ("Straße", "STRAssE"), ("ﬁ", "fi"), ("½", "1/2"), ("ＡＢＣ", "ABC"), ("\u{a0}x", " X"), ("…", "..."),
        ("한글", "한글"), ("ς", "Σ"), ("Ǆ", "Dz"), ("\u{a8}", "\u{a8}"), ("ά", "Α"),
    ])
    func foldsAsCyrus(text: String, expected: String) {
        #expect(SearchForm.of(Array(text.utf8).span.bytes).text == expected)
    }

    @Test(arguments: [
        ("abab", "abaabab", true), ("aab", "aaab", true), ("x", "", false), ("", "x", true), ("abcabd", "abcabcabd", true),
        ("aaa", "aabaab", false),
    ])
    func findsInPieces(pattern: String, text: String, expected: Bool) {
        let search = SearchPattern(folded: bytes(pattern))
        for step in 1...max(1, text.utf8.count) {
            var progress = SearchPattern.Progress()
            var found = pattern.isEmpty
            var at = 0
            let all = bytes(text)
            while at < all.count {
                let count = min(step, all.count - at)
                found = search.advance(&progress, over: all.span.bytes.slice(at, count))
                at += count
            }
            #expect(found == expected, "pieces of \(step)")
        }
        let whole = search.matches(folded: bytes(text).span.bytes)
        #expect(whole == expected)
    }
}
