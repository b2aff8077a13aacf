import COpenSSL
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
    let sasl: SASLServer
    private var tls: TLSContext?
    var usage = UsageMeter()
    let offersTLS: Bool

    init(_ context: ServiceContext) {
        self.context = context
        do throws(SASLServer.Failure) {
            sasl = try SASLServer(context.configuration, service: "imap", logger: context.logger)
        } catch {
            Program.fatal("\(error)", ExitStatus.temporaryFailure, context.logger)
        }
        offersTLS = TLSContext.isConfigured(context.configuration)
    }

    /// The process's TLS context, made when first wanted.
    func tlsContext() throws(TLSContext.Failure) -> TLSContext {
        if let tls { return tls }
        let made = try TLSContext(context.configuration)
        tls = made
        return made
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
