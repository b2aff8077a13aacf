import Configuration
import Mailbox
import Posix
import SASL
import Service
import Wire

/// imapd: what is kept from one connection of the process to the next.
final class IMAPService: ServiceProtocol {
    /// -s: TLS from the start; -p SSF: a layer outside protects; -N: no SASL; -q: quotas do not stop messages.
    static let flags = "Np:sq"

    let context: ServiceContext
    let security: ServiceSecurity
    var usage = UsageMeter()

    init(_ context: ServiceContext) {
        self.context = context
        security = ServiceSecurity(context, protocol: "imap")
    }

    func serve(_ connection: Connection, _ client: Client) {
        let session: Session
        do throws(SASLServer.Failure) {
            session = try Session(self, connection, client)
        } catch {
            context.logger.error("SASL failed initializing: \(error)")
            connection.out.append(text: "* BYE SASL failed initializing\r\n")
            return
        }
        session.run()
    }
}
