import Foundation
import Testing

/// What `make run` starts, with the programs of the build under test.
struct RunTests {
    /// A server that `Scripts/run` has started.
    final class Running {
        let process = Process()
        let folder: URL
        let output: String
        private let errors = Pipe()

        init() throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("run-tests-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
            let pipe = Pipe()
            process.executableURL = Self.root.appendingPathComponent("Scripts/run")
            process.arguments = ["--programs", Self.programs, "--var", folder.appendingPathComponent("var").path]
            process.standardOutput = pipe
            process.standardError = errors
            process.standardInput = FileHandle.nullDevice
            try process.run()
            // The script's last line, or its end.
            var text = ""
            while !text.split(separator: "\n").contains(where: { $0.hasPrefix("ready ") && text.hasSuffix("\n") }) {
                let more = pipe.fileHandleForReading.availableData
                if more.isEmpty { break }
                text += String(decoding: more, as: UTF8.self)
            }
            output = text
        }

        deinit {
            _ = stop()
            try? FileManager.default.removeItem(at: folder)
        }

        /// Ends the server as Ctrl-C does; the script's exit status.
        func stop() -> Int32 {
            if process.isRunning { process.interrupt() }
            process.waitUntilExit()
            return process.terminationStatus
        }

        var complaint: String { String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self) }

        /// The words of the last line, `key=value`.
        var ready: [String: String] {
            guard let line = output.split(separator: "\n").last, line.hasPrefix("ready ") else { return [:] }
            var values: [String: String] = [:]
            for word in line.split(separator: " ").dropFirst() {
                let parts = word.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
            }
            return values
        }

        static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()

        /// The programs lie beside the test bundle.
        static let programs: String = {
            let bundle = ProcessInfo.processInfo.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
            return URL(fileURLWithPath: bundle).standardizedFileURL.deletingLastPathComponent().path
        }()
    }

    static func output(_ command: String, _ arguments: [String]) throws -> (text: String, status: Int32) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [command] + arguments
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (text, process.terminationStatus)
    }

    @Test
    func `one command ends in a server that curl and python read`() throws {
        let server = try Running()
        let ready = server.ready
        let imap = try #require(ready["imap"], "no line for scripts: \(server.complaint)")
        let user = try #require(ready["user"])
        let password = try #require(ready["password"])
        #expect(Set(ready.keys) == ["imap", "lmtp", "user", "password", "pid"])
        #expect(server.output.hasSuffix("pid=\(ready["pid"] ?? "")\n"))

        let curl = try Self.output("curl", ["-sS", "-u", "\(user):\(password)", "imap://\(imap)/INBOX;MAILINDEX=1"])
        #expect(curl.status == 0)
        #expect(curl.text.contains("Subject: Your mail server runs\r\n"))

        // The commands told are the ones that work.
        for tool in ["imap://", "imaps://"] {
            let told = try #require(server.output.split(separator: "\n").first { $0.contains("curl") && $0.contains(tool) })
            let result = try Self.output("sh", ["-c", "\(told) -sS"])
            #expect(result.status == 0, "\(told)")
            #expect(result.text.contains("Your mail server runs") || result.text.contains("FETCH"), "\(told): \(result.text)")
        }

        let port = imap.split(separator: ":").last.map(String.init) ?? ""
        let python = try Self.output(
            "python3",
            [
                "-c",
                """
                import imaplib, sys
                imap = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]), timeout=30)
                imap.login(sys.argv[2], sys.argv[3])
                print(imap.select("INBOX")[1][0].decode())
                print(imap.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1].decode().strip())
                print(imap.logout()[0])
                """, port, user, password,
            ])
        #expect(python.text == "1\nSubject: Your mail server runs\nBYE\n")
        // mutt as told, by its own configuration asked to pipe the message to a file.
        let told = try #require(server.output.split(separator: "\n").first { $0.contains("mutt ") })
        let read = server.folder.appendingPathComponent("read").path
        try "push '<first-entry><pipe-message>cat > \(read)<enter><quit>'\nset wait_key=no quit=yes folder=\(server.folder.path)\n".write(
            to: server.folder.appendingPathComponent(".muttrc"), atomically: false, encoding: .utf8)
        let home = "HOME=\(server.folder.path) TERM=xterm"
        let mutt = try Self.output("sh", ["-c", "\(home) timeout 60 script -q -e -c '\(told)' /dev/null </dev/null >/dev/null"])
        #expect(mutt.status == 0)
        let message = try String(contentsOfFile: read, encoding: .utf8)
        #expect(message.contains("Subject: Your mail server runs"))
        #expect(server.stop() == 0)
    }
}
