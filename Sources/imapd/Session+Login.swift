import Bytes
import Configuration
import Mailbox
import Posix
import SASL
import Service
import Wire

/// LOGIN, AUTHENTICATE and UNAUTHENTICATE.
extension Session {
    func login(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let (name, password) = try parsing { () throws(ParseFailure) -> ([UInt8], [UInt8]) in
            try parser.space()
            let name = try parser.astring()
            try parser.space()
            let password = try parser.astring()
            try parser.end()
            return (name, password)
        }
        guard identity == nil else {
            bad(tag, "Already logged in")
            return
        }
        var given = name.text
        if given.lowercased() == "anonymous" {
            if !context.configuration[.allowanonymouslogin] {
                context.logger.notice("badlogin: \(client.host) anonymous login refused")
                no(tag, "Anonymous login is not permitted")
                return
            }
            try finishLogin(tag, "anonymous", mechanism: "anonymous", response: "User logged in")
            return
        }
        guard security.allowsPlaintext else {
            context.logger.notice("badlogin: \(client.host) plaintext \(given) [Login only available under a layer]")
            no(tag, "Login only available under a layer")
            return
        }
        if context.configuration[.imapmagicplus], let plus = given.firstIndex(of: "+") {
            let rest = given[plus...]
            let end = rest.firstIndex(of: "@") ?? rest.endIndex
            magicFolder = String(rest[rest.index(after: plus)..<end])
            given = String(given[..<plus] + rest[end...])
        }
        guard let canonical = context.accounts.canonical(user: given) else {
            context.logger.notice("badlogin: \(client.host) plaintext \(given) invalid user")
            no(tag, "Login failed: invalid user")
            return
        }
        let user: String
        do throws(SASLServer.Failure) {
            user = try security.checkPassword(user: given, password: password) ?? canonical
        } catch {
            context.logger.notice("badlogin: \(client.host) plaintext (\(given)) [\(error.description)]")
            security.pauseAfterFailure()
            no(tag, "Login failed: \(PeerSecurity.text(error))")
            return
        }
        let pause = context.configuration[.plaintextloginpause] ?? 0
        if security.tls == nil, pause > 0 { Clock.sleep(milliseconds: pause * 1000) }
        try finishLogin(tag, user, mechanism: "plaintext", response: "User logged in")
    }

    func authenticate(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let (mechanism, initial) = try parsing { () throws(ParseFailure) -> (String, [UInt8]?) in
            try parser.space()
            let mechanism = try parser.word()
            var initial: [UInt8]?
            if !parser.isAtEnd {
                try parser.space()
                let start = parser.at
                while !parser.isAtEnd { parser.advance() }
                initial = Array(parser.bytes[start...])
            }
            return (mechanism.text, initial)
        }
        guard identity == nil else {
            bad(tag, "Already authenticated")
            return
        }
        let outcome = try wiring { () throws(ConnectionError) in
            try security.authenticate(mechanism, initial: initial) { base64 throws(ConnectionError) in
                out("+ \(base64)\r\n")
                return try connection.readLine(limit: 131_072)
            }
        }
        switch outcome {
        case .user(let user):
            try finishLogin(tag, user, mechanism: mechanism, response: "Success (\(security.protection))")
            if identity != nil { try wiring { () throws(ConnectionError) in try security.pushLayer(connection) } }
        case .canceled: bad(tag, "Client canceled authentication")
        case .undecodable: bad(tag, "Invalid base64 string")
        case .refused(let failure):
            security.pauseAfterFailure()
            no(tag, PeerSecurity.text(failure))
        }
    }

    /// Admits a user who has shown who he is, or tells him why not.
    private func finishLogin(_ tag: Tag, _ user: String, mechanism: String, response: String) throws(CommandFailure) {
        if context.accounts.isDenied(user) {
            let reason = "user '\(user)' is denied access to service '\(context.service)'"
            context.logger.error("user '\(user)' denied access to service '\(context.service)'")
            context.logger.notice(
                "badlogin: \(client.host) \(mechanism) (\(user)) [SASL(-14): authorization failure: \(reason)]")
            security.pauseAfterFailure()
            no(tag, "\(mechanism == "plaintext" ? "Login failed: " : "")authorization failure")
            security.reset()
            return
        }
        if let limit = context.accounts.tooManyLogins(of: user, from: client.host) {
            context.logger.notice("Too many open connections for \(limit) \(limit == "user" ? user : client.host)")
            no(tag, limit == "user" ? "Too many open connections for user" : "Too many open connections from your host")
            security.reset()
            return
        }
        let identity = context.accounts.identity(of: user)
        state = .authenticated(identity)
        namespace = Namespace(context.configuration, user: user, isAdmin: identity.isAdmin)
        let plus = magicFolder.map { "+\($0)" } ?? ""
        context.logger.notice(
            "login: \(client.host) \(user)\(plus) \(mechanism)\(security.tls == nil ? "" : "+TLS") User logged in SESSIONID=<\(sessionID)>")
        registration.update(user: user)
        connection.telemetry = Telemetry(
            configDirectory: context.configuration.directory, user: user, service: context.service,
            session: context.configuration[.telemetry_bysessionid] ? sessionID : nil)
        ok(tag, "[CAPABILITY \(capabilities(atGreeting: false))] \(response) SESSIONID=<\(sessionID)>")
        autocreate(user, identity)
    }

    /// Makes a missing INBOX when `autocreate_quota` says that users get one.
    private func autocreate(_ user: String, _ identity: Identity) {
        guard context.configuration[.autocreate_quota] >= 0, !identity.isAdmin, user != "anonymous" else { return }
        do throws(MailboxError) {
            try store.autocreateInbox(of: identity)
        } catch {
            context.logger.error("autocreateinbox: User \(user), INBOX failed: \(error)")
        }
    }

    func unauthenticate(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.end() }
        guard me.isAdmin, security.sasl.layerStrength == 0 else {
            bad(tag, "Unrecognized command")
            return
        }
        if let selected { leave(selected) }
        state = .notAuthenticated
        magicFolder = nil
        enabled = []
        namespace = Namespace(context.configuration, user: nil, isAdmin: false)
        registration.update(user: "")
        sessionID = context.makeSessionID()
        security.reset()
        ok(tag, "[CAPABILITY \(capabilities(atGreeting: true))] Completed")
    }
}
