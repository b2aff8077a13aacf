import Bytes
import Message
import Testing

@testable import Delivery

@Suite struct DecoderTests {
    static let cases: [(wire: String, content: String, left: String)] = [
        (".\r\n", "", ""), ("a\r\n.\r\nNOOP\r\n", "a\r\n", "NOOP\r\n"), ("a\n.\n", "a\r\n", ""),
        ("..a\r\n...\r\n.\r\n", ".a\r\n..\r\n", ""), ("a.\r\n.b\r\n.\r\n", "a.\r\nb\r\n", ""),
        ("a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", ""), ("a\nb\r\n\n.\r\n", "a\r\nb\r\n\r\n", ""),
        ("a: b\rc\r\n\r\nd\re\r\r\nf\n.\n", "a: b\rc\r\n\r\nde\r\nf\r\n", ""),
    ]

    /// In every way of cutting the bytes in two, and byte by byte, the same comes out.
    @Test(arguments: cases.indices)
    func contentIsDecodedHoweverItIsCut(number: Int) {
        let wire = Array(Self.cases[number].wire.utf8)
        for cut in 0...wire.count { check([cut, wire.count], wire, number) }
        check(Array(1...wire.count), wire, number)
    }

    private func check(_ cuts: [Int], _ wire: [UInt8], _ number: Int) {
        var decoder = MessageDecoder()
        var taken = 0
        for end in cuts { taken += decoder.feed(wire.span.bytes.slice(taken, end - taken)) }
        let isComplete = decoder.isComplete
        let content = decoder.takeOutput().text
        #expect(isComplete)
        #expect(content == Self.cases[number].content)
        #expect(wire[taken...].elementsEqual(Self.cases[number].left.utf8))
    }

    @Test func nulIsNoticed() {
        var decoder = MessageDecoder()
        let bytes: [UInt8] = [0x61, 0, 0x0a]
        _ = decoder.feed(bytes.span.bytes)
        let containsNUL = decoder.containsNUL
        #expect(containsNUL)
    }
}

@Suite struct HeaderTests {
    static let trace = DeliveredHeader.Trace(
        returnPath: Array("<s@x>".utf8), helloName: Array("client".utf8), clientHost: "[192.0.2.1]", serverName: "server", version: "1",
        tls: nil, sessionID: "sid", time: 0)

    static func header(_ text: String, tls: String? = nil) throws(DeliveredHeader.Refusal) -> DeliveredHeader {
        var trace = trace
        trace.tls = tls
        let bytes = Array(text.utf8)
        return try DeliveredHeader(bytes.span.bytes, trace: trace, eightBit: .munge) { "made@server" }
    }

    @Test func fieldsArePutInFrontAndBehind() throws {
        let header = try Self.header("Return-Path: <o>\r\nSubject: x\r\n\r\nbody")
        let text = header.bytes.text
        #expect(
            text.hasPrefix(
                "Return-Path: <s@x>\r\nReceived: from client ([192.0.2.1])\r\n\t by server (Cyrus 1) with LMTPA;\r\n\t Thu, 01 Jan 1970 "))
        #expect(
            text.contains(
                "\r\nX-Cyrus-Session-Id: sid\r\nX-Sieve: CMU Sieve 3.0\r\nSubject: x\r\nMessage-ID: <made@server>\r\nDate: Thu, 01 Jan 1970 "
            ))
        #expect(text.hasSuffix("\r\n\r\n"))
        #expect(header.messageID.text == "<made@server>")
        #expect(header.consumed == "Return-Path: <o>\r\nSubject: x\r\n\r\n".utf8.count)
    }

    @Test func tlsIsTold() throws {
        #expect(
            try Self.header("A: b\r\n\r\n", tls: "version=TLSv1.3 cipher=X").bytes.text.contains(
                "with LMTPSA\r\n\t (version=TLSv1.3 cipher=X);\r\n\t Thu,"))
    }

    @Test func ownIDAndDateStay() throws {
        let header = try Self.header("MESSAGE-ID: <a@b>\r\nDate:\r\n Sat, 21 Nov 2026\r\n 08:00\r\n\r\n")
        #expect(header.messageID.text == "<a@b>")
        #expect(header.date.text == "Sat, 21 Nov 2026 08:00")
        #expect(!header.bytes.text.contains("made@server"))
    }

    @Test(arguments: ["x\r\n\r\n", " x: y\r\n\r\n", ":x\r\n\r\n", "a b: c\r\n\r\n", "Message-ID:\r\n\r\n", "a\u{1}: b\r\n\r\n"])
    func wrongHeadersAreRefused(text: String) {
        #expect(throws: DeliveredHeader.Refusal.invalidHeader) { try Self.header(text) }
    }

    @Test func headersEndAtTheBlankLine() {
        for (text, end) in [("a: b\r\n\r\nx", 8), ("\r\nx", 2), ("a: b\r\n", nil), ("a: b\r\n\r", nil), ("", nil)] as [(String, Int?)] {
            let bytes = Array(text.utf8)
            let found = DeliveredHeader.end(bytes.span.bytes, from: 0)
            #expect(found == end)
        }
    }
}
