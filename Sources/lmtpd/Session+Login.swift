import Bytes
import Configuration
import Delivery
import Posix
import SASL
import Service
import Wire

extension Session {
    /// What AUTH offers. Whoever connects by a trusted way is the postman already; he may say so with EXTERNAL, as some clients insist to.
    var mechanisms: String { isTrusted ? "EXTERNAL" : security.sasl.mechanisms() }

    // MARK: TLS

    func startTLS() throws(ConnectionError) {
        guard security.offersTLS, !isTrusted else {
            say(.syntax)
            return
        }
        guard security.tls == nil else {
            say(.alreadyTLS)
            return
        }
        guard security.canBeginTLS() else {
            say(.noTLS)
            return
        }
        say(.beginTLS)
        try security.beginTLS(connection)
        // What was said in clear is forgotten (RFC 3207 section 4.2).
        transaction.clear()
        helloName = []
        security.reset()
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
        if isTrusted {
            try authenticateAsPostman(initial)
            return
        }
        switch try security.authenticate(name, initial: initial, ask: challenge) {
        case .user(let user): try admit(user, name)
        case .canceled: say(.authenticationCanceled)
        case .undecodable, .refused: say(.authenticationFailed)
        }
    }

    private func authenticateAsPostman(_ initial: [UInt8]?) throws(ConnectionError) {
        if initial == nil {
            let line = try challenge("")
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

    /// Sends a challenge and waits for the response.
    private func challenge(_ base64: String) throws(ConnectionError) -> [UInt8] {
        say(LMTPReply("334 \(base64)"))
        return try connection.readLine(limit: 131_072)
    }

    private func admit(_ user: String, _ mechanism: String) throws(ConnectionError) {
        guard context.accounts.isAdmin(user) else {
            context.logger.notice("badlogin: \(client.host) \(mechanism) [\(user) is not one of lmtp_admins]")
            say(.authenticationFailed)
            security.reset()
            return
        }
        hasLoggedIn = true
        transaction.isAuthenticated = true
        registration.update(user: user)
        context.logger.notice(
            "login: \(client.host) \(user) \(mechanism)\(security.tls == nil ? "" : "+TLS") User logged in SESSIONID=<\(sessionID)>")
        connection.telemetry = Telemetry(
            configDirectory: configuration.directory, user: user, service: context.service,
            session: configuration[.telemetry_bysessionid] ? sessionID : nil)
        say(.authenticated)
        try security.pushLayer(connection)
    }
}
