import Bytes
import Configuration
import Service

/// What may be asked in any state (RFC 3501 section 6.1), and what the server is asked about itself: CAPABILITY, ID, ENABLE.
extension Session {
    func capabilities(atGreeting: Bool) -> String {
        let configuration = context.configuration
        let isIn = identity != nil
        var words = ["IMAP4rev1", configuration[.literalminus] ? "LITERAL-" : "LITERAL+", "ID", "ENABLE"]
        if !atGreeting {
            words += ["ACL", "CHILDREN", "MOVE", "NAMESPACE", "QUOTA", "RIGHTS=kxten", "STATUS=SIZE", "UIDPLUS", "UNSELECT", "WITHIN"]
            words += ["NO_ATOMIC_RENAME", "XMOVE"]
        }
        if security.offersTLS, security.tls == nil, !isIn { words.append("STARTTLS") }
        if isIn || !security.allowsPlaintext { words.append("LOGINDISABLED") }
        // Under TLS LOGIN leaves the list as it was, AUTHENTICATE takes it away: as by Cyrus.
        if !isIn || (security.tls != nil && security.sasl.mechanism == nil) {
            let mechanisms = security.sasl.mechanisms(prefix: "AUTH=")
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

    func capability(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.end() }
        out("* CAPABILITY \(capabilities(atGreeting: false))\r\n")
        ok(tag, "Completed")
    }

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
