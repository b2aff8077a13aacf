import Bytes
import Charset

/// How far a message is followed. The defaults are imapd.conf's.
public struct ParserLimits: Sendable {
    /// `boundary_limit`: multiparts inside one another; deeper ones are not taken apart. 0: no limit.
    public var boundaryLimit: Int
    /// `maxheaderlines`: header lines of one part that are looked at. 0: no limit.
    public var headerLines: Int
    /// message/rfc822 parts inside one another that are taken apart.
    public var messageDepth: Int

    public init(boundaryLimit: Int = 1000, headerLines: Int = 1000, messageDepth: Int = 1000) {
        self.boundaryLimit = boundaryLimit
        self.headerLines = headerLines
        self.messageDepth = messageDepth
    }
}

/// One MIME part; offsets count from the start of the message.
public struct MessagePart: Sendable {
    public internal(set) var headerOffset = 0
    /// With the blank line that ends it.
    public internal(set) var headerSize = 0
    public internal(set) var contentOffset = 0
    public internal(set) var contentSize = 0
    var headerLines = 0
    public internal(set) var contentLines = 0
    var boundarySize = 0
    var boundaryLines = 0

    /// SHA-1 of the content with its transfer encoding undone; none for a multipart and for an unknown encoding.
    public internal(set) var contentGUID = GUID.none
    public internal(set) var decodedSize = 0

    var type = TextRef.none
    var subtype = TextRef.none
    var encoding = TextRef.none
    var id = TextRef.none
    var description = TextRef.none
    var md5 = TextRef.none
    var disposition = TextRef.none
    var location = TextRef.none
    var parameters = 0..<0
    var dispositionParameters = 0..<0
    var languages = 0..<0
    /// Index into `ParsedMessage.envelopes`: only the header of a message has one.
    var envelope = -1

    var kind = Kind.leaf
    /// Parts of a multipart, or 1 for the message that a message/rfc822 holds.
    public internal(set) var childCount = 0
    var firstChild = -1
    var nextSibling = -1

    enum Kind: UInt8, Sendable { case leaf, multipart, message }
}

/// A `name=value` of Content-Type or Content-Disposition; the name in upper case.
struct Parameter: Sendable {
    var name: TextRef
    var value: TextRef
}

/// The header fields of a message that its envelope and its index record are made of. Unfolded, except for the address lists.
struct EnvelopeFields: Sendable {
    var date = TextRef.none
    var subject = TextRef.none
    var from = TextRef.none
    var sender = TextRef.none
    var replyTo = TextRef.none
    var to = TextRef.none
    var cc = TextRef.none
    var bcc = TextRef.none
    var inReplyTo = TextRef.none
    var messageID = TextRef.none
    var references = TextRef.none
    var receivedDate = TextRef.none
}

/// A message taken apart: its MIME tree, the strings of its header, its digests (Cyrus `struct body`).
///
/// Made once from the bytes, which it does not keep. `parts[0]` is the message itself; the tree is walked by `children(of:)`.
public struct ParsedMessage: Sendable {
    /// Bytes of the whole message.
    public internal(set) var size = 0
    /// SHA-1 of the whole message.
    public internal(set) var guid = GUID.none
    public internal(set) var parts: [MessagePart] = []
    /// The lines of item 4 of the cache record, with CRLF.
    public internal(set) var cachedHeaders: [UInt8] = []

    var text = TextArena()
    var parameters: [Parameter] = []
    var envelopes: [EnvelopeFields] = []

    /// Bytes of the message's header with its blank line (index record `header_size`).
    public var headerSize: Int { parts[0].headerSize }
    public var contentLines: Int { parts[0].contentLines }

    /// The parts right below `part`, in order.
    public func children(of part: Int) -> [Int] {
        var out: [Int] = []
        var next = parts[part].firstChild
        while next >= 0 {
            out.append(next)
            next = parts[next].nextSibling
        }
        return out
    }

    /// Type and subtype in upper case, `TEXT` `PLAIN` if none was given.
    public func mediaType(of part: Int) -> (type: [UInt8], subtype: [UInt8]) {
        (text.span(parts[part].type).array, text.span(parts[part].subtype).array)
    }

    public func transferEncoding(of part: Int) -> TransferEncoding {
        // A message's content is never encoded (RFC 2046 section 5.2.1), whatever its header says.
        if text.equals(parts[part].type, "MESSAGE") { return .identity }
        return TransferEncoding(name: text.span(parts[part].encoding))
    }

    /// The value of a Content-Type parameter as it stands in the header; the name in upper case.
    public func parameter(_ name: StaticString, of part: Int) -> [UInt8]? {
        for i in parts[part].parameters where text.equals(parameters[i].name, name) { return text.span(parameters[i].value).array }
        return nil
    }

    public func contentID(of part: Int) -> [UInt8]? { text.array(parts[part].id) }
    public func contentDescription(of part: Int) -> [UInt8]? { text.array(parts[part].description) }
    public func contentMD5(of part: Int) -> [UInt8]? { text.array(parts[part].md5) }
    public func contentDisposition(of part: Int) -> [UInt8]? { text.array(parts[part].disposition) }
    public func contentLocation(of part: Int) -> [UInt8]? { text.array(parts[part].location) }
    public func contentLanguages(of part: Int) -> [[UInt8]] {
        parts[part].languages.map { text.span(parameters[$0].value).array }
    }

    /// Unfolded header values of the message; nil when the field is missing.
    public var date: [UInt8]? { text.array(envelopes[0].date) }
    public var subject: [UInt8]? { text.array(envelopes[0].subject) }
    public var messageID: [UInt8]? { text.array(envelopes[0].messageID) }
    public var inReplyTo: [UInt8]? { text.array(envelopes[0].inReplyTo) }
    public var references: [UInt8]? { text.array(envelopes[0].references) }
    /// The date of the topmost Received field, or the value of X-DeliveredInternalDate, which goes before it.
    public var receivedDate: [UInt8]? { text.array(envelopes[0].receivedDate) }
    /// Raw address lists, for `AddressList`.
    public var from: [UInt8]? { text.array(envelopes[0].from) }
    public var sender: [UInt8]? { text.array(envelopes[0].sender) }
    public var replyTo: [UInt8]? { text.array(envelopes[0].replyTo) }
    public var to: [UInt8]? { text.array(envelopes[0].to) }
    public var cc: [UInt8]? { text.array(envelopes[0].cc) }
    public var bcc: [UInt8]? { text.array(envelopes[0].bcc) }

    /// Full Date: in UTC (index record `gmtime`); the internal date when there is none or it is wrong.
    public func gmtime(internalDate: Int64) -> Int64 {
        guard !envelopes[0].date.isNone, let time = MessageDate.parse(text.span(envelopes[0].date)), time != 0 else { return internalDate }
        return time
    }

    /// Day of Date: as midnight in the server's zone (index record `sentdate`); the internal date's day when there is none or it is wrong.
    public func sentDate(internalDate: Int64, zone: ServerTimeZone = .system) -> Int64 {
        guard !envelopes[0].date.isNone, let day = MessageDate.parseDay(text.span(envelopes[0].date), zone: zone), day != 0 else {
            return zone.startOfDay(internalDate)
        }
        return day
    }
}
