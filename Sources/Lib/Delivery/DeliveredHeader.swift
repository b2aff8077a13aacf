import Bytes
import Message

/// The header that a delivered message gets: what lmtpd puts in front, the message's own fields, and those that were missing.
public struct DeliveredHeader {
    /// What is known about the delivery, for the fields in front.
    public struct Trace: Sendable {
        /// With angle brackets.
        public var returnPath: [UInt8]
        /// As the client called itself in LHLO.
        public var helloName: [UInt8]
        /// `name [address]`
        public var clientHost: String
        public var serverName: String
        public var version: String
        /// The text in the brackets after `with LMTPSA`; nil without TLS.
        public var tls: String?
        public var sessionID: String
        /// Unix seconds.
        public var time: Int64

        public init(
            returnPath: [UInt8], helloName: [UInt8], clientHost: String, serverName: String, version: String, tls: String?,
            sessionID: String,
            time: Int64
        ) {
            self.returnPath = returnPath
            self.helloName = helloName
            self.clientHost = clientHost
            self.serverName = serverName
            self.version = version
            self.tls = tls
            self.sessionID = sessionID
            self.time = time
        }
    }

    public enum Refusal: Error, Sendable, Equatable {
        case invalidHeader
        case eightBitHeader
    }

    /// The whole header, with the blank line if the message had one.
    public private(set) var bytes: [UInt8] = []
    /// How many of the message's bytes it replaces.
    public private(set) var consumed = 0
    /// For duplicate suppression: the value as it stands, unfolded.
    public private(set) var messageID: [UInt8] = []
    public private(set) var date: [UInt8] = []

    /// Where the header ends in what came so far: past the blank line; nil when it is not all there.
    public static func end(_ message: RawSpan, from start: Int) -> Int? {
        var at = start
        while at < message.byteCount {
            guard let feed = message.firstOffset(of: 0x0a, from: at) else { return nil }
            if feed == at || (feed == at + 1 && message[at] == 0x0d) { return feed + 1 }
            at = feed + 1
        }
        return nil
    }

    /// Makes the header of a delivery out of the message's own, which `message` starts with. `makeID` gives a Message-ID for one without.
    public init(_ message: RawSpan, trace: Trace, eightBit: MessageIntake.EightBit, makeID: () -> String) throws(Refusal) {
        let own = try Self.fields(message)
        consumed = own.end
        bytes.reserveCapacity(own.end + 1024)
        appendTrace(trace)
        var hasID = false
        var hasDate = false
        for field in own.fields {
            let name = message.slice(field.start, field.nameEnd - field.start)
            if name.equalsIgnoringCase("return-path") { continue }
            if name.equalsIgnoringCase("message-id"), !hasID {
                hasID = true
                messageID = Self.value(message, field)
            } else if name.equalsIgnoringCase("date"), !hasDate {
                hasDate = true
                date = Self.value(message, field)
            }
            try appendField(message, field, eightBit)
        }
        if !hasID {
            let id = "<\(makeID())>"
            messageID = Array(id.utf8)
            bytes.append(text: "Message-ID: \(id)\r\n")
        } else if messageID.isEmpty {
            throw .invalidHeader
        }
        if !hasDate {
            MessageDate.appendRFC5322(trace.time, to: &date)
            bytes.append("Date: ")
            bytes.append(contentsOf: date)
            bytes.append("\r\n")
        }
        if own.hasBlankLine { bytes.append("\r\n") }
    }

    private mutating func appendTrace(_ trace: Trace) {
        bytes.append("Return-Path: ")
        bytes.append(contentsOf: trace.returnPath)
        bytes.append("\r\nReceived: from ")
        bytes.append(contentsOf: trace.helloName)
        bytes.append(text: " (\(trace.clientHost))\r\n\t by \(trace.serverName) (Cyrus \(trace.version)) with LMTP")
        if let tls = trace.tls {
            bytes.append(text: "SA\r\n\t (\(tls));\r\n\t ")
        } else {
            bytes.append("A;\r\n\t ")
        }
        MessageDate.appendRFC5322(trace.time, to: &bytes)
        bytes.append(text: "\r\nX-Cyrus-Session-Id: \(trace.sessionID)\r\n")
        // Written whether or not a script runs, as Cyrus does: filters of admins look for it.
        bytes.append("X-Sieve: CMU Sieve 3.0\r\n")
    }

    private mutating func appendField(_ message: RawSpan, _ field: Field, _ eightBit: MessageIntake.EightBit) throws(Refusal) {
        var at = field.start
        while at < field.end {
            let byte = message[at]
            at += 1
            if byte >= 0x80, eightBit != .keep {
                if eightBit == .reject { throw .eightBitHeader }
                bytes.append(UInt8(ascii: "X"))
            } else if byte == 0x0d, at == field.end || message[at] != 0x0a {
                bytes.append("\r\n")
            } else {
                bytes.append(byte)
            }
        }
    }

    // MARK: the message's own fields

    private struct Field {
        var start: Int
        var nameEnd: Int
        var valueStart: Int
        var end: Int
    }

    /// The fields, strictly: each line starts one or goes on with the one before; a name is printable ASCII, blanks may follow it.
    /// CR alone ends a line as CRLF does.
    private static func fields(_ message: RawSpan) throws(Refusal) -> (fields: [Field], end: Int, hasBlankLine: Bool) {
        var fields: [Field] = []
        var at = 0
        let count = message.byteCount
        while at < count {
            if message[at] == 0x0d || message[at] == 0x0a {
                let lineFeed = message[at] == 0x0d && at + 1 < count && message[at + 1] == 0x0a
                return (fields, at + (lineFeed ? 2 : 1), true)
            }
            let start = at
            while at < count, message[at] > 0x20, message[at] < 0x7f, message[at] != UInt8(ascii: ":") { at += 1 }
            let nameEnd = at
            while at < count, message[at] == 0x20 || message[at] == 0x09 { at += 1 }
            guard nameEnd > start, at < count, message[at] == UInt8(ascii: ":") else { throw .invalidHeader }
            let valueStart = at + 1
            at = valueStart
            repeat {
                while at < count, message[at] != 0x0d, message[at] != 0x0a { at += 1 }
                if at < count { at += message[at] == 0x0d && at + 1 < count && message[at + 1] == 0x0a ? 2 : 1 }
            } while at < count && (message[at] == 0x20 || message[at] == 0x09)
            fields.append(Field(start: start, nameEnd: nameEnd, valueStart: valueStart, end: at))
        }
        return (fields, count, false)
    }

    private static func value(_ message: RawSpan, _ field: Field) -> [UInt8] {
        var out: [UInt8] = []
        for i in field.valueStart..<field.end where message[i] != 0x0d && message[i] != 0x0a {
            if out.isEmpty, message[i] == 0x20 || message[i] == 0x09 { continue }
            out.append(message[i])
        }
        while out.last == 0x20 || out.last == 0x09 { out.removeLast() }
        return out
    }
}
