/// The flags of an index record: IMAP's system flags in the low 16 bits, Cyrus's internal ones in the high 16.
public struct MessageFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let answered = MessageFlags(rawValue: 1)
    public static let flagged = MessageFlags(rawValue: 2)
    public static let deleted = MessageFlags(rawValue: 4)
    public static let draft = MessageFlags(rawValue: 8)
    public static let seen = MessageFlags(rawValue: 16)

    public static let snoozed = MessageFlags(rawValue: 1 << 26)
    /// The message was split off a conversation that grew too long.
    public static let splitConversation = MessageFlags(rawValue: 1 << 27)
    /// Something is left to be done at cleanup.
    public static let needsCleanup = MessageFlags(rawValue: 1 << 28)
    /// The body lies in the archive partition or the object store.
    public static let archived = MessageFlags(rawValue: 1 << 29)
    /// The message file is gone.
    public static let unlinked = MessageFlags(rawValue: 1 << 30)
    /// The message is no longer there for clients.
    public static let expunged = MessageFlags(rawValue: 1 << 31)

    /// The five that clients set.
    public static let system: MessageFlags = [.answered, .flagged, .deleted, .draft, .seen]
}

/// Which of a mailbox's 128 user flags (keywords) are set: bit n is the n-th name in cyrus.header.
public struct UserFlags: Hashable, Sendable {
    public static let capacity = 128
    /// Clients may create names in the first hundred slots only.
    public static let clientCapacity = 100

    public var low: UInt64
    public var high: UInt64

    @inlinable public init(low: UInt64 = 0, high: UInt64 = 0) {
        self.low = low
        self.high = high
    }

    @inlinable public var isEmpty: Bool { low | high == 0 }

    /// `bit` is 0...127.
    @inlinable
    public subscript(bit: Int) -> Bool {
        get { (bit < 64 ? low >> UInt64(bit) : high >> UInt64(bit - 64)) & 1 != 0 }
        set {
            if bit < 64 {
                low = newValue ? low | 1 << UInt64(bit) : low & ~(1 << UInt64(bit))
            } else {
                high = newValue ? high | 1 << UInt64(bit - 64) : high & ~(1 << UInt64(bit - 64))
            }
        }
    }

    public func union(_ other: UserFlags) -> UserFlags { UserFlags(low: low | other.low, high: high | other.high) }
    public func subtracting(_ other: UserFlags) -> UserFlags { UserFlags(low: low & ~other.low, high: high & ~other.high) }
}

/// Options and states of a whole mailbox, in the index header.
public struct MailboxOptions: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// POP3 UIDL is UIDVALIDITY.UID rather than UID.
    public static let pop3NewUIDL = MailboxOptions(rawValue: 1 << 0)
    /// \Seen is one for all readers.
    public static let sharedSeen = MailboxOptions(rawValue: 1 << 2)
    /// Duplicate suppression is off here.
    public static let duplicateDeliver = MailboxOptions(rawValue: 1 << 3)
    public static let hasAlarms = MailboxOptions(rawValue: 1 << 4)
    public static let needsUnlink = MailboxOptions(rawValue: 1 << 29)
    public static let needsRepack = MailboxOptions(rawValue: 1 << 30)
    /// The mailbox awaits its removal.
    public static let deleted = MailboxOptions(rawValue: 1 << 31)

    public static let known: MailboxOptions = [
        .pop3NewUIDL, .sharedSeen, .duplicateDeliver, .hasAlarms, .needsUnlink, .needsRepack, .deleted,
    ]
}
