import Foundation
import Glibc

/// A plain IMAP client for tests: lines out, lines and literals in.
public final class IMAPConnection {
    private let socket: Int32
    private var buffer: [UInt8] = []
    private var read = 0
    private var tags = 0
    public private(set) var greeting: [UInt8] = []

    public init(port: UInt16) throws {
        guard let socket = DebianCyrus.connectSocket(port) else { throw DebianCyrus.Failure(description: "cannot connect to port \(port)") }
        self.socket = socket
        // A server that says nothing for so long has failed.
        var patience = timeval(tv_sec: 300, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        greeting = try line()
    }

    deinit {
        close(socket)
    }

    public func login(_ user: String) throws {
        try expectOK("LOGIN \(user) secret")
    }

    /// The lines of the answer, the tagged one last; a literal is part of the line it stands in.
    public func command(_ text: String) throws -> [[UInt8]] {
        try command([UInt8](text.utf8))
    }

    public func command(_ bytes: [UInt8]) throws -> [[UInt8]] {
        tags += 1
        let tag = Array("t\(tags) ".utf8)
        try send(tag + bytes + [13, 10])
        var lines: [[UInt8]] = []
        while true {
            let line = try line()
            lines.append(line)
            if line.starts(with: tag) { return lines }
        }
    }

    /// Fails unless the tagged answer is OK.
    @discardableResult
    public func expectOK(_ text: String) throws -> [[UInt8]] {
        let lines = try command(text)
        guard let last = lines.last, String(decoding: last, as: UTF8.self).contains(" OK") else {
            throw DebianCyrus.Failure(description: "\(text): \(String(decoding: lines.last ?? [], as: UTF8.self))")
        }
        return lines
    }

    /// Appends a message with LITERAL+ and gives the tagged answer without its tag.
    public func append(_ message: [UInt8], to mailbox: String, date: String) throws -> String {
        var bytes = Array("APPEND \(mailbox) \"\(date)\" {\(message.count)+}\r\n".utf8)
        bytes += message
        let last = try command(bytes).last ?? []
        return String(decoding: last.drop { $0 != 0x20 }.dropFirst(), as: UTF8.self)
    }

    private func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw DebianCyrus.Failure(description: "connection lost while sending") }
            sent += count
        }
    }

    /// One line without its line end, with the literals it announces.
    public func line() throws -> [UInt8] {
        var out: [UInt8] = []
        while true {
            let part = try plainLine()
            out += part
            guard part.last == UInt8(ascii: "}"), let open = part.lastIndex(of: UInt8(ascii: "{")),
                let count = Int(String(decoding: part[(open + 1)..<(part.count - 1)], as: UTF8.self))
            else { return out }
            out += [13, 10]
            while buffer.count - read < count { try fill() }
            out += buffer[read..<(read + count)]
            read += count
        }
    }

    private func plainLine() throws -> [UInt8] {
        var searched = read
        while true {
            if let end = buffer[searched...].firstIndex(of: 10) {
                let line = buffer[read..<(end > read && buffer[end - 1] == 13 ? end - 1 : end)]
                read = end + 1
                return [UInt8](line)
            }
            searched = buffer.count
            let before = read
            try fill()
            searched -= before - read
        }
    }

    private func fill() throws {
        buffer.removeFirst(read)
        read = 0
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = recv(socket, &chunk, chunk.count, 0)
        guard count >= 0 || errno != EAGAIN else {
            throw DebianCyrus.Failure(description: "no answer within \(DebianCyrus.patience) seconds")
        }
        guard count > 0 else { throw DebianCyrus.Failure(description: "connection lost") }
        buffer += chunk[..<count]
    }
}
