import Bytes
import Configuration
import Index
import Mailbox
import Message
import Posix
import SASL
import Service
import Wire

/// One IMAP connection: its state (RFC 3501 section 3) and the loop over its commands.
///
/// Commands are in `Session+….swift`, one concern each.
final class Session {
    let service: IMAPService
    let connection: Connection
    let client: Client
    var context: ServiceContext { service.context }
    var store: MailStore { service.context.store }

    enum State {
        case notAuthenticated
        case authenticated(Identity)
        case selected(Identity, IndexView)
        case logout
    }

    var state = State.notAuthenticated
    let security: PeerSecurity
    var isCompressed = false
    var sessionID: String { didSet { store.sessionID = sessionID } }
    let registration: ProcessRegistration
    var namespace: Namespace
    /// ENABLEd (RFC 5161).
    var enabled: Set<String> = []
    /// Flags are told with their modseq (RFC 7162 3.1).
    var isCondstoreEnabled = false
    /// The FLAGS just written were news.
    var hasChangedFlags = false
    /// The folder that `user+folder` at LOGIN made the INBOX (imapmagicplus).
    var magicFolder: String?
    /// The quota root that was last looked at for warnings, and when.
    var warnedOfQuota: (root: String, at: Int64)?
    private var reader = CommandReader()
    /// The message that came with the command in hand.
    var incoming: IncomingMessage?

    init(_ service: IMAPService, _ connection: Connection, _ client: Client) throws(SASLServer.Failure) {
        self.service = service
        self.connection = connection
        self.client = client
        let configuration = service.context.configuration
        security = try PeerSecurity(service.security, client)
        sessionID = service.context.makeSessionID()
        service.context.store.sessionID = sessionID
        registration = ProcessRegistration(configuration, service: service.context.service, host: client.host)
        namespace = Namespace(configuration, user: nil, isAdmin: false)
        reader.limits.line = max(1024, configuration[.maxword])
        reader.limits.literal = configuration[.maxliteral] > 0 ? configuration[.maxliteral] : reader.limits.literal
        reader.limits.total = configuration[.maxargssize]
        if configuration[.maxmessagesize] > 0 { reader.limits.message = configuration[.maxmessagesize] }
    }

    // MARK: the loop

    func run() {
        let configuration = context.configuration
        connection.timeout = max(30 * 60, configuration[.timeout])
        registration.update()
        do throws(ConnectionError) {
            if context.options.has("s") { try security.beginTLS(connection) }
            if let bits = context.options.argument("p").flatMap({ Int($0) }) {
                security.noteOuterLayer(bits: bits)
            }
            if let text = context.shutdownText {
                sayBye("[ALERT] \(text)")
                return
            }
            greet()
            while !isLogout {
                try serveOne()
            }
        } catch {
            end(error)
        }
        close()
    }

    private var isLogout: Bool {
        if case .logout = state { return true }
        return false
    }

    private func greet() {
        out("* OK [CAPABILITY \(capabilities(atGreeting: true))] \(banner)server ready\r\n")
        if let motd = context.motd { out("* OK [ALERT] \(motd)\r\n") }
    }

    var banner: String {
        switch context.configuration[.serverinfo] {
        case "on": "\(context.configuration.serverName) Cyrus IMAP \(Version.text) "
        case "min": "\(context.configuration.serverName) "
        default: ""
        }
    }

    private func serveOne() throws(ConnectionError) {
        let command: [UInt8]
        do throws(CommandReader.Failure) {
            (command, incoming) = try reader.next(connection) { incomingMessage($0) }
        } catch {
            switch error {
            case .connection(let error): throw error
            case .tooLong(let tag, let text):
                out("\(tag.text) BAD \(text)\r\n")
                return
            case .hopeless(let text):
                sayBye(text)
                state = .logout
                return
            }
        }
        if let text = context.shutdownText {
            sayBye("[ALERT] \(text)")
            state = .logout
            return
        }
        var parser = CommandParser(command)
        let tag: [UInt8]
        do throws(ParseFailure) {
            tag = try parser.atom()
        } catch {
            out("* BAD Invalid tag\r\n")
            return
        }
        guard !tag.contains(UInt8(ascii: "+")) else {
            out("* BAD Invalid tag\r\n")
            return
        }
        guard parser.take(0x20), !parser.isAtEnd else {
            out("\(tag.text) BAD Null command\r\n")
            return
        }
        try dispatch(Tag(tag), &parser)
        incoming = nil
        try connection.flushIfFull()
    }

    private func end(_ error: ConnectionError) {
        switch error {
        case .timedOut: sayBye("idle for too long")
        case .interrupted: sayBye("server shutting down")
        case .closed: break
        default: context.logger.notice("\(error), closing connection")
        }
    }

    private func close() {
        if case .selected(_, let view) = state { leave(view) }
        state = .logout
        do throws(ConnectionError) { try connection.flush() } catch {}
        if context.configuration[.auditlog] {
            context.logger.notice(
                "auditlog: traffic sessionid=<\(sessionID)> bytes_in=<\(connection.bytesIn)> bytes_out=<\(connection.bytesOut)>")
        }
        registration.remove()
    }

    // MARK: state

    var identity: Identity? {
        switch state {
        case .authenticated(let identity), .selected(let identity, _): identity
        default: nil
        }
    }

    var selected: IndexView? {
        if case .selected(_, let view) = state { return view }
        return nil
    }

    /// Who is logged in; only asked for in commands that need a login.
    var me: Identity { identity ?? .anonymous }

    // MARK: output

    func out(_ text: String) { connection.out.append(text: text) }

    func sayBye(_ text: String) {
        // A text that starts with a bracket would look like a response code of ours.
        out("* BYE \(text)\r\n")
    }

    func ok(_ tag: Tag, _ text: String) { out("\(tag.text) OK \(text)\r\n") }
    func no(_ tag: Tag, _ text: String) { out("\(tag.text) NO \(text)\r\n") }
    func bad(_ tag: Tag, _ text: String) { out("\(tag.text) BAD \(text)\r\n") }

    /// The NO of a mailbox error, in Cyrus's words; what an admin has to know goes to the log.
    func no(_ tag: Tag, _ error: MailboxError) {
        switch error {
        case .io, .database, .damaged, .messageMissing: context.logger.error("IOERROR: \(error) sessionid=<\(sessionID)>")
        case .locked: context.logger.warning("\(error) sessionid=<\(sessionID)>")
        default: break
        }
        no(tag, error.imapText)
    }
}

/// A command's tag, as it was sent.
struct Tag {
    let bytes: [UInt8]
    var text: String { bytes.text }
    init(_ bytes: [UInt8]) { self.bytes = bytes }
}

extension MailboxError {
    /// What a client is told.
    var imapText: String {
        switch self {
        case .nonexistent: "Mailbox does not exist"
        case .exists: "[ALREADYEXISTS] Mailbox already exists"
        case .badName: "Invalid mailbox name"
        case .permissionDenied: "Permission denied"
        case .overQuota: "Over quota"
        case .noQuotaRoot: "Quota root does not exist"
        case .badPartition: "Unknown/invalid partition"
        case .notSupported: "Operation is not supported on mailbox"
        case .hasChildren: "[HASCHILDREN] Mailbox has inferior hierarchical names"
        case .tooManyCopies: "Too many identical emails"
        case .tooManyMessages: "Mailbox is over MESSAGE quota"
        case .tooManyUserFlags: "Too many user flags in mailbox"
        case .badFlag(let flag): "Invalid flag \(flag)"
        case .locked: "Mailbox is locked"
        case .containsNUL: "Message contains NUL characters"
        case .containsBareNewlines: "Message contains bare newlines"
        case .contains8Bit: "Message contains non-ASCII characters in headers"
        case .badHeader: "Message contains invalid header"
        case .messageMissing: "[UNAVAILABLE] Message file is missing on the server"
        case .damaged: "System I/O error"
        case .io, .database: isFull ? "No space left on the server's disk" : "System I/O error"
        }
    }
}
