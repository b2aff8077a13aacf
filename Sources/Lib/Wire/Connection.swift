import Bytes
public import Posix

/// Why a connection came to its end.
public enum ConnectionError: Error, Sendable, CustomStringConvertible {
    /// The peer closed it.
    case closed
    /// Nothing came within the time allowed.
    case timedOut
    /// A line was longer than allowed.
    case lineTooLong(limit: Int)
    /// A signal asks this process to stop.
    case interrupted
    case io(PosixError)
    /// TLS, a SASL layer or compression failed; the text is the library's.
    case layer(String)

    public var description: String {
        switch self {
        case .closed: "connection closed by peer"
        case .timedOut: "idle for too long"
        case .lineTooLong(let limit): "line longer than \(limit) bytes"
        case .interrupted: "stopped by a signal"
        case .io(let error): error.description
        case .layer(let text): text
        }
    }
}

/// A peer, through buffers and whatever layers are on: SASL inside TLS inside the socket, compression innermost.
///
/// Reading flushes what is waiting to be sent when nothing is buffered, so that no protocol forgets to. One thread, blocking with
/// time-outs.
public final class Connection {
    public let input: CInt
    public let output: CInt
    /// Seconds of silence after which reading gives up; 0: never.
    public var timeout = 0
    /// Output that is not sent yet. Protocols append to it; above `flushSize` it goes out.
    public var out: [UInt8] = []
    public static let flushSize = 1 << 16

    /// Bytes that came and were not taken: `buffer[start...]`.
    private var buffer: [UInt8] = []
    private var start = 0
    private var layers: [any ConnectionLayer] = []
    /// Asked after an interrupted wait: true ends reading with `.interrupted`.
    public var shouldStop: () -> Bool = { false }
    /// Copies of what goes in and out in clear (telemetry).
    public var telemetry: Telemetry?
    public private(set) var bytesIn = 0
    public private(set) var bytesOut = 0

    public init(input: CInt, output: CInt) {
        self.input = input
        self.output = output
    }

    // MARK: reading

    /// Bytes that can be taken without waiting.
    public var available: Int { buffer.count - start }

    /// Lends what is buffered.
    public func withAvailable<R>(_ body: (RawSpan) -> R) -> R {
        body(pendingInput)
    }

    private var pendingInput: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = buffer.span.bytes.dropping(start)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    /// Takes `count` bytes off the buffer.
    public func consume(_ count: Int) {
        start += min(count, available)
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: true)
            start = 0
        }
    }

    /// Waits for more bytes than are buffered.
    public func fill() throws(ConnectionError) {
        if !out.isEmpty { try flush() }
        if start > 0, start >= buffer.count / 2 {
            buffer.removeFirst(start)
            start = 0
        }
        while true {
            let before = buffer.count
            if layers.isEmpty {
                try readRaw()
            } else {
                var plain: [UInt8] = []
                try readThrough(layers.count - 1, into: &plain)
                buffer.append(contentsOf: plain)
            }
            if buffer.count > before {
                bytesIn += buffer.count - before
                telemetry?.received(buffer[before...])
                return
            }
        }
    }

    /// One line without its CRLF (or LF). Longer than `limit`: `.lineTooLong`, with the line taken off.
    public func readLine(limit: Int) throws(ConnectionError) -> [UInt8] {
        var scanned = 0
        while true {
            let found = withAvailable { $0.firstOffset(of: 0x0a, from: scanned) }
            if let found {
                let end = found > 0 && buffer[start + found - 1] == 0x0d ? found - 1 : found
                let tooLong = end > limit
                let line = tooLong ? [] : Array(buffer[start..<(start + end)])
                consume(found + 1)
                if tooLong { throw .lineTooLong(limit: limit) }
                return line
            }
            scanned = available
            if scanned > limit + 2 {
                try skipLine()
                throw .lineTooLong(limit: limit)
            }
            try fill()
        }
    }

    /// Takes everything up to the next line feed off.
    private func skipLine() throws(ConnectionError) {
        while true {
            if let found = withAvailable({ $0.firstOffset(of: 0x0a) }) {
                consume(found + 1)
                return
            }
            consume(available)
            try fill()
        }
    }

    /// Exactly `count` bytes, appended to `into`.
    public func read(_ count: Int, into bytes: inout [UInt8]) throws(ConnectionError) {
        var left = count
        while left > 0 {
            if available == 0 { try fill() }
            let some = min(left, available)
            bytes.append(contentsOf: buffer[start..<(start + some)])
            consume(some)
            left -= some
        }
    }

    /// Lends up to `limit` bytes as they come; how many `body` was given.
    public func readSome(upTo limit: Int, _ body: (RawSpan) -> Void) throws(ConnectionError) -> Int {
        if available == 0 { try fill() }
        let some = min(limit, available)
        withAvailable { body($0.slice(0, some)) }
        consume(some)
        return some
    }

    /// Whether bytes can be read within `milliseconds` (0: now), other descriptors included; false when a signal came.
    public func wait(milliseconds: Int, also others: inout [PollEntry]) throws(ConnectionError) -> Bool {
        if available > 0 || layers.contains(where: { $0.hasPending }) { return true }
        var entries = [PollEntry(input)] + others
        do throws(PosixError) {
            _ = try Poll.wait(&entries, milliseconds: milliseconds)
        } catch {
            throw .io(error)
        }
        for i in others.indices { others[i] = entries[i + 1] }
        return entries[0].isReady
    }

    private func awaitInput() throws(ConnectionError) {
        let deadline = timeout > 0 ? Clock.monotonic + Double(timeout) : .infinity
        while true {
            if shouldStop() { throw .interrupted }
            let left = timeout > 0 ? Int((deadline - Clock.monotonic) * 1000) : -1
            if timeout > 0, left <= 0 { throw .timedOut }
            do throws(PosixError) {
                if try Poll.readable(input, milliseconds: left) { return }
            } catch {
                throw .io(error)
            }
        }
    }

    private func readRaw() throws(ConnectionError) {
        try awaitInput()
        var bytes = [UInt8](repeating: 0, count: 1 << 15)
        let count = try receive(&bytes)
        buffer.append(contentsOf: bytes[..<count])
    }

    private func receive(_ bytes: inout [UInt8]) throws(ConnectionError) -> Int {
        let count: Int
        do throws(PosixError) {
            count = try Descriptor.receive(input, into: &bytes)
        } catch {
            throw error.errno == .connectionReset ? .closed : .io(error)
        }
        if count == 0 { throw .closed }
        return count
    }

    /// Reads decoded bytes of the layer at `index`, which gets its own from the one below (or from the socket).
    private func readThrough(_ index: Int, into plain: inout [UInt8]) throws(ConnectionError) {
        if try layers[index].drain(into: &plain) { return }
        if index == 0, layers[0].readsSocket {
            try awaitInput()
            try layers[0].receive([], into: &plain)
            return
        }
        var lower: [UInt8] = []
        if index == 0 {
            try awaitInput()
            var bytes = [UInt8](repeating: 0, count: 1 << 15)
            let count = try receive(&bytes)
            lower = Array(bytes[..<count])
        } else {
            try readThrough(index - 1, into: &lower)
        }
        if lower.isEmpty { return }
        try layers[index].receive(lower, into: &plain)
    }

    // MARK: writing

    /// Sends when enough has gathered; for use inside long answers.
    public func flushIfFull() throws(ConnectionError) {
        if out.count >= Self.flushSize { try flush() }
    }

    /// Sends everything.
    public func flush() throws(ConnectionError) {
        guard !out.isEmpty else { return }
        telemetry?.sent(out[...])
        bytesOut += out.count
        if layers.isEmpty {
            try writeRaw(out)
        } else {
            var bytes = out
            for layer in layers.reversed() {
                if layer.readsSocket {
                    try layer.send(bytes)
                    bytes = []
                } else {
                    bytes = try layer.encode(bytes)
                }
            }
            if !bytes.isEmpty { try writeRaw(bytes) }
        }
        out.removeAll(keepingCapacity: out.capacity <= 4 * Self.flushSize)
    }

    private func writeRaw(_ bytes: [UInt8]) throws(ConnectionError) {
        do throws(PosixError) {
            try Descriptor.write(output, bytes)
        } catch {
            throw error.errno == .brokenPipe || error.errno == .connectionReset ? .closed : .io(error)
        }
    }

    // MARK: layers

    /// Puts a layer between the protocol and what is below. Bytes that came already are the old layers': a protocol that must not take
    /// them (STARTTLS) calls `discardInput` first.
    public func push(_ layer: any ConnectionLayer) {
        if layer.readsSocket { layers.insert(layer, at: 0) } else { layers.append(layer) }
        let early = Array(buffer[start...])
        if !early.isEmpty, !layer.readsSocket {
            buffer.removeAll()
            start = 0
            var plain: [UInt8] = []
            try? layer.receive(early, into: &plain)
            buffer = plain
        }
    }

    /// Forgets what came but was not read (commands smuggled in before TLS).
    public func discardInput() {
        buffer.removeAll()
        start = 0
    }
}

/// Something that changes the bytes on their way: TLS, a SASL security layer, compression.
public protocol ConnectionLayer: AnyObject {
    /// TLS does its own reading and writing on the socket.
    var readsSocket: Bool { get }
    /// Decoded bytes may be had without the socket becoming readable.
    var hasPending: Bool { get }
    /// Decodes bytes from below (none for a layer that reads the socket), appending to `plain`.
    func receive(_ bytes: [UInt8], into plain: inout [UInt8]) throws(ConnectionError)
    /// Hands out what is decoded already; false when there is nothing.
    func drain(into plain: inout [UInt8]) throws(ConnectionError) -> Bool
    /// Encodes bytes for below.
    func encode(_ bytes: [UInt8]) throws(ConnectionError) -> [UInt8]
    /// Sends bytes itself (a layer that reads the socket).
    func send(_ bytes: [UInt8]) throws(ConnectionError)
}

extension ConnectionLayer {
    public var readsSocket: Bool { false }
    public var hasPending: Bool { false }
    public func drain(into plain: inout [UInt8]) throws(ConnectionError) -> Bool { false }
    public func send(_ bytes: [UInt8]) throws(ConnectionError) {}
}
