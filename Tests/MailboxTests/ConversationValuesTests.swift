import Bytes
import Message
import Testing

@testable import Mailbox

/// Values as Debian's Cyrus 3.6.1 wrote them.
@Suite struct ConversationValuesTests {
    @Test(arguments: [
        #"1 (23 2 2 1 (1 0) ((0 23 2 1 1) (1 14 1 1 1) (3 18 1 1 0)) (("Bob Boss" NIL Bob Example.COM 1795248000 2)) S 326 ((4ca0587c07ad63107b434eb808bcacb227a3f17e 1 1795248474) (eeee98e8e46c4533e9d1ea98a0bcaa77a22c8e66 1 1795248474)) 13)"#,
        #"1 (220 1 1 0 (0 0) ((4 220 1 1 0)) ((NIL NIL x y 1795248000 1)) NIL 148 ((a57942a0e3707668ac105ba3fe26cd2f8b1f967c 1 1795248474)) 220)"#,
        #"1 (36 1 1 1 (0 0) ((0 36 1 1 1)) (("Bob Boss" NIL Bob Example.COM 1795248000 1)) "NIL" 150 ((d222d52610e51355c7e3e5041ab14b2c1704c693 1 1795248474)) 36)"#,
        "1 (38 1 1 1 (0 0) ((0 38 1 1 1)) () {3+}\r\na%b 150 ((d222d52610e51355c7e3e5041ab14b2c1704c693 1 1795248474)) 38)",
        #"1 (25 1 1 1 (0 0) ((0 25 1 1 1)) () "" 136 () 25)"#,
    ])
    func aConversationIsWrittenAsItWasRead(_ text: String) throws {
        let record = try #require(ConversationRecord(Array(text.utf8)))
        #expect(String(decoding: record.value(flags: 2), as: UTF8.self) == text)
    }

    @Test(arguments: [
        "", "1", "2 (1 2)", "1 (a b)", "1 (1 1 1 1 () ((x)) () S)", "1 (1 1 1 1 () () ((a)) S 1 () 1", "1 (1 1 1 1 (0 0) () ()", "x (1)",
    ])
    func aDamagedConversationIsNone(_ text: String) {
        #expect(ConversationRecord(Array(text.utf8)) == nil)
    }

    @Test func theSmallValuesAreWrittenAsTheyWereRead() throws {
        let status = try #require(FolderStatus(Array("0 (56 8 7 13 11)".utf8)))
        #expect(status.threadModSeq == ModSeq(56) && status.emailUnseen == 11 && status.value.text == "0 (56 8 7 13 11)")
        let ids = try #require(MessageIDRecord(value: Array("0 728a2f41050d5410,0e5aaacf3c532285 1795252788".utf8)))
        #expect(ids.conversations.count == 2 && ids.value.text == "0 728a2f41050d5410,0e5aaacf3c532285 1795252788")
        let quota = try #require(ConversationQuota(Array("1 %(E 49 S 9114)".utf8)))
        #expect(quota.emails == 49 && quota.storage == 9114 && quota.value.text == "1 %(E 49 S 9114)")
        for text in ["", "1 (1 2 3 4 5)", "0 (1 2 3 4)", "0 1 2 3", "0 (a b c d e)"] { #expect(FolderStatus(Array(text.utf8)) == nil) }
        for text in ["", "0 ", "0 12 5", "1 728a2f41050d5410 5", "0 728a2f41050d5410, 5"] {
            #expect(MessageIDRecord(value: Array(text.utf8)) == nil)
        }
    }

    @Test func aCopyRecordIs25Bytes() {
        let record = CopyRecord(cid: ConversationID(0x7f1d_4109_ef05_4e21), flags: [.seen, .expunged], internalDate: 1_795_248_474)
        let bytes = record.value
        #expect(
            bytes == [0x82, 0x7f, 0x1d, 0x41, 0x09, 0xef, 0x05, 0x4e, 0x21, 0, 0, 0, 16, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x6b, 1, 0x51, 0x5a])
        #expect(CopyRecord(bytes.span.bytes) == record)
        let empty: [UInt8] = []
        #expect(CopyRecord(empty.span.bytes).version == 0)
        let key = CopyRecord.key(GUID.none, folder: 12, uid: UID(7), part: Array("3.1".utf8))
        #expect(key.text == "G" + String(repeating: "0", count: 40) + ":12:7[3.1]")
        #expect(CopyRecord.folder(ofMessageKey: key.span.bytes) == nil)
        let whole = CopyRecord.key(GUID.none, folder: 12, uid: UID(7))
        #expect(CopyRecord.folder(ofMessageKey: whole.span.bytes) == 12)
    }

    @Test func aConversationIsNumberedByTheFirstMessagesContent() {
        let digits = Array("420bbbe2c6cd29e7b20a60ee57c34282679b2548".utf8)
        guard let guid = GUID(hex: digits.span.bytes) else {
            Issue.record("not a GUID")
            return
        }
        #expect(ConversationID(content: guid).description == "d3f86203cda422f5")
    }

    @Test(arguments: [
        ("Re: foo", "foo"), ("Foo[bar] baz", "Foobaz"), ("[a] [b] x", "x"), ("x [fwd]", "x"), ("AW: RE[2]: x", "x"), ("Fw:Fwd: y", "y"),
        ("re : z", "re:z"),
        ("http://foo bar", "//foobar"), ("[x]", ""), ("Re:", ""), ("a: b: c", "c"), ("tab\there", "tabhere"), ("nb\u{a0}sp", "nbsp"),
        ("quote\"x", "quote\"x"),
        ("(a) b", "(a)b"), ("[unclosed x", ""), ("a]b [c", "b"), ("Re: [list] Re: hi (fwd)", "hi(fwd)"), ("x-y: z", "z"), ("5: x", "x"),
        ("NIL", "NIL"),
        (": x", ":x"), ("[a[b]c] d", "d"), ("", ""), ("café B", "caféB"),
    ])
    func subjectsAreNormalisedAsCyrusDoes(_ subject: String, _ expected: String) {
        #expect(String(decoding: ConversationSubject.normalized(Array(subject.utf8)), as: UTF8.self) == expected)
    }

    @Test(
        arguments: [
            ("<k1>", []), ("<k2 @a>", []), ("<\"k3\"@a>", ["<k3@a>"]), ("<\"k 3b\"@a>", []), ("<k4(c)@a>", ["<k4(c)@a>"]), ("<k5@a@b>", []),
            ("<K6@A> <k6b@b>", ["<k6@a>", "<k6b@b>"]), ("k7@a", []), ("<k8@[1.2.3.4]>", ["<k8@[1.2.3.4]>"]),
            ("<k10@a>\r\n\t<k10b@b>,<k10c@c> junk <bad <k10d@d>", ["<k10@a>", "<k10b@b>", "<k10c@c>", "<k10d@d>"]), ("<@a>", []),
            ("<k12@>", []), ("<k13@a", []),
            ("<k15\\x@a>", []), ("<k16\tz@a>", []), ("<a @b> <k18b@a>", ["<k18b@a>"]),
            ("<k21/!#$%&'*+=?^_`{|}~-.:;,\"@a>", ["<k21/!#$%&'*+=?^_`{|}~-.:;,\"@a>"]),
            ("<<<", []), ("<\"", []), ("", []),
        ] as [(String, [String])])
    func messageIDsAreTakenAsCyrusDoes(_ header: String, _ expected: [String]) {
        #expect(ConversationIdentifiers.all(Array(header.utf8), atMost: 20).map { $0.span.bytes.text } == expected)
    }

    @Test func ofManyReferencesTheFirstTwentyCount() {
        let header = (0..<25).map { "<r\($0)@a>" }.joined(separator: " ")
        #expect(ConversationIdentifiers.all(Array(header.utf8), atMost: 20).count == 20)
    }

    @Test func aMessageIsReadFromItsCacheRecord() throws {
        let text =
            "From: =?utf-8?q?B=C3=B6b?= <bob@example.com>, z@y\r\nSubject: Re: \"quoted\"\r\nMessage-ID: <M@x>\r\nIn-Reply-To: text <i@x>\r\n"
            + "References: <a@x>\r\n <b@x>\r\nReferences: <not@x>\r\nX-ME-Message-ID: <me@x>\r\nMIME-Version: 1.0\r\n"
            + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
            + "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\ntwo\r\n--c\r\n\r\nthree\r\n--c--\r\n--b--\r\n"
        var cache: [UInt8] = []
        let bytes = Array(text.utf8)
        _ = Message.parse(bytes).appendCacheRecord(to: &cache)
        let source = ConversationSource(cache: try CacheView(cache.span.bytes))
        #expect(
            source.sender
                == EnvelopeAddress(
                    name: Array("=?utf-8?q?B=C3=B6b?=".utf8), route: nil, mailbox: Array("bob".utf8), domain: Array("example.com".utf8)))
        #expect(source.identifiers.map { $0.map { $0.span.bytes.text } } == [["<a@x>", "<b@x>"], [], ["<m@x>"], ["<me@x>"]])
        #expect(source.subject.text == "\"quoted\"")
        #expect(source.parts.map(\.path.text) == ["1", "2", "2.1", "2.2"])
    }

    @Test func noDamageOfACacheRecordIsATrap() throws {
        let bytes = Array(TemporaryStore.message.utf8)
        var cache: [UInt8] = []
        _ = Message.parse(bytes).appendCacheRecord(to: &cache)
        for place in 0..<cache.count {
            for value: UInt8 in [0, 0x22, 0x28, 0x7b, 0xff] {
                var damaged = cache
                damaged[place] = value
                if let view = try? CacheView(damaged.span.bytes) { _ = ConversationSource(cache: view) }
            }
        }
    }
}

extension [UInt8] {
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
