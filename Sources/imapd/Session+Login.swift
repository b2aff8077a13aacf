import Bytes
import Configuration
import Mailbox
import Posix
import SASL
import Service
import Wire

extension Session {
    // MARK: capabilities

    func capabilities(atGreeting: Bool) -> String {
        let configuration = context.configuration
        let isIn = identity != nil
        var words = ["IMAP4rev1", configuration[.literalminus] ? "LITERAL-" : "LITERAL+", "ID", "ENABLE"]
        if !atGreeting {
            words += ["ACL", "CHILDREN", "MOVE", "NAMESPACE", "QUOTA", "RIGHTS=kxten", "STATUS=SIZE", "UIDPLUS", "UNSELECT", "WITHIN"]
            words += ["NO_ATOMIC_RENAME", "XMOVE"]
        }
        if service.offersTLS, tls == nil, !isIn { words.append("STARTTLS") }
        if isIn || !allowsPlaintext { words.append("LOGINDISABLED") }
        if !isIn || tls != nil {
            let mechanisms = sasl.mechanisms(prefix: "AUTH=")
            if !mechanisms.isEmpty {
                words.append(mechanisms)
                if !isIn { words.append("SASL-IR") }
            }
        }
        if !atGreeting {
            if identity?.isAdmin == true { words.append("UNAUTHENTICATE") }
            if !isCompressed { words.append("COMPRESS=DEFLATE") }
            words += ["X-QUOTA=STORAGE", "X-QUOTA=MESSAGE", "X-QUOTA=X-ANNOTATION-STORAGE", "X-QUOTA=X-NUM-FOLDERS"]
            if configuration[.imapidlepoll] > 0 { words.append("IDLE") }
            let limit = configuration[.maxmessagesize]
            words.append("APPENDLIMIT=\(limit > 0 ? limit : 4_294_967_295)")
        }
        let hidden = Set((configuration[.suppress_capabilities] ?? "").split(separator: " ").map { $0.uppercased() })
        return words.filter { !hidden.contains($0.uppercased()) }.joined(separator: " ")
    }

    /// Passwords may be sent as they are: allowed, or protected by a layer.
    private var allowsPlaintext: Bool {
        context.configuration[.allowplaintext] || tls != nil || context.options.has("p")
    }

    func capability(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.end() }
        out("* CAPABILITY \(capabilities(atGreeting: false))\r\n")
        ok(tag, "Completed")
    }

    // MARK: TLS and compression

    func beginTLS() throws(ConnectionError) {
        let layer: TLSLayer
        do throws(TLSContext.Failure) {
            let tlsContext = try service.tlsContext()
            layer = try Self.handshake(tlsContext, connection)
        } catch {
            context.logger.error("TLS server engine: \(error)")
            throw .layer("\(error)")
        }
        connection.push(layer)
        tls = layer
        let bits = layer.bits.used
        context.logger.notice(
            "starttls: \(layer.version) with cipher \(layer.cipher) (\(bits)/\(layer.bits.algorithm) bits new) no authentication")
        sasl.setSecurity(external: bits, identity: layer.peerName, plaintextAllowed: true)
    }

    private static func handshake(_ context: TLSContext, _ connection: Connection) throws(TLSContext.Failure) -> TLSLayer {
        do throws(ConnectionError) {
            return try TLSLayer(context, input: connection.input, output: connection.output, within: 180)
        } catch {
            throw TLSContext.Failure("negotiation: \(error)")
        }
    }

    func startTLS(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.end() }
        guard service.offersTLS else {
            bad(tag, "Unrecognized command")
            return
        }
        guard tls == nil else {
            bad(tag, "Already did a successful Starttls")
            return
        }
        guard identity == nil else {
            bad(tag, "Can't Starttls after authentication")
            return
        }
        do throws(TLSContext.Failure) {
            _ = try service.tlsContext()
        } catch {
            context.logger.error("TLS server engine: \(error)")
            no(tag, "Error initializing TLS")
            return
        }
        ok(tag, "Begin TLS negotiation now")
        try wiring { () throws(ConnectionError) in
            try connection.flush()
            connection.discardInput()
            try beginTLS()
        }
    }

    func compress(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let algorithm = try parsing { () throws(ParseFailure) -> [UInt8] in
            try parser.space()
            let word = try parser.word()
            try parser.end()
            return word
        }
        guard algorithm == [UInt8]("DEFLATE") else {
            no(tag, "Unknown COMPRESS algorithm: \(algorithm.text)")
            return
        }
        guard !isCompressed else {
            bad(tag, "[COMPRESSIONACTIVE] DEFLATE active via COMPRESS")
            return
        }
        try wiring { () throws(ConnectionError) in
            let layer = try DeflateLayer()
            ok(tag, "DEFLATE active")
            try connection.flush()
            connection.push(layer)
        }
        isCompressed = true
    }

    // MARK: logging in

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
        guard allowsPlaintext else {
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
        do throws(SASLServer.Failure) {
            try service.sasl.checkPassword(sasl, user: given, password: password)
        } catch {
            context.logger.notice("badlogin: \(client.host) plaintext (\(given)) [\(error.description)]")
            pauseAfterFailure()
            no(tag, "Login failed: \(SASLSession.text(error.code == -20 ? -13 : error.code))")
            return
        }
        let user = sasl.user ?? canonical
        let pause = context.configuration[.plaintextloginpause] ?? 0
        if tls == nil, pause > 0 { Clock.sleep(milliseconds: pause * 1000) }
        try finishLogin(tag, user, mechanism: "plaintext", response: "User logged in")
    }

    private func pauseAfterFailure() {
        let seconds = context.configuration[.failedloginpause]
        if seconds > 0 { Clock.sleep(milliseconds: seconds * 1000) }
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
        var decoded: [UInt8]?
        if let initial {
            if initial == [UInt8("=")] {
                decoded = []
            } else {
                guard let bytes = Base64.decode(initial) else {
                    bad(tag, "Invalid base64 string")
                    return
                }
                decoded = bytes
            }
        }
        try exchange(tag, mechanism, decoded)
    }

    private func exchange(_ tag: Tag, _ mechanism: String, _ initial: [UInt8]?) throws(CommandFailure) {
        var step: SASLSession.Step
        do throws(SASLServer.Failure) {
            step = try sasl.start(mechanism, initial: initial)
        } catch {
            refuse(tag, mechanism, error)
            return
        }
        while true {
            switch step {
            case .challenge(let bytes):
                out("+ \(Base64.encode(bytes))\r\n")
            case .done(let last):
                // Success data goes out as one more challenge, for which the client sends an empty line.
                if let last, !last.isEmpty {
                    out("+ \(Base64.encode(last))\r\n")
                    _ = try wiring { () throws(ConnectionError) in try connection.readLine(limit: 1024) }
                }
                try finishAuthentication(tag, mechanism)
                return
            }
            let line = try wiring { () throws(ConnectionError) in try connection.readLine(limit: 131_072) }
            if line == [UInt8("*")] {
                bad(tag, "Client canceled authentication")
                resetSASL()
                return
            }
            guard let response = Base64.decode(line) else {
                bad(tag, "Invalid base64 string")
                resetSASL()
                return
            }
            do throws(SASLServer.Failure) {
                step = try sasl.step(response)
            } catch {
                refuse(tag, mechanism, error)
                return
            }
        }
    }

    private func refuse(_ tag: Tag, _ mechanism: String, _ error: SASLServer.Failure) {
        let user = sasl.user ?? sasl.authenticated ?? "-notset-"
        context.logger.notice("badlogin: \(client.host) \(mechanism) (\(user)) [\(error.description)]")
        pauseAfterFailure()
        // Whether it is the name or the password that is wrong is nobody's business.
        no(tag, SASLSession.text(error.code == -20 ? -13 : error.code))
        resetSASL()
    }

    private func finishAuthentication(_ tag: Tag, _ mechanism: String) throws(CommandFailure) {
        guard let user = sasl.user else {
            no(tag, "authentication failure")
            resetSASL()
            return
        }
        let layer = sasl.layer
        let protection =
            layer == nil
            ? (tls == nil ? "no protection" : "tls protection")
            : (sasl.layerStrength > 1 ? "privacy protection" : "integrity protection")
        try finishLogin(tag, user, mechanism: mechanism, response: "Success (\(protection))")
        if let layer, identity != nil {
            try wiring { () throws(ConnectionError) in try connection.flush() }
            connection.push(layer)
        }
    }

    /// Admits a user who has shown who he is, or tells him why not.
    private func finishLogin(_ tag: Tag, _ user: String, mechanism: String, response: String) throws(CommandFailure) {
        if context.accounts.isDenied(user) {
            let reason = "user '\(user)' is denied access to service '\(context.service)'"
            context.logger.error("user '\(user)' denied access to service '\(context.service)'")
            context.logger.notice(
                "badlogin: \(client.host) \(mechanism) (\(user)) [SASL(-14): authorization failure: \(reason)]")
            pauseAfterFailure()
            no(tag, "\(mechanism == "plaintext" ? "Login failed: " : "")authorization failure")
            resetSASL()
            return
        }
        if let limit = context.accounts.tooManyLogins(of: user, from: client.host) {
            context.logger.notice("Too many open connections for \(limit) \(limit == "user" ? user : client.host)")
            no(tag, limit == "user" ? "Too many open connections for user" : "Too many open connections from your host")
            resetSASL()
            return
        }
        let identity = context.accounts.identity(of: user)
        state = .authenticated(identity)
        namespace = Namespace(context.configuration, user: user, isAdmin: identity.isAdmin)
        let plus = magicFolder.map { "+\($0)" } ?? ""
        context.logger.notice(
            "login: \(client.host) \(user)\(plus) \(mechanism)\(tls == nil ? "" : "+TLS") User logged in SESSIONID=<\(sessionID)>")
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

    private func resetSASL() {
        do throws(SASLServer.Failure) {
            let fresh = try SASLSession(
                service.sasl, policy: context.accounts, localAddress: client.localForSASL, remoteAddress: client.remoteForSASL)
            if let tls { fresh.setSecurity(external: tls.bits.used, identity: tls.peerName, plaintextAllowed: true) }
            sasl = fresh
        } catch {
            context.logger.error("SASL failed reinitializing: \(error)")
            state = .logout
        }
    }

    func unauthenticate(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.end() }
        guard me.isAdmin, sasl.layerStrength == 0 else {
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
        resetSASL()
        ok(tag, "[CAPABILITY \(capabilities(atGreeting: true))] Completed")
    }

    // MARK: the rest of RFC 3501's "any state"

    func noop(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.end() }
        try tellChanges(mayExpunge: true)
        ok(tag, "Completed")
    }

    func logout(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.end() }
        if let selected { leave(selected) }
        if !registration.user.isEmpty { context.logger.notice("\(service.usage.line(for: registration.user))") }
        out("* BYE LOGOUT received\r\n")
        ok(tag, "Completed")
        state = .logout
    }

    func id(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in
            try parser.space()
            if parser.take(UInt8(ascii: "(")) {
                var count = 0
                while !parser.take(UInt8(ascii: ")")) {
                    if count > 0 { try parser.space() }
                    _ = try parser.nstring()
                    count += 1
                    guard count <= 60 else { throw ParseFailure.bad("too many field-value pairs in ID") }
                }
                guard count % 2 == 0 else { throw ParseFailure.bad("Missing required argument to Id") }
            } else {
                guard try parser.word() == [UInt8]("NIL") else { throw ParseFailure.bad("Invalid parameter list in Id") }
            }
            try parser.end()
        }
        if context.configuration[.imapidresponse], context.configuration[.serverinfo] == "on" || identity != nil {
            out(
                "* ID (\"name\" \"Cyrus IMAPD\" \"version\" \"\(Version.text)\" \"vendor\" \"cyrus-swift\""
                    + " \"support-url\" NIL)\r\n")
        } else {
            out("* ID NIL\r\n")
        }
        ok(tag, "Completed")
    }

    func enable(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        let wanted = try parsing { () throws(ParseFailure) -> [String] in
            var words: [String] = []
            repeat {
                try parser.space()
                words.append(try parser.word().text)
            } while !parser.isAtEnd
            return words
        }
        // Unknown extensions are passed over (RFC 5161).
        if wanted.contains("CONDSTORE") {
            isCondstoreEnabled = true
            out("* ENABLED CONDSTORE\r\n")
        } else {
            out("* ENABLED\r\n")
        }
        ok(tag, "Completed")
    }
}

extension UInt8 {
    /// The byte of a one-character literal, for comparisons with wire data.
    init(_ character: Unicode.Scalar) { self = UInt8(ascii: character) }
}
