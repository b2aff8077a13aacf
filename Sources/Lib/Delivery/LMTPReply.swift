import Bytes
public import Mailbox

/// What the server says (RFC 2033, RFC 3463), in Cyrus's words.
public struct LMTPReply: Sendable, Equatable {
    /// One or more lines without CRLF; all but the last have `-` after the code.
    public let text: String

    public init(_ text: String) { self.text = text }

    public static let syntax = LMTPReply("500 5.5.2 Syntax error")
    public static let parameterSyntax = LMTPReply("501 5.5.4 Syntax error in parameters")
    public static let unknownParameter = LMTPReply("501 5.5.4 Unrecognized parameters")
    public static let unknownBody = LMTPReply("501 5.5.4 Unrecognized BODY type")
    public static let sizeWithoutValue = LMTPReply("501 5.5.2 SIZE requires a value")
    public static let nested = LMTPReply("503 5.5.1 Nested MAIL command")
    public static let needsMail = LMTPReply("503 5.5.1 Need MAIL command")
    public static let noRecipients = LMTPReply("503 5.5.1 No recipients")
    public static let senderAccepted = LMTPReply("250 2.1.0 ok")
    public static let recipientAccepted = LMTPReply("250 2.1.5 ok")
    public static let done = LMTPReply("250 2.0.0 ok")
    public static let cannotVerify = LMTPReply("252 2.3.3 try RCPT to attempt delivery")
    public static let goAhead = LMTPReply("354 go ahead")
    public static let bye = LMTPReply("221 2.0.0 bye")
    public static let tooManyRecipients = LMTPReply("452 4.5.3 Too many recipients")
    public static let unknownMechanism = LMTPReply("504 Unrecognized authentication type.")
    public static let authenticated = LMTPReply("235 Authenticated!")
    public static let alreadyAuthenticated = LMTPReply("503 5.5.0 already authenticated")
    public static let authenticationFailed = LMTPReply("501 5.5.4 undefined error!")
    public static let authenticationCanceled = LMTPReply("501 5.5.4 client canceled authentication")
    public static let beginTLS = LMTPReply("220 Begin TLS negotiation now")
    public static let alreadyTLS = LMTPReply("454 4.3.3 Already successfully executed STARTTLS")
    public static let noTLS = LMTPReply("454 4.3.3 Error initializing TLS")

    public static func authenticationRequired(soft: Bool) -> LMTPReply {
        LMTPReply("\(soft ? 430 : 530) Authentication required")
    }

    public static func sizeAnnouncedTooBig(limit: Int) -> LMTPReply {
        LMTPReply("552 5.2.3 Message SIZE exceeds fixed maximum message size (\(limit))")
    }

    public static func tooBig(size: Int, limit: Int) -> LMTPReply {
        LMTPReply("552 5.2.3 Message size (\(size)) exceeds fixed maximum message size (\(limit))")
    }

    public static func reset(session: String) -> LMTPReply { LMTPReply("250 2.0.0 Ok SESSIONID=<\(session)>") }
    public static func delivered(session: String) -> LMTPReply { LMTPReply("250 2.1.5 Success SESSIONID=<\(session)>") }

    public static func overQuota(permanent: Bool, session: String) -> LMTPReply {
        LMTPReply("\(permanent ? "552 5.2.2" : "452 4.2.2") Over quota SESSIONID=<\(session)>")
    }

    public static let unknownUser = LMTPReply(
        "550-Mailbox unknown.  Either there is no mailbox associated with this\r\n"
            + "550-name or you do not have authorization to see it.\r\n550 5.1.1 User unknown")

    /// `postmaster` is imapd.conf's option.
    public static func mayNotPost(postmaster: String) -> LMTPReply {
        LMTPReply(
            "550-You do not have permission to post a message to this mailbox.\r\n"
                + "550-Please contact the owner of this mailbox in order to submit\r\n550-your message, or \(postmaster) if you believe you\r\n"
                + "550-received this message in error.\r\n550 5.7.1 Permission denied")
    }

    public static func refused(_ text: some CustomStringConvertible) -> LMTPReply { LMTPReply("554 5.6.0 \(text)") }

    /// What a failing delivery is answered with: 4xx wherever a later attempt may succeed.
    public init(_ error: MailboxError, postmaster: String, permanentOverQuota: Bool, session: String) {
        switch error {
        case .nonexistent: self = .unknownUser
        case .permissionDenied: self = .mayNotPost(postmaster: postmaster)
        case .overQuota: self = .overQuota(permanent: permanentOverQuota, session: session)
        case .tooManyMessages: self = LMTPReply("451 4.3.0 Mailbox is over MESSAGE quota")
        case .badName: self = LMTPReply("451 4.3.0 Invalid mailbox name")
        case .badPartition: self = LMTPReply("451 4.3.0 Unknown/invalid partition")
        case .notSupported: self = LMTPReply("451 4.2.0 Operation is not supported on mailbox")
        case .locked: self = LMTPReply("451 4.2.1 Mailbox is locked")
        case .containsNUL: self = .refused("Message contains NUL characters")
        case .containsBareNewlines: self = .refused("Message contains bare newlines")
        case .contains8Bit: self = .refused("Message contains non-ASCII characters in headers")
        case .badHeader: self = .refused("Message contains invalid header")
        case .io, .database:
            self = error.isFull ? LMTPReply("451 4.3.1 No space left on the server's disk") : LMTPReply("451 4.3.0 System I/O error")
        default: self = LMTPReply("451 4.3.0 System I/O error")
        }
    }
}
