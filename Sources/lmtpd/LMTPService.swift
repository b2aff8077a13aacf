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
    let security: ServiceSecurity
    let delivery: MessageDelivery
    let resolver: RecipientResolver
    private var messageIDs = 0

    init(_ context: ServiceContext) {
        self.context = context
        security = ServiceSecurity(context, protocol: "lmtp")
        delivery = MessageDelivery(context.store)
        resolver = RecipientResolver(context.store) { context.accounts.identity(of: $0) }
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
