import DebianCyrus
import Foundation
import Testing

/// Messages much larger than the memory that a process may have are taken in: they go to the stage while they come.
@Suite(.enabled(if: DebianCyrus.isInstalled)) struct LargeMessageTests {
    static let size = 100 << 20
    /// Bytes of data (RLIMIT_DATA: heap and private maps) that the process is allowed.
    static let memory = 32 << 20

    private static let line = String(repeating: "0123456789abcde", count: 5) + "\r\n"
    private static func body(_ size: Int) -> Data {
        let piece = Data(String(repeating: line, count: 1024).utf8)
        var all = Data(capacity: size + piece.count)
        while all.count < size { all.append(piece) }
        return all
    }

    /// Our program with standard input and output for a connection, within the limit. Its output, when it has ended.
    private static func talk(_ program: String, _ cyrus: DebianCyrus, _ input: [Data]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/prlimit")
        process.arguments = ["--data=\(memory)", OurPrograms.path(program), "-C", cyrus.configuration, "-X"]
        let (toProcess, fromProcess) = (Pipe(), Pipe())
        process.standardInput = toProcess
        process.standardOutput = fromProcess
        try process.run()
        let writing = toProcess.fileHandleForWriting
        // Whoever ends early is found out by what it did not say.
        signal(SIGPIPE, SIG_IGN)
        let thread = Thread {
            for part in input { if (try? writing.write(contentsOf: part)) == nil { break } }
            try? writing.close()
        }
        thread.start()
        let output = fromProcess.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }

    private static func instance() throws -> DebianCyrus { try DebianCyrus(users: ["alice"]) }

    @Test(arguments: [
        "From: a@b\r\nSubject: large\r\n\r\n", "From: \u{e4}@b\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\n",
    ])
    func anAppendIsNotHeldInMemory(header: String) throws {
        let cyrus = try Self.instance()
        defer { cyrus.stop() }
        let message = Data(header.utf8) + Self.body(Self.size)
        let said = try Self.talk(
            "imapd", cyrus,
            [
                Data("1 LOGIN alice secret\r\n2 APPEND INBOX {\(message.count)+}\r\n".utf8), message,
                Data("\r\n3 EXAMINE INBOX\r\n4 FETCH 1 (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM)])\r\n5 LOGOUT\r\n".utf8),
            ])
        #expect(said.contains("\r\n2 OK [APPENDUID"), "\(said.suffix(500))")
        #expect(said.contains("RFC822.SIZE \(message.count)"))
        // Debian's reads it, and nothing was left on the stage.
        let debian = try IMAPConnection(port: cyrus.port("imap"))
        try debian.login("alice")
        try debian.expectOK("SELECT INBOX")
        let fetched = try debian.command("FETCH 1 (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM)])")
        let text = String(decoding: fetched[0], as: UTF8.self)
        #expect(text.contains("RFC822.SIZE \(message.count)") && text.contains(header.hasPrefix("From: a") ? "From: a@b" : "From: XX@b"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(cyrus.folder)/spool/stage.").isEmpty)
        let told = try cyrus.tool("reconstruct", ["-n", "user.alice"]).split(separator: "\n")
        #expect(told == ["user.alice"])
    }

    @Test func whoeverHasNotLoggedInFillsNoMemory() throws {
        let cyrus = try Self.instance()
        defer { cyrus.stop() }
        let large = Self.body(Self.size)
        let said = try Self.talk(
            "imapd", cyrus, [Data("1 APPEND INBOX {\(large.count)+}\r\n".utf8), large, Data("\r\n2 LOGOUT\r\n".utf8)])
        #expect(said.contains("* BYE Literal too large"), "\(said.suffix(500))")
        let small = Self.body(1 << 20)
        let answer = try Self.talk(
            "imapd", cyrus, [Data("1 APPEND INBOX {\(small.count)+}\r\n".utf8), small, Data("\r\n2 LOGOUT\r\n".utf8)])
        #expect(answer.contains("1 BAD Literal too large\r\n* BYE LOGOUT"), "\(answer.suffix(500))")
    }

    @Test func aHeaderWithoutEndIsRefused() throws {
        let cyrus = try Self.instance()
        defer { cyrus.stop() }
        let lines = Data(String(repeating: "X-\(Self.line.dropLast(2)): y\r\n", count: 1 << 17).utf8)
        let sum = lines + lines + lines + lines
        let said = try Self.talk(
            "lmtpd", cyrus, [Data("LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<alice>\r\nDATA\r\n".utf8), sum, Data("\r\n.\r\nQUIT\r\n".utf8)])
        #expect(said.contains("554 5.6.0 Message contains invalid header"), "\(said.suffix(500))")
        let told = try Self.talk(
            "imapd", cyrus,
            [Data("1 LOGIN alice secret\r\n2 APPEND INBOX {\(sum.count + 2)+}\r\n".utf8), sum, Data("\r\n\r\n3 LOGOUT\r\n".utf8)])
        #expect(told.contains("2 NO Message contains invalid header"), "\(told.suffix(500))")
    }
}
