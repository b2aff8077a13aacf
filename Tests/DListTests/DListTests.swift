import Bytes
import DList
import Testing

struct DListTests {
    static let printed: [(DList, String)] = [
        (.null, "NIL"),
        (.string(""), "\"\""),
        (.string("user\u{1f}alice"), "user\u{1f}alice"),
        (.string("NIL"), "\"NIL\""),
        (.string("nil"), "\"nil\""),
        (.string("two words"), "\"two words\""),
        (.string("anyone\tlrs\t"), "\"anyone\tlrs\t\""),
        (.string("\\Drafts"), "{7+}\r\n\\Drafts"),
        (.string("50%"), "{3+}\r\n50%"),
        (.string("say \"hi\""), "{8+}\r\nsay \"hi\""),
        (.string("a\r\nb"), "{4+}\r\na\r\nb"),
        (.string("Grüße"), "{7+}\r\nGrüße"),
        (.flag(Array("\\Seen".utf8)), "\\Seen"),
        (.number(0 as UInt64), "0"),
        (.number(UInt64.max), "18446744073709551615"),
        (.hex64(0xabc), "0000000000000abc"),
        (.list([]), "()"),
        (.list([.string("a"), .list([.null]), .string("b")]), "(a (NIL) b)"),
        (.keyed([]), "%()"),
        (
            .keyed([.init("S", .list([.number(1299 as UInt64), .number(10000 as UInt64)])), .init("MODSEQ", .number(18 as UInt64))]),
            "%(S (1299 10000) MODSEQ 18)"
        ),
    ]

    @Test(arguments: printed)
    func `prints as Cyrus does, and reads its own print back`(_ value: DList, _ text: String) throws {
        var out: [UInt8] = []
        out.append(value)
        #expect(out.text == text)
        #expect(try DList(parsing: out) == value)
    }
}
