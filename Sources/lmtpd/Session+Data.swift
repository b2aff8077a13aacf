import Bytes
import Configuration
import Delivery
import Mailbox
import Message
import Posix
import Service
import Wire

extension Session {
    /// DATA: takes the message in, delivers it, and answers once for each recipient (RFC 2033 section 4.2).
    func receiveMessage() throws(ConnectionError) {
        say(.goAhead)
        let recipients = transaction.recipients
        let time = Clock.now
        var intake = MessageIntakeState(partition: partition(of: recipients))
        try readMessage(&intake, time)
        let replies: [LMTPReply]
        if let refusal = intake.refusal {
            replies = recipients.map { _ in refusal }
        } else {
            replies = deliver(intake, to: recipients, time)
        }
        for reply in replies { say(reply) }
        transaction.clear()
        sessionID = context.makeSessionID()
        try connection.flush()
        service.delivery.tidy()
    }

    /// Reads to the lone dot, whatever is wrong with the message: until then nothing else can be said.
    private func readMessage(_ intake: inout MessageIntakeState, _ time: Int64) throws(ConnectionError) {
        var decoder = MessageDecoder()
        while !decoder.isComplete {
            if connection.available == 0 { try connection.fill() }
            var taken = 0
            connection.withAvailable { taken = decoder.feed($0) }
            connection.consume(taken)
            if intake.refusal != nil {
                decoder.dropOutput()
            } else {
                take(decoder.takeOutput(), isLast: decoder.isComplete, &intake, time)
            }
            if decoder.containsNUL, intake.refusal == nil { intake.refuse(.refused(MessageIntake.Refusal.containsNUL.text)) }
            intake.total = intake.added + decoder.count
            if !decoder.isComplete, taken == 0 { try connection.fill() }
        }
        let limit = transaction.settings.sizeLimit
        if intake.total > limit { intake.refusal = .tooBig(size: intake.total, limit: limit) }
    }

    /// Adds decoded bytes to the message: the header is gathered until it is whole and rewritten, the body is passed on.
    private func take(_ bytes: [UInt8], isLast: Bool, _ intake: inout MessageIntakeState, _ time: Int64) {
        do throws(MailboxError) {
            if intake.header != nil {
                try keep(bytes, &intake)
                return
            }
            let searched = max(0, intake.early.count - 2)
            if intake.early.isEmpty { intake.early = bytes } else { intake.early += bytes }
            // A blank line is CRLF behind a line end.
            let start = searched == 0 ? 0 : intake.lineStart
            guard DeliveredHeader.end(intake.early.span.bytes, from: start) != nil || isLast else {
                intake.rememberLineStart()
                if intake.early.count > MessageIntake.headerLimit {
                    intake.refuse(.refused(MessageIntake.Refusal.invalidHeader.text))
                }
                return
            }
            let early = intake.early
            intake.early = []
            let header: DeliveredHeader
            do throws(DeliveredHeader.Refusal) {
                header = try DeliveredHeader(early.span.bytes, trace: trace(time), eightBit: eightBit) {
                    service.makeMessageID(time: time)
                }
            } catch {
                intake.refuse(.refused((error == .invalidHeader ? MessageIntake.Refusal.invalidHeader : .eightBitHeader).text))
                return
            }
            intake.header = header
            intake.added = header.bytes.count - header.consumed
            try keep(header.bytes + early[header.consumed...], &intake)
        } catch {
            context.logger.error("IOERROR: receiving a message: \(error) sessionid=<\(sessionID)>")
            intake.refuse(reply(error))
        }
    }

    private func keep(_ bytes: [UInt8], _ intake: inout MessageIntakeState) throws(MailboxError) {
        if intake.spool.count + bytes.count > transaction.settings.sizeLimit {
            // Too big: how big is said at the end.
            intake.refuse(.syntax)
            return
        }
        try intake.spool.append(bytes, in: context.store, partition: intake.partition)
    }

    private var eightBit: MessageIntake.EightBit {
        configuration[.reject8bit] ? .reject : configuration[.munge8bit] ? .munge : .keep
    }

    private func trace(_ time: Int64) -> DeliveredHeader.Trace {
        // A client certificate that fails verification fails the handshake; without one, OpenSSL's verdict is YES as well.
        let tlsText = security.tls.map { layer in
            "version=\(layer.version) cipher=\(layer.cipher) bits=\(layer.bits.used)/\(layer.bits.algorithm) verify=YES"
        }
        return DeliveredHeader.Trace(
            returnPath: transaction.sender?.path ?? [UInt8]("<>"), helloName: helloName, clientHost: client.host,
            serverName: configuration.serverName, version: Version.text, tls: tlsText, sessionID: sessionID, time: time)
    }

    /// The partition that the first recipient's mailbox is on: most messages have one recipient, most servers one partition.
    private func partition(of recipients: [ResolvedRecipient]) -> String {
        for recipient in recipients {
            if let entry = try? service.resolver.target(recipient, as: sender) { return entry.partition }
        }
        return configuration[.defaultpartition] ?? "default"
    }

    private func deliver(_ intake: consuming MessageIntakeState, to recipients: [ResolvedRecipient], _ time: Int64) -> [LMTPReply] {
        let envelope = MessageDelivery.Envelope(
            messageID: intake.header?.messageID ?? [], date: intake.header?.date ?? [], sender: sender, sessionID: sessionID, time: time)
        let partition = intake.partition
        do throws(MailboxError) {
            let limits = ParserLimits(boundaryLimit: configuration[.boundary_limit])
            let staged = try intake.spool.stage(in: context.store, partition: partition, limits: limits)
            return service.delivery.deliver(staged, envelope, to: recipients).map { outcome in
                switch outcome {
                case .success: .delivered(session: sessionID)
                case .failure(let error): reply(error)
                }
            }
        } catch {
            context.logger.error("IOERROR: staging a message: \(error) sessionid=<\(sessionID)>")
            return recipients.map { _ in reply(error) }
        }
    }
}

/// A message between DATA and the lone dot.
struct MessageIntakeState: ~Copyable {
    let partition: String
    var spool = MessageSpool()
    /// What came before the header was whole.
    var early: [UInt8] = []
    /// Where the last line of `early` starts.
    var lineStart = 0
    var header: DeliveredHeader?
    /// By how much the rewritten header is longer than the client's.
    var added = 0
    /// Octets of the message as it would be stored.
    var total = 0
    var refusal: LMTPReply?

    init(partition: String) {
        self.partition = partition
    }

    mutating func refuse(_ reply: LMTPReply) {
        refusal = reply
        early = []
        spool = MessageSpool()
    }

    mutating func rememberLineStart() {
        var at = early.count
        while at > lineStart, early[at - 1] != 0x0a { at -= 1 }
        lineStart = at
    }
}
