import Bytes
import Testing

@Suite struct BytesTests {
    @Test(
        arguments: [
            ("", 0), ("a", 0xe8b7_be43), ("123456789", 0xcbf4_3926),
        ] as [(String, UInt32)])
    func crcIsZlibs(text: String, expected: UInt32) {
        #expect(CRC32.of([UInt8](text.utf8)) == expected)
    }

    @Test func guidOfAMessageIsItsSHA1() {
        let guid = GUID(of: [UInt8]("abc".utf8).span.bytes)
        #expect(guid.description == "a9993e364706816aba3e25717850c26c9cd0d89d")
        let parsed = GUID(hex: [UInt8](guid.description.utf8).span.bytes)
        let refused = GUID(hex: [UInt8]("a9".utf8).span.bytes)
        #expect(parsed == guid)
        #expect(refused == nil)
    }

    @Test(arguments: [0, 7, 10, 99, 4_294_967_295, UInt64.max] as [UInt64])
    func numbersRoundTripInDecimalAndHex(value: UInt64) {
        var out: [UInt8] = []
        out.append(decimal: value)
        #expect(out.text == String(value))
        let decimal = out.span.bytes.decimal
        #expect(decimal == value)
        out.removeAll()
        out.append(hex: value, width: 16)
        #expect(out.count == 16)
        let hexadecimal = out.span.bytes.hexadecimal
        #expect(hexadecimal == value)
    }

    @Test func decimalRefusesWhatIsNotANumber() {
        for text in ["", "-1", "1a", "18446744073709551616", " 1"] {
            let number = [UInt8](text.utf8).span.bytes.decimal
            #expect(number == nil)
        }
    }

    @Test func wordsAreBigEndian() {
        var out: [UInt8] = []
        out.append(bigEndian: UInt32(0x0102_0304))
        out.append(bigEndian: UInt64(5))
        #expect(out == [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 5])
        let first = out.span.bytes.bigEndian32(at: 0)
        let second = out.span.bytes.bigEndian64(at: 4)
        let beyond = out.span.bytes.holds(9, at: 4) || out.span.bytes.holds(1, at: Int.max)
        #expect(first == 0x0102_0304)
        #expect(second == 5)
        #expect(!beyond)
    }

    @Test(arguments: [("a", "b", -1), ("a", "a", 0), ("a", "aa", -1), ("\u{80}", "a", 1), ("", "", 0)])
    func orderIsBytewiseThenByLength(a: String, b: String, expected: Int) {
        let order = [UInt8](a.utf8).span.bytes.compare([UInt8](b.utf8).span.bytes)
        #expect(order.signum() == expected)
    }
}
