import Configuration
import Posix
public import SASL
public import Wire

/// TLS and authentication of one connection. What is said on the wire about them is the protocol's.
public final class PeerSecurity {
    private let service: ServiceSecurity
    private let client: Client
    /// The connection's SASL exchange, a new one after each that failed.
    public private(set) var sasl: SASLSession
    /// TLS, once it is on.
    public private(set) var tls: TLSLayer?
    /// Strength of a layer that somebody else puts around the connection, in bits.
    private var outerBits: Int?

    private var context: ServiceContext { service.context }

    public init(_ service: ServiceSecurity, _ client: Client) throws(SASLServer.Failure) {
        self.service = service
        self.client = client
        sasl = try SASLSession(
            service.sasl, policy: service.context.accounts, localAddress: client.localForSASL, remoteAddress: client.remoteForSASL)
    }

    // MARK: TLS

    /// A certificate is configured, whether or not TLS is on already.
    public var offersTLS: Bool { service.offersTLS }

    /// Something outside of this process protects the connection (the service's option -p).
    public func noteOuterLayer(bits: Int) {
        outerBits = bits
        applyLayers()
    }

    /// Passwords may be sent as they are: allowed, or protected by a layer.
    public var allowsPlaintext: Bool {
        context.configuration[.allowplaintext] || tls != nil || outerBits != nil
    }

    /// Whether TLS can be begun, to be asked before the client is told to: certificate and key can be read. The log has why not.
    public func canBeginTLS() -> Bool {
        do throws(TLSContext.Failure) {
            _ = try service.tlsContext()
            return true
        } catch {
            context.logger.error("TLS server engine: \(error)")
            return false
        }
    }

    /// Sends what is waiting, shakes hands, and goes on under TLS. What the client sent before is forgotten (RFC 3207 section 5).
    public func beginTLS(_ connection: Connection) throws(ConnectionError) {
        let tlsContext: TLSContext
        do throws(TLSContext.Failure) {
            tlsContext = try service.tlsContext()
        } catch {
            context.logger.error("TLS server engine: \(error)")
            throw .layer("\(error)")
        }
        try connection.flush()
        connection.discardInput()
        let layer: TLSLayer
        do throws(ConnectionError) {
            layer = try TLSLayer(tlsContext, input: connection.input, output: connection.output, within: Self.handshakeSeconds)
        } catch {
            context.logger.notice("TLS negotiation with \(client.host) failed: \(error)")
            throw error
        }
        connection.push(layer)
        tls = layer
        let bits = layer.bits
        context.logger.notice(
            "starttls: \(layer.version) with cipher \(layer.cipher) (\(bits.used)/\(bits.algorithm) bits new) no authentication")
        applyLayers()
    }
    private static let handshakeSeconds = 180

    private func applyLayers() {
        if let tls {
            sasl.setSecurity(external: tls.bits.used, identity: tls.peerName, plaintextAllowed: true)
        } else if let outerBits {
            sasl.setSecurity(external: outerBits, plaintextAllowed: true)
        }
    }

    // MARK: authentication

    /// How an exchange ended. Unless with a user, the next one starts anew.
    public enum Outcome {
        case user(String)
        /// The client sent `*`.
        case canceled
        /// What it sent was no base64.
        case undecodable
        case refused(SASLServer.Failure)
    }

    /// Runs an exchange. `initial` is the base64 that came with the command (`=` for an empty one); `ask` sends a challenge in the protocol's
    /// form and gives the client's line. Success data goes out as one more challenge. A refusal is logged.
    public func authenticate(
        _ mechanism: String, initial: [UInt8]?, ask: (_ base64: String) throws(ConnectionError) -> [UInt8]
    ) throws(ConnectionError) -> Outcome {
        let outcome = try exchange(mechanism, initial, ask)
        switch outcome {
        case .user: return outcome
        case .refused(let failure):
            let user = sasl.user ?? sasl.authenticated ?? "-notset-"
            context.logger.notice("badlogin: \(client.host) \(mechanism) (\(user)) [\(failure.description)]")
        case .canceled, .undecodable: break
        }
        reset()
        return outcome
    }

    private func exchange(
        _ mechanism: String, _ initial: [UInt8]?, _ ask: (String) throws(ConnectionError) -> [UInt8]
    ) throws(ConnectionError) -> Outcome {
        var decoded: [UInt8]?
        if let initial {
            decoded = initial == [UInt8(ascii: "=")] ? [] : Base64.decode(initial)
            if decoded == nil { return .undecodable }
        }
        var result = Self.step { () throws(SASLServer.Failure) in try sasl.start(mechanism, initial: decoded) }
        while true {
            switch result {
            case .failure(let failure): return .refused(failure)
            case .success(.done(let last)):
                if let last, !last.isEmpty { _ = try ask(Base64.encode(last)) }
                guard let user = sasl.user else { return .refused(SASLServer.Failure(code: -13, description: "no user name")) }
                return .user(user)
            case .success(.challenge(let bytes)):
                let line = try ask(Base64.encode(bytes))
                if line == [UInt8(ascii: "*")] { return .canceled }
                guard let response = Base64.decode(line) else { return .undecodable }
                result = Self.step { () throws(SASLServer.Failure) in try sasl.step(response) }
            }
        }
    }

    private static func step(
        _ body: () throws(SASLServer.Failure) -> SASLSession.Step
    ) -> Result<SASLSession.Step, SASLServer.Failure> {
        do throws(SASLServer.Failure) { return .success(try body()) } catch { return .failure(error) }
    }

    /// Checks a password given in clear, for the protocols' own login commands; the user who it is of.
    public func checkPassword(user: String, password: [UInt8]) throws(SASLServer.Failure) -> String? {
        try service.sasl.checkPassword(sasl, user: user, password: password)
        return sasl.user
    }

    /// What a refusal is called on the wire. Whether it is the name or the password that is wrong is nobody's business.
    public static func text(_ failure: SASLServer.Failure) -> String {
        SASLSession.text(failure.code == -20 ? -13 : failure.code)
    }

    /// The wait before a refusal (`failedloginpause`).
    public func pauseAfterFailure() {
        let seconds = context.configuration[.failedloginpause]
        if seconds > 0 { Clock.sleep(milliseconds: seconds * 1000) }
    }

    /// What protects the connection after a successful exchange, in the words of Cyrus's success text.
    public var protection: String {
        if sasl.layerStrength > 1 { return "privacy protection" }
        if sasl.layerStrength == 1 { return "integrity protection" }
        return tls == nil ? "no protection" : "tls protection"
    }

    /// Puts the security layer on that a successful exchange negotiated, if any, behind the answer that is waiting to be sent.
    public func pushLayer(_ connection: Connection) throws(ConnectionError) {
        guard let layer = sasl.layer else { return }
        try connection.flush()
        connection.push(layer)
    }

    /// Forgets what was authenticated: a new exchange may begin. When libsasl2 fails the old one stays, and refuses.
    public func reset() {
        do throws(SASLServer.Failure) {
            sasl = try SASLSession(
                service.sasl, policy: context.accounts, localAddress: client.localForSASL, remoteAddress: client.remoteForSASL)
            applyLayers()
        } catch {
            context.logger.error("SASL failed reinitializing: \(error)")
        }
    }
}
