/// What kind of mailbox it is and in which state its record (Cyrus `mbtype`): the T key of mailboxes.db.
public struct MailboxType: Sendable, Hashable, CustomStringConvertible {
    /// The first letter: email, netnews, collection, calendar, addressbook, JMAP submission, JMAP push subscription, sieve.
    public enum Kind: UInt8, Sendable {
        case email = 0x65  // e
        case netnews = 0x6e  // n
        case collection = 0x62  // b
        case calendar = 0x63  // c
        case addressbook = 0x61  // a
        case submission = 0x73  // s
        case pushSubscription = 0x70  // p
        case sieve = 0x66  // f
    }

    public struct State: OptionSet, Sendable, Hashable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The name is gone; the record remains for replication.
        public static let deleted = State(rawValue: 1)
        public static let moving = State(rawValue: 2)
        public static let remote = State(rawValue: 4)
        public static let reserved = State(rawValue: 8)
        /// Only there because something below it is.
        public static let intermediate = State(rawValue: 16)
        /// Its files lie in directories named by the mailbox's name.
        public static let legacyDirectories = State(rawValue: 32)
    }

    public var kind: Kind
    public var state: State

    public init(_ kind: Kind = .email, _ state: State = []) {
        self.kind = kind
        self.state = state
    }

    private static let letters: [(UInt8, State)] = [
        (UInt8(ascii: "d"), .deleted), (UInt8(ascii: "m"), .moving), (UInt8(ascii: "r"), .remote), (UInt8(ascii: "z"), .reserved),
        (UInt8(ascii: "i"), .intermediate), (UInt8(ascii: "l"), .legacyDirectories),
    ]

    /// Reads `e`, `ed`, `cl` …; letters that are not known are passed over, no kind at all is email.
    public init(text: String) {
        kind = .email
        state = []
        for (position, letter) in text.utf8.enumerated() {
            if let found = Self.letters.first(where: { $0.0 == letter }) {
                state.insert(found.1)
            } else if position == 0, let kind = Kind(rawValue: letter) {
                self.kind = kind
            }
        }
    }

    public var description: String {
        var out = [kind.rawValue]
        for (letter, flag) in Self.letters where state.contains(flag) { out.append(letter) }
        return String(decoding: out, as: UTF8.self)
    }

    public var isDeleted: Bool { state.contains(.deleted) }
    public var isIntermediate: Bool { state.contains(.intermediate) }
    public var isLegacy: Bool { state.contains(.legacyDirectories) }
}
