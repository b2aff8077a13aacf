import Bytes
import Message

/// Takes what follows DATA apart as it comes: finds the lone dot, undoes dot-stuffing, makes every bare LF a CRLF. Knows no files and no
/// sockets.
///
/// A bare LF ends a line, the one with the lone dot too, as in Cyrus; MTAs send none.
public struct MessageDecoder: ~Copyable {
    /// Decoded bytes that were not taken yet: header and body, CRLF line ends.
    public private(set) var output: [UInt8] = []
    /// The lone dot was seen.
    public private(set) var isComplete = false
    public private(set) var containsNUL = false
    /// Bytes decoded so far.
    public private(set) var count = 0
    private var atLineStart = true
    private var lastWasCR = false
    /// Behind the first blank line. A CR of the body that ends no line is dropped, as Cyrus drops it.
    private var inBody = false
    private var lineIsBlank = true

    public init() {}

    /// Takes bytes off the front of `input`; how many. Stops after the line with the lone dot, and before a line start that cannot be
    /// told yet: then more input is wanted.
    public mutating func feed(_ input: RawSpan) -> Int {
        var at = 0
        while at < input.byteCount, !isComplete {
            if atLineStart, input[at] == UInt8(ascii: ".") {
                guard at + 1 < input.byteCount else { return at }
                switch input[at + 1] {
                case 0x0a:
                    isComplete = true
                    return at + 2
                case 0x0d:
                    guard at + 2 < input.byteCount else { return at }
                    if input[at + 2] == 0x0a {
                        isComplete = true
                        return at + 3
                    }
                    at += 1
                default: at += 1
                }
            }
            let end = input.firstOffset(of: 0x0a, from: at).map { $0 + 1 } ?? input.byteCount
            take(input.slice(at, end - at))
            at = end
        }
        return at
    }

    private mutating func take(_ piece: RawSpan) {
        if !containsNUL, piece.firstOffset(of: 0) != nil { containsNUL = true }
        let before = output.count
        if inBody {
            appendBody(piece)
        } else {
            MessageIntake.appendWithCRLF(piece, lastWasCR: &lastWasCR, to: &output)
            for i in 0..<piece.byteCount where lineIsBlank && piece[i] != 0x0d && piece[i] != 0x0a { lineIsBlank = false }
        }
        count += output.count - before
        atLineStart = piece.byteCount > 0 && piece[piece.byteCount - 1] == 0x0a
        if atLineStart {
            lastWasCR = false
            if lineIsBlank { inBody = true }
            lineIsBlank = true
        }
    }

    private mutating func appendBody(_ piece: RawSpan) {
        let hasEnd = piece.byteCount > 0 && piece[piece.byteCount - 1] == 0x0a
        let text = hasEnd ? piece.slice(0, piece.byteCount - 1) : piece
        var from = 0
        while let at = text.firstOffset(of: 0x0d, from: from) {
            output.append(text.slice(from, at - from))
            from = at + 1
        }
        output.append(text.dropping(from))
        if hasEnd { output.append("\r\n") }
    }

    /// Hands the decoded bytes over.
    public mutating func takeOutput() -> [UInt8] {
        let bytes = output
        output = []
        return bytes
    }

    /// Forgets the decoded bytes: the message is refused already.
    public mutating func dropOutput() {
        output.removeAll(keepingCapacity: true)
    }
}
