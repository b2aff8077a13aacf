import Bytes
import Configuration
import Delivery
import Mailbox
import Posix
import SASL
import Service
import Wire

/// One LMTP connection: reads lines, lets `LMTPTransaction` say what they ask for, and does it.
final class Session {
    let service: LMTPService
    let connection: Connection
    let client: Client
    var context: ServiceContext { service.context }
    var configuration: Configuration { service.context.configuration }

    var transaction: LMTPTransaction<ResolvedRecipient>
    /// The name the client gave itself.
    var helloName: [UInt8] = []
    /// By the kind of connection, not by a password.
    let isTrusted: Bool
    var hasLoggedIn = false
    let security: PeerSecurity
    var sessionID: String { didSet { context.store.sessionID = sessionID } }
    let registration: ProcessRegistration
    private var isOver = false

    /// Octets of a command line; RFC 5321 asks for 512, source routes and AUTH= may be longer.
    private static let lineLimit = 4096

    init(_ service: LMTPService, _ connection: Connection, _ client: Client) throws(SASLServer.Failure) {
        self.service = service
        self.connection = connection
        self.client = client
        let configuration = service.context.configuration
        isTrusted = client.isUnixSocket || service.context.options.has("a")
        var settings = LMTPTransaction<ResolvedRecipient>.Settings()
        if configuration[.maxmessagesize] > 0 { settings.sizeLimit = configuration[.maxmessagesize] }
        settings.refusesSoftly = configuration[.soft_noauth]
        transaction = LMTPTransaction(settings, isAuthenticated: isTrusted)
        sessionID = service.context.makeSessionID()
        service.context.store.sessionID = sessionID
        registration = ProcessRegistration(configuration, service: service.context.service, host: client.host)
        security = try PeerSecurity(service.security, client)
    }

    func run() {
        connection.timeout = max(1, configuration[.lmtptxn_timeout])
        registration.update(user: isTrusted ? "postman" : nil)
        if isTrusted { context.logger.debug("connection from \(client.host) preauth'd as postman") }
        do throws(ConnectionError) {
            if let text = context.shutdownText {
                say(LMTPReply("421 4.3.2 \(text)"))
            } else {
                greet()
                while !isOver { try serveOne() }
            }
        } catch {
            end(error)
        }
        do throws(ConnectionError) { try connection.flush() } catch {}
        registration.remove()
    }

    private func greet() {
        let name = configuration.serverName
        switch configuration[.serverinfo] {
        case "on": say(LMTPReply("220 \(name) Cyrus LMTP \(Version.text) server ready"))
        case "min": say(LMTPReply("220 \(name) server ready"))
        default: say(LMTPReply("220 server ready"))
        }
    }

    private func end(_ error: ConnectionError) {
        switch error {
        case .closed: break
        case .timedOut: say(LMTPReply("421 4.4.1 bye \(error)"))
        case .interrupted: say(LMTPReply("421 4.3.2 server shutting down"))
        case .lineTooLong, .io, .layer: context.logger.notice("\(error), closing connection from \(client.host)")
        }
    }

    func say(_ reply: LMTPReply) {
        connection.out.append(text: reply.text)
        connection.out.append("\r\n")
    }

    // MARK: commands

    private func serveOne() throws(ConnectionError) {
        let line: [UInt8]
        do throws(ConnectionError) {
            line = try connection.readLine(limit: Self.lineLimit)
        } catch .lineTooLong {
            say(.syntax)
            return
        }
        if let text = context.shutdownText {
            say(LMTPReply("421 4.3.2 \(text)"))
            isOver = true
            return
        }
        switch transaction.receive(LMTPCommand(line, strict: configuration[.lmtp_strict_rfc2821])) {
        case .reply(let reply): say(reply)
        case .hello(let name): hello(name)
        case .resolve(let address, let ignoresQuota): resolve(address, ignoresQuota)
        case .receiveMessage: try receiveMessage()
        case .reset:
            sessionID = context.makeSessionID()
            say(.reset(session: sessionID))
        case .startTLS: try startTLS()
        case .authenticate(let mechanism, let initial): try authenticate(mechanism, initial)
        case .quit:
            say(.bye)
            isOver = true
        }
        try connection.flushIfFull()
    }

    private func hello(_ name: [UInt8]) {
        helloName = name
        let limit = configuration[.maxmessagesize]
        var words = [configuration.serverName, "8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING", limit > 0 ? "SIZE \(limit)" : "SIZE"]
        if security.offersTLS, security.tls == nil, !isTrusted { words.append("STARTTLS") }
        let mechanisms = mechanisms
        if !hasLoggedIn, !mechanisms.isEmpty { words.append("AUTH \(mechanisms)") }
        words.append("IGNOREQUOTA")
        for word in words { connection.out.append(text: "250-\(word)\r\n") }
        say(LMTPReply("250 Ok SESSIONID=<\(sessionID)>"))
        sessionID = context.makeSessionID()
    }

    /// Whoever the sender says he is (AUTH= of a client that is trusted to say so), or nobody.
    var sender: Identity {
        transaction.authenticatedAs.map { context.accounts.identity(of: $0) } ?? .anonymous
    }

    private func resolve(_ address: EnvelopeAddress, _ ignoresQuota: Bool) {
        do throws(MailboxError) {
            let recipient = try service.resolver.resolve(
                address, ignoresQuota: ignoresQuota, size: transaction.announcedSize, as: sender)
            if let user = recipient.user, context.accounts.isDenied(user) {
                say(LMTPReply("451 4.2.1 Delivery to mailbox is disabled"))
                return
            }
            transaction.accept(recipient)
            say(.recipientAccepted)
        } catch {
            switch error {
            case .nonexistent, .permissionDenied, .overQuota, .badName:
                context.logger.debug("verify_user(\(address.mailbox.text)) failed: \(error)")
            default: context.logger.error("IOERROR: verify_user(\(address.mailbox.text)): \(error) sessionid=<\(sessionID)>")
            }
            say(reply(error))
        }
    }

    func reply(_ error: MailboxError) -> LMTPReply {
        LMTPReply(
            error, postmaster: configuration[.postmaster], permanentOverQuota: configuration[.lmtp_over_quota_perm_failure],
            session: sessionID)
    }
}
