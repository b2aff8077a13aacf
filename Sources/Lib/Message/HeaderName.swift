import Bytes

/// The header fields that the parser reads.
enum HeaderName {
    case bcc, cc, contentDescription, contentDisposition, contentID, contentLanguage, contentLocation, contentMD5
    case contentTransferEncoding, contentType, date, deliveredInternalDate, from, inReplyTo, messageID, received, references, replyTo
    case sender, subject, to

    init?(_ name: borrowing RawSpan) {
        switch name.byteCount {
        case 2:
            if name.equalsIgnoringCase("to") { self = .to } else if name.equalsIgnoringCase("cc") { self = .cc } else { return nil }
        case 3: if name.equalsIgnoringCase("bcc") { self = .bcc } else { return nil }
        case 4:
            if name.equalsIgnoringCase("from") {
                self = .from
            } else if name.equalsIgnoringCase("date") {
                self = .date
            } else {
                return nil
            }
        case 6: if name.equalsIgnoringCase("sender") { self = .sender } else { return nil }
        case 7: if name.equalsIgnoringCase("subject") { self = .subject } else { return nil }
        case 8:
            if name.equalsIgnoringCase("received") {
                self = .received
            } else if name.equalsIgnoringCase("reply-to") {
                self = .replyTo
            } else {
                return nil
            }
        case 10:
            if name.equalsIgnoringCase("message-id") {
                self = .messageID
            } else if name.equalsIgnoringCase("references") {
                self = .references
            } else if name.equalsIgnoringCase("content-id") {
                self = .contentID
            } else {
                return nil
            }
        case 11:
            if name.equalsIgnoringCase("in-reply-to") {
                self = .inReplyTo
            } else if name.equalsIgnoringCase("content-md5") {
                self = .contentMD5
            } else {
                return nil
            }
        case 12: if name.equalsIgnoringCase("content-type") { self = .contentType } else { return nil }
        case 16:
            if name.equalsIgnoringCase("content-language") {
                self = .contentLanguage
            } else if name.equalsIgnoringCase("content-location") {
                self = .contentLocation
            } else {
                return nil
            }
        case 19:
            if name.equalsIgnoringCase("content-disposition") {
                self = .contentDisposition
            } else if name.equalsIgnoringCase("content-description") {
                self = .contentDescription
            } else {
                return nil
            }
        case 23: if name.equalsIgnoringCase("x-deliveredinternaldate") { self = .deliveredInternalDate } else { return nil }
        case 25: if name.equalsIgnoringCase("content-transfer-encoding") { self = .contentTransferEncoding } else { return nil }
        default: return nil
        }
    }

    /// Fields that only the header of a message needs, and no other part's.
    var isOfEnvelope: Bool {
        switch self {
        case .bcc, .cc, .date, .deliveredInternalDate, .from, .inReplyTo, .messageID, .received, .references, .replyTo, .sender, .subject,
            .to:
            true
        default: false
        }
    }
}
