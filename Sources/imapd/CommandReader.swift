import Bytes
import Wire

/// Puts commands together from lines and literals, asking for synchronising literals with `+ go ahead`.
///
/// A command's bytes stand in one piece, each literal as `{N}` CRLF and its N bytes, for `CommandParser`.
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

    /// The next command, without its last CRLF.
    func next(_ connection: Connection) throws(Failure) -> [UInt8] {
        var command: [UInt8] = []
        while true {
            let line = try line(connection, soFar: command)
            let start = command.count
            command.append(contentsOf: line)
            guard let literal = Self.literal(at: command[start...]) else { return command }
            let isMessage = Self.isAppend(command)
            let limit = isMessage ? limits.message : limits.literal
            if literal.size > limit || (limits.total > 0 && !isMessage && command.count + literal.size > limits.total) {
                if literal.isSynchronizing {
                    throw .tooLong(tag: Self.tag(command), isMessage ? "Message too large" : "Literal too large")
                }
                guard literal.size <= 64 << 20 else { throw .hopeless("Literal too large") }
                try skip(literal.size, connection)
                let tag = Self.tag(command)
                _ = try line_(connection)
                throw .tooLong(tag: tag, isMessage ? "Message too large" : "Literal too large")
            }
            if literal.isSynchronizing { connection.out.append("+ go ahead\r\n") }
            command.append(0x0d)
            command.append(0x0a)
            do throws(ConnectionError) {
                if literal.isSynchronizing { try connection.flush() }
                command.reserveCapacity(command.count + literal.size + 64)
                try connection.read(literal.size, into: &command)
            } catch {
                throw .connection(error)
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

    private func skip(_ count: Int, _ connection: Connection) throws(Failure) {
        var left = count
        do throws(ConnectionError) {
            while left > 0 { left -= try connection.readSome(upTo: left) { _ in } }
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
