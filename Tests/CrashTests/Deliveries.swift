import DebianCyrus
import Foundation
import Glibc

/// A plain LMTP client for tests.
final class Deliveries {
    private let socket: Int32
    private var buffer: [UInt8] = []

    init(port: UInt16) throws {
        guard let socket = Self.connect(port) else { throw DebianCyrus.Failure(description: "cannot connect to port \(port)") }
        self.socket = socket
        // A server that says nothing for so long has failed.
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        _ = try reply()
        _ = try command("LHLO here")
    }

    deinit { close(socket) }

    private static func connect(_ port: UInt16) -> Int32? {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        if result == 0 { return socket }
        close(socket)
        return nil
    }

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
