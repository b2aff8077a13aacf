import Configuration
import Delivery
import Mailbox
import Posix
import SASL
import Service
import Wire

/// lmtpd: what is kept from one connection of the process to the next.
final class LMTPService: ServiceProtocol {
    /// -a: whoever connects by TCP may deliver, as over a unix socket.
    static let flags = "a"

    let context: ServiceContext
    let sasl: SASLServer
    let delivery: MessageDelivery
    let resolver: RecipientResolver
    let offersTLS: Bool
    private var tls: TLSContext?
    private var messageIDs = 0

    init(_ context: ServiceContext) {
        self.context = context
        do throws(SASLServer.Failure) {
            sasl = try SASLServer(context.configuration, service: "lmtp", logger: context.logger)
        } catch {
            Program.fatal("\(error)", ExitStatus.temporaryFailure, context.logger)
        }
        delivery = MessageDelivery(context.store)
        resolver = RecipientResolver(context.store) { context.accounts.identity(of: $0) }
        offersTLS = TLSContext.isConfigured(context.configuration)
    }

    /// The process's TLS context, made when first wanted.
    func tlsContext() throws(TLSContext.Failure) -> TLSContext {
        if let tls { return tls }
        let made = try TLSContext(context.configuration)
        tls = made
        return made
    }

    /// `cmu-lmtpd-PID-TIME-SEQUENCE@SERVER`, for a message that comes without one.
    func makeMessageID(time: Int64) -> String {
        messageIDs += 1
        return "cmu-lmtpd-\(Process.id)-\(time)-\(messageIDs - 1)@\(context.configuration.serverName)"
    }

    func serve(_ connection: Connection, _ client: Client) {
        let session: Session
        do throws(SASLServer.Failure) {
            session = try Session(self, connection, client)
        } catch {
            context.logger.error("SASL failed initializing: \(error)")
            connection.out.append(text: "421 4.3.0 SASL failed initializing\r\n")
            return
        }
        session.run()
    }
}
