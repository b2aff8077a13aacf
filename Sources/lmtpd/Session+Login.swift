import Bytes
import Configuration
import Delivery
import Posix
import SASL
import Service
import Wire

extension Session {
    static func makeSASL(_ service: LMTPService, _ client: Client, tls: TLSLayer?) throws(SASLServer.Failure) -> SASLSession {
        let session = try SASLSession(
            service.sasl, policy: service.context.accounts, localAddress: client.localForSASL, remoteAddress: client.remoteForSASL)
        if let tls {
            session.setSecurity(external: tls.bits.used, identity: tls.peerName, plaintextAllowed: true)
        }
        return session
    }

    /// What AUTH offers. Whoever connects by a trusted way is the postman already; he may say so with EXTERNAL, as some clients insist to.
    var mechanisms: String { isTrusted ? "EXTERNAL" : sasl.mechanisms() }

    // MARK: TLS

    func startTLS() throws(ConnectionError) {
        guard service.offersTLS, !isTrusted else {
            say(.syntax)
            return
        }
        guard tls == nil else {
            say(.alreadyTLS)
            return
        }
        let tlsContext: TLSContext
        do throws(TLSContext.Failure) {
            tlsContext = try service.tlsContext()
        } catch {
            context.logger.error("TLS server engine: \(error)")
            say(.noTLS)
            return
        }
        say(.beginTLS)
        try connection.flush()
        connection.discardInput()
        let layer = try TLSLayer(tlsContext, input: connection.input, output: connection.output, within: 180)
        connection.push(layer)
        tls = layer
        context.logger.notice(
            "starttls: \(layer.version) with cipher \(layer.cipher) (\(layer.bits.used)/\(layer.bits.algorithm) bits new) no authentication"
        )
        // What was said in clear is forgotten (RFC 3207 section 4.2).
        transaction.clear()
        helloName = []
        resetSASL()
    }

    // MARK: AUTH

    /// AUTH (RFC 4954). Only lmtp's admins may deliver.
    func authenticate(_ mechanism: [UInt8], _ initial: [UInt8]?) throws(ConnectionError) {
        guard !hasLoggedIn else {
            say(.alreadyAuthenticated)
            return
        }
        let name = mechanism.text
        guard mechanisms.split(separator: " ").contains(where: { $0.uppercased() == name.uppercased() }) else {
            say(.unknownMechanism)
            return
        }
        var decoded: [UInt8]?
        if let initial { decoded = initial == [UInt8]("=") ? [] : Base64.decode(initial) }
        if isTrusted {
            authenticateAsPostman(decoded)
            return
        }
        do throws(SASLServer.Failure) {
            guard let user = try exchange(name, decoded) else { return }
            admit(user, name)
        } catch {
            context.logger.notice("badlogin: \(client.host) \(name) [\(error.description)]")
            say(.authenticationFailed)
            resetSASL()
        }
    }

    private func authenticateAsPostman(_ initial: [UInt8]?) {
        if initial == nil {
            guard let line = challenge([]) else { return }
            if line == [UInt8]("*") {
                say(.authenticationCanceled)
                return
            }
            guard Base64.decode(line) != nil else {
                say(.authenticationFailed)
                return
            }
        }
        hasLoggedIn = true
        say(.authenticated)
    }

    /// Runs the exchange; nil when it ended with an answer already.
    private func exchange(_ mechanism: String, _ initial: [UInt8]?) throws(SASLServer.Failure) -> String? {
        var step = try sasl.start(mechanism, initial: initial)
        while true {
            switch step {
            case .done(let last):
                guard let last, !last.isEmpty else { return sasl.user ?? "" }
                // Success data goes out as one more challenge.
                guard challenge(last) != nil else { return nil }
                return sasl.user ?? ""
            case .challenge(let bytes):
                guard let line = challenge(bytes) else { return nil }
                if line == [UInt8]("*") {
                    say(.authenticationCanceled)
                    resetSASL()
                    return nil
                }
                guard let response = Base64.decode(line) else {
                    say(.authenticationFailed)
                    resetSASL()
                    return nil
                }
                step = try sasl.step(response)
            }
        }
    }

    /// Sends a challenge and waits for the response; nil when the connection ended, which the next read finds out again.
    private func challenge(_ bytes: [UInt8]) -> [UInt8]? {
        say(LMTPReply("334 \(Base64.encode(bytes))"))
        do throws(ConnectionError) {
            return try connection.readLine(limit: 131_072)
        } catch {
            return nil
        }
    }

    private func admit(_ user: String, _ mechanism: String) {
        guard context.accounts.isAdmin(user) else {
            context.logger.notice("badlogin: \(client.host) \(mechanism) [\(user) is not one of lmtp_admins]")
            say(.authenticationFailed)
            resetSASL()
            return
        }
        hasLoggedIn = true
        transaction.isAuthenticated = true
        registration.update(user: user)
        context.logger.notice(
            "login: \(client.host) \(user) \(mechanism)\(tls == nil ? "" : "+TLS") User logged in SESSIONID=<\(sessionID)>")
        connection.telemetry = Telemetry(
            configDirectory: configuration.directory, user: user, service: context.service,
            session: configuration[.telemetry_bysessionid] ? sessionID : nil)
        say(.authenticated)
        guard let layer = sasl.layer else { return }
        do throws(ConnectionError) { try connection.flush() } catch { return }
        connection.push(layer)
    }

    private func resetSASL() {
        do throws(SASLServer.Failure) {
            sasl = try Self.makeSASL(service, client, tls: tls)
        } catch {
            context.logger.error("SASL failed reinitializing: \(error)")
        }
    }
}
