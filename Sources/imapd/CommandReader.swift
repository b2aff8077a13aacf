import Bytes
import Wire

/// Puts commands together from lines and literals, asking for synchronising literals with `+ go ahead`.
///
/// A command's bytes stand in one piece, each literal as `{N}` CRLF and its N bytes, for `CommandParser`; but an APPEND's message stands
/// beside them, and only its `{N}` CRLF is in its place.
struct CommandReader {
    struct Limits {
        /// A line of a command (between literals).
        var line = 131_072
        /// A literal that is not a message.
        var literal = 131_072
        /// A message being appended.
        var message = 4_294_967_295
        /// All of a command but messages; 0: no limit.
        var total = 0
    }

    enum Failure: Error {
        case connection(ConnectionError)
        /// The command was taken off the wire; this is to be answered to its tag.
        case tooLong(tag: [UInt8], String)
        /// A client that sends so much without asking is cut off.
        case hopeless(String)
    }

    var limits = Limits()

    /// The next command, without its last CRLF. `incoming` is asked, with the command so far, whether a literal is a message and where it
    /// goes; without one it is held in memory, and may be no longer than other arguments.
    func next(
        _ connection: Connection, incoming: ([UInt8]) -> IncomingMessage?
    ) throws(Failure) -> (bytes: [UInt8], message: IncomingMessage?) {
        var command: [UInt8] = []
        var message: IncomingMessage?
        while true {
            let line = try line(connection, soFar: command)
            let start = command.count
            command.append(contentsOf: line)
            guard let literal = Self.literal(at: command[start...]) else { return (command, message) }
            let isMessage = message == nil && Self.isAppend(command)
            let target = isMessage ? incoming(command) : nil
            let limit = target == nil ? limits.literal : limits.message
            if literal.size > limit || (limits.total > 0 && target == nil && command.count + literal.size > limits.total) {
                let text = target == nil ? "Literal too large" : "Message too large"
                if literal.isSynchronizing { throw .tooLong(tag: Self.tag(command), text) }
                guard literal.size <= 64 << 20 else { throw .hopeless("Literal too large") }
                let tag = Self.tag(command)
                try take(literal.size, connection) { _ in }
                _ = try line_(connection)
                throw .tooLong(tag: tag, text)
            }
            if literal.isSynchronizing { connection.out.append("+ go ahead\r\n") }
            command.append(0x0d)
            command.append(0x0a)
            do throws(ConnectionError) {
                if literal.isSynchronizing { try connection.flush() }
            } catch {
                throw .connection(error)
            }
            if let target {
                message = target
                try take(literal.size, connection) { target.append($0.array) }
            } else {
                command.reserveCapacity(command.count + literal.size + 64)
                try take(literal.size, connection) { command.append($0) }
            }
        }
    }

    private func line(_ connection: Connection, soFar: [UInt8]) throws(Failure) -> [UInt8] {
        do throws(ConnectionError) {
            return try connection.readLine(limit: limits.line)
        } catch .lineTooLong(let limit) {
            throw .tooLong(tag: Self.tag(soFar), "Command line longer than \(limit) bytes")
        } catch {
            throw .connection(error)
        }
    }

    private func line_(_ connection: Connection) throws(Failure) -> [UInt8] {
        try line(connection, soFar: [])
    }

    /// Takes a literal off the wire, piece by piece.
    private func take(_ count: Int, _ connection: Connection, _ body: (RawSpan) -> Void) throws(Failure) {
        var left = count
        do throws(ConnectionError) {
            while left > 0 { left -= try connection.readSome(upTo: left, body) }
        } catch {
            throw .connection(error)
        }
    }

    private static func tag(_ command: [UInt8]) -> [UInt8] {
        let tag = command.prefix { $0 != 0x20 && $0 != 0x0d }
        return tag.isEmpty ? [UInt8(ascii: "*")] : Array(tag)
    }

    /// Whether the literal that ends here is the message of an APPEND.
    private static func isAppend(_ command: [UInt8]) -> Bool {
        guard let space = command.firstIndex(of: 0x20) else { return false }
        let verb = command[(space + 1)...].prefix { $0 != 0x20 }
        return Array(verb).asciiUppercased == [UInt8]("APPEND")
    }

    /// `{N}`, `{N+}` or `~{N}` at the end of a line.
    static func literal(at line: ArraySlice<UInt8>) -> (size: Int, isSynchronizing: Bool)? {
        guard line.last == UInt8(ascii: "}") else { return nil }
        var at = line.endIndex - 2
        var synchronizing = true
        if at >= line.startIndex, line[at] == UInt8(ascii: "+") {
            synchronizing = false
            at -= 1
        }
        var size = 0
        var place = 1
        var digits = 0
        while at >= line.startIndex, line[at].isASCIIDigit {
            guard digits < 18 else { return nil }
            size += Int(line[at] - 0x30) * place
            place *= 10
            digits += 1
            at -= 1
        }
        guard digits > 0, at >= line.startIndex, line[at] == UInt8(ascii: "{") else { return nil }
        return (size, synchronizing)
    }
}
