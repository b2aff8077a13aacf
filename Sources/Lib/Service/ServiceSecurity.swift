import SASL
import Wire

/// What a service's process keeps for securing its connections: libsasl2's server side, and the TLS context once it was wanted.
public final class ServiceSecurity {
    let sasl: SASLServer
    let context: ServiceContext
    /// A certificate is configured.
    public let offersTLS: Bool
    private var tls: TLSContext?

    /// `name` is the protocol's for SASL (`imap`, `lmtp`, `pop`, `nntp`, `sieve`, `csync`). Ends the process with 75 when libsasl2 fails.
    public init(_ context: ServiceContext, protocol name: String) {
        self.context = context
        do throws(SASLServer.Failure) {
            sasl = try SASLServer(context.configuration, service: name, logger: context.logger)
        } catch {
            Program.fatal("\(error)", ExitStatus.temporaryFailure, context.logger)
        }
        offersTLS = TLSContext.isConfigured(context.configuration)
    }

    func tlsContext() throws(TLSContext.Failure) -> TLSContext {
        if let tls { return tls }
        let made = try TLSContext(context.configuration)
        tls = made
        return made
    }
}
