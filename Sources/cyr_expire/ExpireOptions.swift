import Service

/// What is asked of cyr_expire.
struct ExpireOptions {
    /// -E: delivery marks.
    var expire: Age?
    /// -X: expunged messages.
    var expunge: Age?
    /// -D: deleted mailboxes.
    var delete: Age?
    /// -A: messages that go to the archive partition.
    var archive: Age?
    /// -p, in the namespace of admins.
    var prefix: String?
    /// -u
    var user: String?
    var isVerbose = false
    var skipsAnnotations = false
    var skipsExpunge = false
    var removesKeywords = false
    var skipsConversations = false

    enum Failure: Error {
        case usage(String?)
    }

    init(_ options: ProgramOptions) throws(Failure) {
        func age(_ letter: Character) throws(Failure) -> Age? {
            guard let text = options.argument(letter) else { return nil }
            guard let age = Age(text) else { throw .usage(nil) }
            return age
        }
        if options.has("h") { throw .usage(nil) }
        (expire, expunge, delete, archive) = (try age("E"), try age("X"), try age("D"), try age("A"))
        (prefix, user) = (options.argument("p"), options.argument("u"))
        isVerbose = options.has("v")
        skipsAnnotations = options.has("a")
        skipsExpunge = options.has("x")
        removesKeywords = options.has("t")
        skipsConversations = options.has("c")
        if expire == nil, expunge == nil, delete == nil, archive == nil, !removesKeywords { throw .usage("Missing arguments.") }
    }

    static let usage = """
        Usage: cyr_expire [OPTIONS] {mailbox|users}
        Expire messages and duplicate delivery database entries.

        -a                       skip annotation lookup
        -c                       do not expire conversations
        -h                       print this help and exit
        -p <mailbox-prefix>      specify prefix for mailboxes
        -t                       remove user flags which are not used
        -u <user-id>             specify user id for mailbox lookup
        -v                       enable verbose output
        -x                       do not expunge messages
        -C <config-file>         use <config-file> instead of config from imapd.conf
        -A <archive-duration>    
        -D <delete-duration>     
        -E <expire-duration>     
        -X <expunge-duration>    

        """
}
