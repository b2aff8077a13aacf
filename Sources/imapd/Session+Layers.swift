import Bytes
import Service
import Wire

/// What is put between the protocol and the socket: STARTTLS (RFC 3501 section 6.2.1) and COMPRESS (RFC 4978).
extension Session {
    func startTLS(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.end() }
        guard security.offersTLS else {
            bad(tag, "Unrecognized command")
            return
        }
        guard security.tls == nil else {
            bad(tag, "Already did a successful Starttls")
            return
        }
        guard identity == nil else {
            bad(tag, "Can't Starttls after authentication")
            return
        }
        guard security.canBeginTLS() else {
            no(tag, "Error initializing TLS")
            return
        }
        ok(tag, "Begin TLS negotiation now")
        try wiring { () throws(ConnectionError) in try security.beginTLS(connection) }
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
}
