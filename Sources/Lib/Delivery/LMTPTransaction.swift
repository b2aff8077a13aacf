import Bytes

/// The state of one LMTP session between commands: who has said MAIL, who is addressed (RFC 2033). Knows no files and no sockets:
/// `receive` says what is to be done for a command, and is told the outcome of a RCPT by `accept`.
public struct LMTPTransaction<Recipient> {
    public struct Settings: Sendable {
        /// maxmessagesize in octets; the announced SIZE is held against it.
        public var sizeLimit = Int(Int32.max)
        public var recipientLimit = 10_000
        /// soft_noauth
        public var refusesSoftly = true

        public init() {}
    }

    /// What a command asks for.
    public enum Action: Sendable, Equatable {
        case reply(LMTPReply)
        /// Greets with the extensions. What MAIL and RCPT said stands, as in Cyrus.
        case hello([UInt8])
        /// Looks a recipient up, to accept it or to say why not.
        case resolve(EnvelopeAddress, ignoresQuota: Bool)
        case receiveMessage
        case reset
        case startTLS
        case authenticate(mechanism: [UInt8], initial: [UInt8]?)
        case quit
    }

    public let settings: Settings
    public var isAuthenticated: Bool
    public private(set) var sender: EnvelopeAddress?
    /// The size announced by the sender, in octets; 0 when it was not.
    public private(set) var announcedSize = 0
    public private(set) var authenticatedAs: String?
    public private(set) var recipients: [Recipient] = []

    public init(_ settings: Settings, isAuthenticated: Bool) {
        self.settings = settings
        self.isAuthenticated = isAuthenticated
    }

    public mutating func receive(_ command: LMTPCommand) -> Action {
        switch command {
        case .hello(let name): return .hello(name)
        case .mail(let arguments): return .reply(mail(arguments))
        case .recipient(let arguments): return recipient(arguments)
        case .data: return recipients.isEmpty ? .reply(.noRecipients) : .receiveMessage
        case .reset:
            clear()
            return .reset
        case .noOperation: return .reply(.done)
        case .verify: return .reply(.cannotVerify)
        case .quit: return .quit
        case .startTLS: return .startTLS
        case .authenticate(let mechanism, let initial): return .authenticate(mechanism: mechanism, initial: initial)
        case .unknown: return .reply(.syntax)
        }
    }

    private mutating func mail(_ arguments: MailArguments?) -> LMTPReply {
        guard isAuthenticated else { return .authenticationRequired(soft: settings.refusesSoftly) }
        guard let arguments else { return .syntax }
        guard sender == nil else { return .nested }
        sender = arguments.sender
        authenticatedAs = arguments.authenticatedAs
        switch arguments.problem {
        case .syntax?, .sizeSyntax?: return .parameterSyntax
        case .unknownBody?: return .unknownBody
        case .sizeWithoutValue?: return .sizeWithoutValue
        case .unknownParameter?: return .unknownParameter
        case nil: break
        }
        announcedSize = arguments.size ?? 0
        if announcedSize > settings.sizeLimit { return .sizeAnnouncedTooBig(limit: settings.sizeLimit) }
        return .senderAccepted
    }

    private func recipient(_ arguments: RecipientArguments) -> Action {
        guard sender != nil else { return .reply(.needsMail) }
        switch arguments.problem {
        case .syntax?: return .reply(.parameterSyntax)
        case .unknownParameter?: return .reply(.unknownParameter)
        case nil: break
        }
        guard let address = arguments.address else { return .reply(.parameterSyntax) }
        guard recipients.count < settings.recipientLimit else { return .reply(.tooManyRecipients) }
        return .resolve(address, ignoresQuota: arguments.ignoresQuota)
    }

    public mutating func accept(_ recipient: Recipient) {
        recipients.append(recipient)
    }

    /// After RSET, STARTTLS and a message.
    public mutating func clear() {
        sender = nil
        authenticatedAs = nil
        announcedSize = 0
        recipients.removeAll(keepingCapacity: true)
    }
}
