import Configuration
import Testing

/// Any bytes at all end in a value or an error, never in a trap.
@Suite struct HostileFilesTests {
    /// A generator that gives the same sequence in each run.
    struct Sequence64: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    static let pieces: [String] = [
        "timeout", "partition-a", "@include", ":", ": ", "\n", "\\", "\\\n", "#", "{", "}", "{configdirectory}", "\"", "=", " ", "\t", "\0",
        "\u{ff}", "é", "9999999999999999999999", "-", "--1", "0x", "1d", "5h3", "START {\n", "SERVICES {\n", "EVENTS {\n", "DAEMON {\n",
        "a",
        "cmd=", "cmd=\"x y\"", "listen=", "listen=1", "prefork=-99999999999999999999", "at=", "at=2460", "at=éé", "cron=\"*/0 * * * *\"",
        "cron=\"1-2,3/4 * * * 7\"", "period=9223372036854775807", "wait=y", "sieve_extensions: =", "event_groups: a=b", "/", "//x/../",
        "off",
    ]

    @Test func randomTextsAreReadOrRefused() {
        var random = Sequence64(state: 42)
        var (read, refused) = (0, 0)
        for _ in 0..<4000 {
            let text = (0..<Int.random(in: 0..<24, using: &random)).map { _ in Self.pieces.randomElement(using: &random) ?? "" }.joined()
            let bytes: [UInt8] =
                Bool.random(using: &random)
                ? Array(text.utf8)
                : text.utf8.map { Int.random(in: 0..<20, using: &random) == 0 ? UInt8.random(in: 0...255, using: &random) : $0 }
            do throws(ConfigurationError) {
                _ = try Configuration.parse(path: "f", ident: "a") { (path) throws(ConfigurationError) in
                    path == "f" ? bytes + Array("\nconfigdirectory: /x\n".utf8) : bytes
                }
                read += 1
            } catch { refused += 1 }
            do throws(ConfigurationError) {
                _ = try MasterConfiguration.parse(bytes, file: "f")
                read += 1
            } catch { refused += 1 }
        }
        #expect(read > 100)
        #expect(refused > 100)
    }

    @Test func longLinesAndDeepIncludesAreFine() throws {
        let long = String(repeating: "x", count: 1_000_000)
        #expect(try configuration("admins: \(long)")[.admins] == long)
        let files = Dictionary(uniqueKeysWithValues: (0..<200).map { ("/\($0)", $0 == 199 ? "timeout: 45" : "@include: /\($0 + 1)") })
        #expect(try configuration("@include: /0", files: files)[.timeout] == 45 * 60)
        _ = try masterConfiguration("START {\n a cmd=\"\(long)\"\n}")
    }
}
