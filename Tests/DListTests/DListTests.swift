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

struct DListReadingTests {
    static let read: [(String, DList)] = [
        ("nil", .null),
        ("  a  ", .string("a")),
        ("( a   b )", .list([.string("a"), .string("b")])),
        ("%( K  v )", .keyed([.init("K", .string("v"))])),
        ("\"q \\\" \\\\ z\"", .string("q \" \\ z")),
        ("{3}\r\na\r\n", .string("a\r\n")),
        ("{3+}\na\r\n", .string("a\r\n")),
        ("{0}\r\n", .string("")),
        ("(\\Seen \\Flagged $X)", .list([.flag(Array("\\Seen".utf8)), .flag(Array("\\Flagged".utf8)), .string("$X")])),
        ("NILS", .string("NILS")),
        ("(a(b)c)", .list([.string("a"), .list([.string("b")]), .string("c")])),
        (
            "%(A %(B (1 2)) C \"\")",
            .keyed([.init("A", .keyed([.init("B", .list([.string("1"), .string("2")]))])), .init("C", .string(""))])
        ),
        (
            "%{default 0123456789abcdef0123456789abcdef01234567 5}\r\nhello",
            .file(
                .init(
                    partition: Array("default".utf8),
                    guid: GUID(hex: Array("0123456789abcdef0123456789abcdef01234567".utf8).span.bytes) ?? .none,
                    size: 5, content: Array("hello".utf8)))
        ),
    ]

    @Test(arguments: read)
    func `reads what peers may write`(_ text: String, _ value: DList) throws {
        #expect(try DList(parsing: Array(text.utf8)) == value)
    }

    static let refused: [(String, DListError.Reason)] = [
        ("", .truncated), ("(", .truncated), ("(a", .truncated), (")", .unexpected), ("%", .truncated), ("%x", .unexpected),
        ("%(A)", .unexpected),
        ("\"a", .truncated), ("\"a\nb\"", .badQuoted), ("{5}\r\nab", .truncated), ("{x}\r\nab", .badLiteral), ("{1}ab", .badLiteral),
        ("{99999999999999999999}\r\n", .badLiteral), ("{9999999999}\r\n", .tooLarge), ("a b", .trailing), ("%{a b c}\r\n", .badFile),
        ("%{p 0123456789abcdef0123456789abcdef01234567 9}\r\nhello", .truncated),
        (String(repeating: "(", count: 100) + String(repeating: ")", count: 100), .tooDeep),
    ]

    @Test(arguments: refused)
    func `refuses what is none`(_ text: String, _ reason: DListError.Reason) {
        #expect { try DList(parsing: Array(text.utf8)) } throws: { ($0 as? DListError)?.reason == reason }
    }

    @Test
    func `numbers that do not fit are none`() throws {
        #expect(DList.string("18446744073709551616").number == nil)
        #expect(DList.string("4294967296").number32 == nil)
        #expect(DList.string("-5").date == -5)
        #expect(DList.string("000000000000001f").hex64 == 31)
        #expect(DList.string("x").guid == nil)
    }

    @Test
    func `a cursor reads a record in place`() throws {
        let record = Array("%(T e N user\u{1f}alice V 1795248042 A %(anyone lrs alice lrswipkxtecda) H (%(N old)))".utf8)
        var reader = DListReader(record.span.bytes)
        try reader.enterKeyed()
        var name: [UInt8] = []
        var validity: UInt32 = 0
        var rights: [String] = []
        while let key = try reader.nextKey() {
            switch key.text {
            case "N": name = try reader.string()
            case "V": validity = try reader.number32()
            case "A":
                try reader.enterKeyed()
                while let user = try reader.nextKey() { rights.append(user.text + "=" + (try reader.text()).text) }
            default: try reader.skip()
            }
        }
        let isAtEnd = reader.isAtEnd
        #expect(isAtEnd)
        #expect(name == Array("user\u{1f}alice".utf8))
        #expect(validity == 1_795_248_042)
        #expect(rights == ["anyone=lrs", "alice=lrswipkxtecda"])
    }

    @Test(arguments: read.map(\.0) + DListTests.printed.map(\.1))
    func `a framer finds the end wherever the bytes are cut`(_ text: String) throws {
        let value = Array(text.utf8.drop { $0 == 0x20 })
        let all = value + Array("\r\nnext".utf8)
        for cut in 0...value.count {
            var framer = DListFramer()
            var collected: [UInt8] = []
            var done = false
            for piece in [Array(all[..<cut]), Array(all[cut...])] where !done {
                var offset = 0
                while !done {
                    let start = offset
                    let step = try framer.take(piece.span.bytes, from: &offset)
                    collected += piece[start..<offset]
                    switch step {
                    case .incomplete: break
                    case .complete: done = true
                    case .file: done = true
                    }
                    if step == .incomplete { break }
                }
            }
            #expect(done, "cut at \(cut)")
            let isFile = text.hasPrefix("%{")
            #expect(
                try DList(parsing: collected.span.bytes, filesAreElsewhere: isFile) == (isFile ? fileHeader(text) : DList(parsing: value)))
        }
    }

    private func fileHeader(_ text: String) throws -> DList {
        guard case .file(var file) = try DList(parsing: Array(text.utf8)) else { return .null }
        file.content = []
        return .file(file)
    }

    @Test
    func `no bytes make it trap or loop`() {
        var state: UInt64 = 42
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        let alphabet = Array("()%{}\"\\ \r\nNILa09+".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int(next() % 24)).map { _ in alphabet[Int(next() % UInt64(alphabet.count))] }
            let tree = try? DList(parsing: bytes)
            if let tree {
                var out: [UInt8] = []
                out.append(tree)
                #expect((try? DList(parsing: out)) == tree)
            }
            var framer = DListFramer()
            var offset = 0
            _ = try? framer.take(bytes.span.bytes, from: &offset)
            #expect(offset <= bytes.count)
        }
    }
}
