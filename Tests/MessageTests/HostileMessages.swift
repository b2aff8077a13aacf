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
        for (i, header) in headers.enumerated() { out.append(Sample(name: "header \(i)", bytes: bytes(header) + bytes("\r\n\r\nbody\r\n"))) }
        for (i, message) in messages.enumerated() { out.append(Sample(name: "message \(i)", bytes: bytes(message))) }
        out += generated
        for i in 0..<random {
            var generator = SplitMix(state: UInt64(i) &* 0x9e37_79b9 &+ 17)
            out.append(Sample(name: "random \(i)", bytes: bytes(RandomMessage.make(&generator))))
        }
        return out
    }

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
        add("messages in messages", String(repeating: "Subject: in\r\nContent-Type: message/rfc822\r\n\r\n", count: 60) + "Subject: end\r\n\r\nx\r\n")
        add("many header lines", (0..<1200).map { "X-Ref: \($0)\r\n" }.joined() + "Subject: late\r\n\r\nx\r\n")
        add("folded beyond the line limit", "Subject: a" + String(repeating: "\r\n b", count: 1100) + "\r\nFrom: late@x\r\n\r\nx\r\n")
        add("line limit edge", (0..<999).map { "X-Ref: \($0)\r\n" }.joined() + "Subject: 999\r\nFrom: a@b\r\nTo: c@d\r\nCc: e@f\r\n\r\nx\r\n")
        add("long subject", "Subject: " + String(repeating: "word ", count: 300) + "\r\n\r\nx\r\n")
        add("long name", String(repeating: "n", count: 5000) + ": v\r\n\r\nx\r\n")
        add("long name that fits", String(repeating: "n", count: 4000) + ": v\r\n\r\nx\r\n")
        add("huge parameter", "Content-Type: text/plain; x=\"" + String(repeating: "p", count: 9000) + "\"; y=1\r\n\r\nx\r\n")
        add("many parameters", "Content-Type: text/plain" + (0..<300).map { "; p\($0)=v" }.joined() + "\r\n\r\nx\r\n")
        add("many sections", "Content-Type: text/plain" + (0..<120).map { "; p*\($0)=v\($0)" }.joined() + "\r\n\r\nx\r\n")
        add("many parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + String(repeating: "--b\r\n\r\nx\r\n", count: 500) + "--b--\r\n")
        add("empty parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + String(repeating: "--b\r\n", count: 50) + "--b--\r\n")
        add("many addresses", "To: " + (0..<400).map { "n\($0) <a\($0)@b>" }.joined(separator: ",\r\n ") + "\r\n\r\nx\r\n")
        add("long line", "Subject: x\r\n\r\n" + String(repeating: "y", count: 200_000))
        add("every byte but NUL", "Subject: x\r\n\r\n" + String(String.UnicodeScalarView((1...255).compactMap { $0 == 10 ? nil : Unicode.Scalar($0) })))
        add("base64 long", "Content-Transfer-Encoding: base64\r\n\r\n" + String(repeating: "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\r\n", count: 3000))
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
