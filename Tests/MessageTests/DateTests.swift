import Bytes
import Testing

@testable import Message

@Suite struct DateTests {
    @Test(
        arguments: [
            ("Tue, 3 Mar 2020 23:30:00 -0500", 1_583_296_200), ("3 Mar 20 23:30 GMT", 1_583_278_200),
            ("3-Mar-2020 10.20.30 +0000", 1_583_230_830),
            ("3 Mar 2020 10:20:30 PDT", 1_583_256_030), ("3 Mar 2020 10:20:30 (c)", 1_583_230_830),
            ("3 Mar 2020 10:20:30 a", 1_583_112_030),
            ("32 Mar 2020 25:61:61 +0000", 1_585_792_921), ("3 Mar 2020", nil), ("3 March 2020 1:2:3", nil), ("", nil),
            ("3 Mar 1969 1:1:1", nil), ("Tue 3 Mar 2020 1:1:1", nil),
        ] as [(String, Int64?)])
    func readsDatesAsCyrus(text: String, expected: Int64?) {
        let time = MessageDate.parse(Array(text.utf8).span.bytes)
        #expect(time == expected)
    }

    @Test func aDayIsMidnightOfTheServersZone() {
        let text = Array("3 Mar 2020 junk".utf8)
        let utc = MessageDate.parseDay(text.span.bytes, zone: .fixed(0))
        let east = MessageDate.parseDay(text.span.bytes, zone: .fixed(7200))
        #expect(utc == 1_583_193_600)
        #expect(east == 1_583_186_400)
        #expect(ServerTimeZone.fixed(3600).startOfDay(1_583_193_600 + 82_800) == 1_583_193_600 + 82_800)
    }

    @Test(
        arguments: [
            (0, 0, "Thu, 01 Jan 1970 00:00:00 +0000", " 1-Jan-1970 00:00:00 +0000"),
            (1_583_296_200, -18_000, "Tue, 03 Mar 2020 23:30:00 -0500", " 3-Mar-2020 23:30:00 -0500"),
            (951_826_599, 5400, "Tue, 29 Feb 2000 13:46:39 +0130", "29-Feb-2000 13:46:39 +0130"),
            (-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000", "31-Dec-1969 23:59:59 +0000"),
            (4_107_542_399, 0, "Sun, 28 Feb 2100 23:59:59 +0000", "28-Feb-2100 23:59:59 +0000"),
        ] as [(Int64, Int, String, String)])
    func printsDates(time: Int64, offset: Int, mail: String, imap: String) {
        var out: [UInt8] = []
        MessageDate.appendRFC5322(time, zone: .fixed(offset), to: &out)
        #expect(out.text == mail)
        out.removeAll()
        MessageDate.appendInternalDate(time, zone: .fixed(offset), to: &out)
        #expect(out.text == imap)
        let back = MessageDate.parseInternalDate(out.span.bytes)
        #expect(back == time)
    }

    @Test(arguments: [
        "", "1-Jan-1970", "32-Jan-1970 00:00:00 +0000", "29-Feb-2021 00:00:00 +0000", "1-Jan-1970 24:00:00 +0000",
        "1-Jan-1970 00:00:00 0000", "1-Jan-1970 00:00:00 +0000x", "1-Foo-1970 00:00:00 +0000",
    ])
    func refusesOtherInternalDates(text: String) {
        let time = MessageDate.parseInternalDate(Array(text.utf8).span.bytes)
        #expect(time == nil)
    }
}
