import Bytes
import Foundation

/// Messages that try every corner of the parser; the same ones at each run.
enum HostileMessages {
    struct Sample: Sendable {
        let name: String
        let bytes: [UInt8]
    }

    /// All of them: the tables of headers and bodies, and `random` assembled ones (environment HOSTILE_MESSAGES: more of them).
    static func all(random: Int = ProcessInfo.processInfo.environment["HOSTILE_MESSAGES"].flatMap { Int($0) } ?? 260) -> [Sample] {
        var out: [Sample] = []
        for (i, header) in headers.enumerated() {
            out.append(Sample(name: "header \(i)", bytes: bytes(header) + bytes("\r\n\r\nbody\r\n")))
        }
        for (i, message) in messages.enumerated() { out.append(Sample(name: "message \(i)", bytes: bytes(message))) }
        for (i, word) in words.enumerated() {
            out.append(Sample(name: "word \(i)", bytes: bytes("Subject: \(word)\r\nFrom: \(word) <a@b>\r\n\r\nbody\r\n")))
        }
        for label in labels {
            let header =
                "Subject: =?\(label)?q?a=80=A4=C1=E9=FF?= =?\(label)?b?w6k?=\r\nContent-Type: text/plain; charset=\(label)\r\n\r\nbody\r\n"
            out.append(Sample(name: "label \(label)", bytes: bytes(header)))
        }
        out += generated
        for i in 0..<random {
            var generator = SplitMix(state: UInt64(i) &* 0x9e37_79b9 &+ 17)
            out.append(Sample(name: "random \(i)", bytes: bytes(RandomMessage.make(&generator))))
        }
        let tables = headers.map { bytes($0) + bytes("\r\n\r\nbody\r\n") } + messages.map { bytes($0) }
        for i in 0..<random {
            var generator = SplitMix(state: UInt64(i) &* 0x1000_0001 &+ 5)
            out.append(Sample(name: "mutated \(i)", bytes: mutated(tables[Int(generator.next() % UInt64(tables.count))], &generator)))
        }
        return out
    }

    /// A few bytes taken out, put in, doubled or exchanged; line ends stay CRLF so that the message is not refused for them.
    static func mutated(_ sample: [UInt8], _ generator: inout SplitMix) -> [UInt8] {
        var out = sample
        for _ in 0...(generator.next() % 6) {
            let at = out.isEmpty ? 0 : Int(generator.next() % UInt64(out.count))
            switch generator.next() % 5 {
            case 0: out.insert(alphabet[Int(generator.next() % UInt64(alphabet.count))], at: at)
            case 1 where !out.isEmpty: out.remove(at: at)
            case 2 where !out.isEmpty: out[at] = alphabet[Int(generator.next() % UInt64(alphabet.count))]
            case 3 where !out.isEmpty:
                let end = min(out.count, at + Int(generator.next() % 12))
                out.insert(contentsOf: out[at..<end], at: Int(generator.next() % UInt64(out.count)))
            default: out.insert(contentsOf: [13, 10, 32], at: at)
            }
        }
        var clean: [UInt8] = []
        // Cyrus looks 8-bit bytes of a date up outside of its tables: what comes of that is no rule.
        let isDate = sample.starts(with: "Date".utf8)
        for byte in out where byte != 0 && !(isDate && byte >= 0x80) {
            if byte == 10, clean.last != 13 { clean.append(13) }
            clean.append(byte)
        }
        return clean
    }

    private static let alphabet = [UInt8]("()<>@,;:\\\"/[]?=.%*' \t\r_-+{}|&#~!0aZ".utf8) + [0xe9, 0xc3, 0x80, 0xff, 0x01, 0x7f, 0x0b]

    /// Scalars up to U+00FF stand for one byte each, so that tables can write 8-bit bytes as `\u{e9}`.
    static func bytes(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }

    private static var generated: [Sample] {
        var out: [Sample] = []
        func add(_ name: String, _ text: String) { out.append(Sample(name: name, bytes: bytes(text))) }
        func nested(_ depth: Int, closed: Bool) -> String {
            var text = ""
            for i in 0..<depth { text += "Content-Type: multipart/mixed; boundary=b\(i)x\r\n\r\npre\(i)\r\n--b\(i)x\r\n" }
            text += "\r\ndeepest\r\n"
            if closed { for i in (0..<depth).reversed() { text += "--b\(i)x--\r\nepi\(i)\r\n" } }
            return text
        }
        add("nested 3", nested(3, closed: true))
        add("nested 100", nested(100, closed: true))
        add("nested 100 open", nested(100, closed: false))
        add(
            "messages in messages",
            String(repeating: "Subject: in\r\nContent-Type: message/rfc822\r\n\r\n", count: 60) + "Subject: end\r\n\r\nx\r\n")
        add("many header lines", (0..<1200).map { "X-Ref: \($0)\r\n" }.joined() + "Subject: late\r\n\r\nx\r\n")
        add("folded beyond the line limit", "Subject: a" + String(repeating: "\r\n b", count: 1100) + "\r\nFrom: late@x\r\n\r\nx\r\n")
        add(
            "line limit edge",
            (0..<999).map { "X-Ref: \($0)\r\n" }.joined() + "Subject: 999\r\nFrom: a@b\r\nTo: c@d\r\nCc: e@f\r\n\r\nx\r\n")
        add("long subject", "Subject: " + String(repeating: "word ", count: 300) + "\r\n\r\nx\r\n")
        add("long name", String(repeating: "n", count: 5000) + ": v\r\n\r\nx\r\n")
        add("long name that fits", String(repeating: "n", count: 4000) + ": v\r\n\r\nx\r\n")
        add("huge parameter", "Content-Type: text/plain; x=\"" + String(repeating: "p", count: 9000) + "\"; y=1\r\n\r\nx\r\n")
        add("many parameters", "Content-Type: text/plain" + (0..<300).map { "; p\($0)=v" }.joined() + "\r\n\r\nx\r\n")
        add("many sections", "Content-Type: text/plain" + (0..<120).map { "; p*\($0)=v\($0)" }.joined() + "\r\n\r\nx\r\n")
        add(
            "many parts",
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + String(repeating: "--b\r\n\r\nx\r\n", count: 500) + "--b--\r\n")
        add("empty parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + String(repeating: "--b\r\n", count: 50) + "--b--\r\n")
        add("many addresses", "To: " + (0..<400).map { "n\($0) <a\($0)@b>" }.joined(separator: ",\r\n ") + "\r\n\r\nx\r\n")
        add("long line", "Subject: x\r\n\r\n" + String(repeating: "y", count: 200_000))
        add(
            "every byte but NUL",
            "Subject: x\r\n\r\n" + String(String.UnicodeScalarView((1...255).compactMap { $0 == 10 ? nil : Unicode.Scalar($0) })))
        add(
            "base64 long",
            "Content-Transfer-Encoding: base64\r\n\r\n" + String(repeating: "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\r\n", count: 3000))
        add("qp long", "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + String(repeating: "a=C3=A9 =\r\nb  \r\n=", count: 4000))
        return out
    }
}

/// Sebastiano Vigna's splitmix64: small, and the same everywhere.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
