import DebianCyrus
import Foundation
import Glibc

/// A plain LMTP client for tests.
final class Deliveries {
    private let socket: Int32
    private var buffer: [UInt8] = []

    init(port: UInt16) throws {
        guard let socket = DebianCyrus.connectSocket(port) else { throw DebianCyrus.Failure(description: "cannot connect to port \(port)") }
        self.socket = socket
        _ = try reply()
        _ = try command("LHLO here")
    }

    deinit { close(socket) }

    private func reply() throws -> String {
        while true {
            var start = 0
            while let end = buffer[start...].firstIndex(of: 10) {
                let isLast = end - start > 3 && buffer[start + 3] != UInt8(ascii: "-")
                start = end + 1
                if isLast {
                    let text = String(decoding: buffer[..<start], as: UTF8.self)
                    buffer.removeFirst(start)
                    return text.trimmingCharacters(in: .whitespacesAndNewlines)
                }
            }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count > 0 else { throw DebianCyrus.Failure(description: "connection lost") }
            buffer += chunk[..<count]
        }
    }

    private func command(_ line: String) throws -> String {
        let bytes = Array("\(line)\r\n".utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw DebianCyrus.Failure(description: "connection lost while sending") }
            sent += count
        }
        return try reply()
    }

    /// Delivers a message, which ends with a line end, to several recipients; the answer for each, to its content.
    func deliver(_ message: String, to recipients: [String]) throws -> [String] {
        _ = try command("MAIL FROM:<a@b.example>")
        for recipient in recipients { _ = try command("RCPT TO:<\(recipient)>") }
        _ = try command("DATA")
        var answers = [try command("\(message).")]
        while answers.count < recipients.count { answers.append(try reply()) }
        return answers
    }

    /// Delivers a message; the answer to its content.
    func deliver(_ message: String, to recipient: String) throws -> String {
        _ = try command("MAIL FROM:<a@b.example>")
        let accepted = try command("RCPT TO:<\(recipient)>")
        guard accepted.hasPrefix("250") else {
            _ = try command("RSET")
            return accepted
        }
        _ = try command("DATA")
        return try command("\(message)\r\n.")
    }
}
