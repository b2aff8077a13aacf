import Bytes
import Mailbox
import Wire

extension Session {
    /// From which state on a command may be given.
    private enum Need { case nothing, login, selection }

    func dispatch(_ tag: Tag, _ parser: inout CommandParser) throws(ConnectionError) {
        let verb: [UInt8]
        do throws(ParseFailure) {
            verb = try parser.word()
        } catch {
            bad(tag, "Null command")
            return
        }
        let name = verb.text
        guard let (need, usesUID) = Self.verbs[name] else {
            bad(tag, identity == nil ? "Please login first" : "Unrecognized command")
            return
        }
        switch need {
        case .nothing: break
        case .login, .selection:
            guard identity != nil else {
                bad(tag, "Please login first")
                return
            }
            if need == .selection, selected == nil {
                bad(tag, "Please select a mailbox first")
                return
            }
        }
        registration.update(mailbox: selected?.mailbox.name.text ?? "", command: Self.capitalized(name))
        let shown = Self.capitalized(name)
        do throws(CommandFailure) {
            try run(name, tag, &parser, usesUID: usesUID)
        } catch {
            switch error {
            case .parse(.missingArgument): bad(tag, "Missing required argument to \(shown)")
            case .parse(.extraArguments): bad(tag, "Unexpected extra arguments to \(shown)")
            case .parse(.bad(let text)): bad(tag, text)
            case .mailbox(let error): no(tag, error)
            case .connection(let error): throw error
            }
        }
        registration.update(mailbox: selected?.mailbox.name.text ?? "")
    }

    static func capitalized(_ name: String) -> String {
        name.prefix(1).uppercased() + name.dropFirst().lowercased()
    }

    private static let verbs: [String: (Need, usesUID: Bool)] = [
        "CAPABILITY": (.nothing, false), "NOOP": (.nothing, false), "LOGOUT": (.nothing, false), "ID": (.nothing, false),
        "STARTTLS": (.nothing, false), "AUTHENTICATE": (.nothing, false), "LOGIN": (.nothing, false),
        "ENABLE": (.login, false), "SELECT": (.login, false), "EXAMINE": (.login, false), "CREATE": (.login, false),
        "DELETE": (.login, false), "RENAME": (.login, false), "SUBSCRIBE": (.login, false), "UNSUBSCRIBE": (.login, false),
        "LIST": (.login, false), "LSUB": (.login, false), "STATUS": (.login, false), "APPEND": (.login, false),
        "NAMESPACE": (.login, false), "IDLE": (.login, false), "COMPRESS": (.login, false), "UNAUTHENTICATE": (.login, false),
        "GETQUOTA": (.login, false), "GETQUOTAROOT": (.login, false), "SETQUOTA": (.login, false),
        "GETACL": (.login, false), "SETACL": (.login, false), "DELETEACL": (.login, false), "LISTRIGHTS": (.login, false),
        "MYRIGHTS": (.login, false), "LOCALCREATE": (.login, false), "LOCALDELETE": (.login, false),
        "CHECK": (.selection, false), "CLOSE": (.selection, false), "UNSELECT": (.selection, false), "EXPUNGE": (.selection, false),
        "SEARCH": (.selection, false), "FETCH": (.selection, false), "STORE": (.selection, false), "COPY": (.selection, false),
        "MOVE": (.selection, false), "XMOVE": (.selection, false), "UID": (.selection, true),
    ]

    private func run(_ name: String, _ tag: Tag, _ parser: inout CommandParser, usesUID: Bool) throws(CommandFailure) {
        if usesUID {
            try runUID(tag, &parser)
            return
        }
        switch name {
        case "CAPABILITY": try capability(tag, &parser)
        case "NOOP", "CHECK": try noop(tag, &parser)
        case "LOGOUT": try logout(tag, &parser)
        case "ID": try id(tag, &parser)
        case "STARTTLS": try startTLS(tag, &parser)
        case "AUTHENTICATE": try authenticate(tag, &parser)
        case "LOGIN": try login(tag, &parser)
        case "ENABLE": try enable(tag, &parser)
        case "COMPRESS": try compress(tag, &parser)
        case "UNAUTHENTICATE": try unauthenticate(tag, &parser)
        case "SELECT": try select(tag, &parser, readWrite: true)
        case "EXAMINE": try select(tag, &parser, readWrite: false)
        case "CREATE", "LOCALCREATE": try create(tag, &parser)
        case "DELETE", "LOCALDELETE": try delete(tag, &parser)
        case "RENAME": try rename(tag, &parser)
        case "SUBSCRIBE": try subscribe(tag, &parser, true)
        case "UNSUBSCRIBE": try subscribe(tag, &parser, false)
        case "LIST": try list(tag, &parser)
        case "LSUB": try lsub(tag, &parser)
        case "STATUS": try status(tag, &parser)
        case "NAMESPACE": try namespaces(tag, &parser)
        case "APPEND": try append(tag, &parser)
        case "IDLE": try idle(tag, &parser)
        case "GETQUOTA": try getQuota(tag, &parser)
        case "GETQUOTAROOT": try getQuotaRoot(tag, &parser)
        case "SETQUOTA": try setQuota(tag, &parser)
        case "GETACL": try getACL(tag, &parser)
        case "SETACL": try setACL(tag, &parser)
        case "DELETEACL": try deleteACL(tag, &parser)
        case "LISTRIGHTS": try listRights(tag, &parser)
        case "MYRIGHTS": try myRights(tag, &parser)
        case "CLOSE": try close(tag, &parser)
        case "UNSELECT": try unselect(tag, &parser)
        case "EXPUNGE": try expunge(tag, &parser, uid: false)
        case "SEARCH": try search(tag, &parser, uid: false)
        case "FETCH": try fetch(tag, &parser, uid: false)
        case "STORE": try store(tag, &parser, uid: false)
        case "COPY": try copy(tag, &parser, uid: false, move: false)
        case "MOVE", "XMOVE": try copy(tag, &parser, uid: false, move: true)
        default: bad(tag, "Unrecognized command")
        }
    }

    private func runUID(_ tag: Tag, _ parser: inout CommandParser) throws(CommandFailure) {
        try parsing { () throws(ParseFailure) in try parser.space() }
        let verb = try parsing { () throws(ParseFailure) in try parser.word() }
        switch verb.text {
        case "FETCH": try fetch(tag, &parser, uid: true)
        case "STORE": try store(tag, &parser, uid: true)
        case "SEARCH": try search(tag, &parser, uid: true)
        case "COPY": try copy(tag, &parser, uid: true, move: false)
        case "MOVE", "XMOVE": try copy(tag, &parser, uid: true, move: true)
        case "EXPUNGE": try expunge(tag, &parser, uid: true)
        default: bad(tag, "Unrecognized UID subcommand")
        }
    }
}

/// Everything that ends a command early.
enum CommandFailure: Error {
    case parse(ParseFailure)
    case mailbox(MailboxError)
    case connection(ConnectionError)
}

func parsing<R>(_ body: () throws(ParseFailure) -> R) throws(CommandFailure) -> R {
    do throws(ParseFailure) { return try body() } catch { throw .parse(error) }
}

func storing<R: ~Copyable>(_ body: () throws(MailboxError) -> R) throws(CommandFailure) -> R {
    do throws(MailboxError) { return try body() } catch { throw .mailbox(error) }
}

func wiring<R>(_ body: () throws(ConnectionError) -> R) throws(CommandFailure) -> R {
    do throws(ConnectionError) { return try body() } catch { throw .connection(error) }
}
