import Foundation
import Glibc

/// A plain LMTP client for tests.
public final class LMTPConnection {
    private let socket: Int32
    private var buffer: [UInt8] = []

    public init(port: UInt16) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard result == 0 else { throw DebianCyrus.Failure(description: "cannot connect to port \(port): errno \(errno)") }
        // A server that says nothing for so long has failed.
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(socket) }

    public func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw DebianCyrus.Failure(description: "connection lost while sending") }
            sent += count
        }
    }

    private func fill() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = recv(socket, &chunk, chunk.count, 0)
        guard count >= 0 else {
            throw DebianCyrus.Failure(description: "no answer: errno \(errno), so far \(String(decoding: buffer, as: UTF8.self))")
        }
        buffer += chunk[..<count]
        return count > 0
    }

    /// One reply with all its lines.
    public func reply() throws -> String {
        var start = 0
        while true {
            while let end = buffer[start...].firstIndex(of: 10) {
                let isLast = end - start > 3 && buffer[start + 3] != UInt8(ascii: "-")
                start = end + 1
                if isLast {
                    let text = String(decoding: buffer[..<start], as: UTF8.self)
                    buffer.removeFirst(start)
                    return text.replacingOccurrences(of: "\r\n", with: "\n").trimmingCharacters(in: .newlines)
                }
            }
            guard try fill() else { throw DebianCyrus.Failure(description: "connection lost") }
        }
    }

    public func command(_ line: String) throws -> String {
        try send(Array("\(line)\r\n".utf8))
        return try reply()
    }

    /// Everything up to the end of the connection.
    public func rest() throws -> String {
        while try fill() {}
        return String(decoding: buffer, as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
    }

    /// Delivers a message to one recipient; the answer to its content.
    public func deliver(_ message: String, to recipient: String, from sender: String = "a@b.example") throws -> String {
        _ = try command("MAIL FROM:<\(sender)>")
        let accepted = try command("RCPT TO:<\(recipient)>")
        guard accepted.hasPrefix("250") else {
            _ = try command("RSET")
            return accepted
        }
        _ = try command("DATA")
        return try command("\(message)\r\n.")
    }
}
