import Bytes
import Testing

@testable import Message

@Suite struct HeaderTests {
    private let header = Array("Subject: one\r\nX-A:  two\r\n\tthree \r\nnocolon\r\nsubject: four\r\n\r\nSubject: body\r\n".utf8)

    @Test func findsFieldsByName() {
        let first = HeaderFields.first("SUBJECT", in: header.span.bytes)
        let all = HeaderFields.all("subject", in: header.span.bytes)
        let folded = HeaderFields.first("x-a", in: header.span.bytes)
        let missing = HeaderFields.first("To", in: header.span.bytes)
        #expect(first?.text == "one")
        #expect(all.map(\.text) == ["one", "four"])
        #expect(folded?.text == "two\tthree")
        #expect(missing == nil)
    }

    @Test func subsetsKeepOrderAndFolding() {
        var out: [UInt8] = []
        HeaderFields.appendSubset(of: header.span.bytes, names: [Array("x-a".utf8), Array("SUBJECT".utf8)], to: &out)
        #expect(out.text == "Subject: one\r\nX-A:  two\r\n\tthree \r\nsubject: four\r\n\r\n")
        out.removeAll()
        HeaderFields.appendSubset(of: header.span.bytes, names: [Array("subject".utf8)], excluding: true, to: &out)
        #expect(out.text == "X-A:  two\r\n\tthree \r\nnocolon\r\n\r\n")
    }

    @Test(
        arguments: [
            ("Subject", 11, false), ("x-mailer", 0, false), ("X-Mailer", 1, true), ("REFERENCES", 0, true), ("Reply-To", 6, false),
            ("reply-to", 7, true), ("List-Id", 0, false), ("List-Id", 1, true),
            ("X-Other", 11, false), ("X-Cyrus-Session-Id", 4, true), ("message-id", 11, false),
            ("This-Name-Has-Thirty-One-Letters", 11, false), ("This-Name-Has-Thirty-One-Letter", 11, true),
        ] as [(String, UInt32, Bool)])
    func knowsWhatIsCached(name: String, version: UInt32, expected: Bool) {
        let isCached = CachedHeaders.isCached(Array(name.utf8).span.bytes, version: version)
        #expect(isCached == expected)
    }

    @Test(arguments: [
        ("Re: a", "A", true), ("re[2]: FWD:  a  b", "A B", true), ("[list] a", "A", false), ("[list] Re: [x] a (fwd)", "A", true),
        ("[Fwd: a]", "A", true), ("[a]", "[A]", false),
        ("Re", "RE", false), ("", "", false), ("Re: ", "", true), ("a\tb", "A B", false), ("[unclosed a", "[UNCLOSED A", false),
        ("Fw: [b] Re[c]: d", "D", true), ("Reply: a", "REPLY: A", false),
    ])
    func baseSubjects(subject: String, expected: String, isReply: Bool) {
        let base = BaseSubject(Array(subject.utf8).span.bytes)
        #expect(base.text.text == expected)
        #expect(base.isReply == isReply)
    }

    @Test(
        arguments: [
            ("<a@b>", ["<a@b>"]), ("x <a@b> y <c@d>", ["<a@b>", "<c@d>"]), ("<a @b\r\n >", ["<a@b>"]), ("<ab>", []), ("<a@b", []),
            ("<x <a@b>", ["<a@b>"]), ("<\"a>b\"@c>", ["<\"a>b\"@c>"]), ("", []), ("<@>", []),
        ] as [(String, [String])])
    func messageIDs(value: String, expected: [String]) {
        let found = MessageIDs.all(Array(value.utf8).span.bytes).map(\.text)
        #expect(found == expected)
    }

    @Test func bareLineFeedsBecomeCRLF() {
        let text = Array("a\nb\r\nc\r".utf8)
        for step in 1...text.count {
            var out: [UInt8] = []
            var lastWasCR = false
            var at = 0
            while at < text.count {
                let count = min(step, text.count - at)
                MessageIntake.appendWithCRLF(text.span.bytes.slice(at, count), lastWasCR: &lastWasCR, to: &out)
                at += count
            }
            #expect(out.text == "a\r\nb\r\nc\r", "pieces of \(step)")
        }
    }

    @Test(
        arguments: [
            ("a: b\r\n\r\nc", nil), ("a: b\r\n", nil), ("a: b", .invalidHeader), ("a b: c\r\n\r\n", .invalidHeader),
            (": c\r\n\r\n", .invalidHeader), ("From x\r\n\r\n", nil), ("a: b\n\r\n", .bareNewlines),
            ("a: b\r\n\r\n\u{0}", .containsNUL), ("a: b\r\n\r\nx\n\u{0}", .bareNewlines), ("a: \u{e9}\r\n\r\n", .eightBitHeader),
            ("a: b\r\n\r\n\u{e9}", nil), ("a: \u{0}\u{e9}\r\n", .containsNUL),
        ] as [(String, MessageIntake.Refusal?)])
    func intakeRules(message: String, expected: MessageIntake.Refusal?) {
        var found: MessageIntake.Refusal?
        do { try MessageIntake.check(HostileMessages.bytes(message).span.bytes, eightBit: .reject) } catch { found = error }
        #expect(found == expected)
    }

    @Test func binaryAppendMayHoldNULs() {
        var found: MessageIntake.Refusal?
        do { try MessageIntake.check(HostileMessages.bytes("a: b\r\n\r\nx\u{0}\ny").span.bytes, isBinary: true) } catch { found = error }
        #expect(found == nil)
    }
}
