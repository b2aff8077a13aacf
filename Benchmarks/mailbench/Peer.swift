import Foundation
import Posix

/// A connection of the benchmark's client: raw bytes, no parsing beyond finding tagged lines and literals.
final class Peer {
    private let descriptor: CInt
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private var filled = 0
    private var at = 0
    private(set) var received = 0

    init(port: Int) throws {
        guard let address = try SocketAddress.resolve(host: "127.0.0.1", port: String(port)).get().first else {
            throw Failure("no address")
        }
        descriptor = try Socket.connect(address).release()
        Socket.setNoDelay(descriptor)
    }

    deinit { Descriptor.close(descriptor) }

    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ text: String) { description = text }
    }

    func send(_ text: String) throws { try Descriptor.write(descriptor, Array(text.utf8)) }
    func send(_ bytes: [UInt8]) throws { try Descriptor.write(descriptor, bytes) }

    private func fill() throws {
        if at > 0 {
            buffer.withUnsafeMutableBytes { raw in raw.baseAddress!.copyMemory(from: raw.baseAddress! + at, byteCount: filled - at) }
            filled -= at
            at = 0
        }
        if filled == buffer.count { buffer.append(contentsOf: [UInt8](repeating: 0, count: buffer.count)) }
        let count = buffer.withUnsafeMutableBytes { raw in read(descriptor, raw.baseAddress! + filled, raw.count - filled) }
        guard count > 0 else { throw Failure("connection closed") }
        filled += count
        received += count
    }

    /// The place just after the next line feed.
    private func lineEnd() throws -> Int {
        var from = at
        while true {
            let found = buffer.withUnsafeBytes { raw -> Int? in
                guard let hit = memchr(raw.baseAddress! + from, 10, filled - from) else { return nil }
                return hit - UnsafeMutableRawPointer(mutating: raw.baseAddress!) + 1
            }
            if let found { return found }
            let scanned = filled - at
            try fill()
            from = at + scanned
        }
    }

    /// One line, without its end.
    func line() throws -> String {
        let end = try lineEnd()
        defer { at = end }
        return String(decoding: buffer[at..<end], as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    /// Reads to the line that starts with `tag`; how many untagged lines came before. Fails unless it says OK.
    @discardableResult
    func until(_ tag: String) throws -> Int {
        let mark = Array("\(tag) ".utf8)
        var lines = 0
        while true {
            let end = try lineEnd()
            if end - at > mark.count, buffer[at..<(at + mark.count)].elementsEqual(mark) {
                let text = String(decoding: buffer[at..<end], as: UTF8.self)
                at = end
                guard text.hasPrefix("\(tag) OK") else { throw Failure(text) }
                return lines
            }
            // A literal at the end of the line is passed over.
            var size = 0
            if end - at > 4, buffer[end - 3] == UInt8(ascii: "}") {
                var place = 1
                var i = end - 4
                while i > at, buffer[i] >= 48, buffer[i] <= 57 {
                    size += Int(buffer[i] - 48) * place
                    place *= 10
                    i -= 1
                }
                if buffer[i] != UInt8(ascii: "{") { size = 0 }
            }
            at = end
            while size > 0 {
                if at == filled { try fill() }
                let some = min(size, filled - at)
                at += some
                size -= some
            }
            lines += 1
        }
    }

    /// An LMTP reply, all its lines; its code.
    func reply() throws -> Int {
        while true {
            let text = try line()
            guard text.utf8.count >= 3, let code = Int(text.prefix(3)) else { throw Failure(text) }
            if text.utf8.count == 3 || text.utf8.dropFirst(3).first != UInt8(ascii: "-") { return code }
        }
    }

    func command(_ tag: String, _ text: String) throws -> Int {
        try send("\(tag) \(text)\r\n")
        return try until(tag)
    }
}
