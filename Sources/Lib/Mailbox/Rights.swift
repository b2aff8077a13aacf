/// What an ACL lets someone do (RFC 4314, with Cyrus's `n` and user-defined digits).
public struct Rights: OptionSet, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let lookup = Rights(rawValue: 1 << 0)
    public static let read = Rights(rawValue: 1 << 1)
    public static let seen = Rights(rawValue: 1 << 2)
    public static let write = Rights(rawValue: 1 << 3)
    public static let insert = Rights(rawValue: 1 << 4)
    public static let post = Rights(rawValue: 1 << 5)
    public static let createMailbox = Rights(rawValue: 1 << 6)
    public static let deleteMailbox = Rights(rawValue: 1 << 7)
    public static let deleteMessages = Rights(rawValue: 1 << 8)
    public static let expunge = Rights(rawValue: 1 << 9)
    public static let administer = Rights(rawValue: 1 << 10)
    public static let annotate = Rights(rawValue: 1 << 11)

    /// User-defined right `0`...`9`.
    public static func user(_ digit: Int) -> Rights { Rights(rawValue: 1 << UInt32(12 + digit)) }

    public static let all = Rights(rawValue: (1 << 22) - 1)
    /// Everything but the digits: what an owner gets.
    public static let full = Rights(rawValue: (1 << 12) - 1)

    private static let letters: [(UInt8, Rights)] = [
        (UInt8(ascii: "l"), .lookup), (UInt8(ascii: "r"), .read), (UInt8(ascii: "s"), .seen), (UInt8(ascii: "w"), .write),
        (UInt8(ascii: "i"), .insert), (UInt8(ascii: "p"), .post), (UInt8(ascii: "k"), .createMailbox),
        (UInt8(ascii: "x"), .deleteMailbox), (UInt8(ascii: "t"), .deleteMessages), (UInt8(ascii: "e"), .expunge),
    ]

    /// What one letter stands for; `c` and `d` are RFC 2086's, of more than one right each. `deleteRight` (option `deleteright`) says
    /// which letter of `c`, `d` and `x` a client of those days deletes mailboxes with. nil for a letter that is none.
    public static func right(_ letter: UInt8, deleteRight: UInt8 = UInt8(ascii: "c")) -> Rights? {
        if let found = letters.first(where: { $0.0 == letter }) { return found.1 }
        switch letter {
        case UInt8(ascii: "a"): return .administer
        case UInt8(ascii: "n"): return .annotate
        case UInt8(ascii: "c"): return deleteRight == letter ? [.createMailbox, .deleteMailbox] : .createMailbox
        case UInt8(ascii: "d"):
            return deleteRight == letter ? [.deleteMessages, .expunge, .deleteMailbox] : [.deleteMessages, .expunge]
        case 0x30...0x39: return .user(Int(letter - 0x30))
        default: return nil
        }
    }

    /// The rights that a client's letters ask for. `c` and `d` count only where none of the rights they stand for is named itself:
    /// `kc` is `k`. Letters that are none are passed over.
    public init(requested letters: some Sequence<UInt8>, deleteRight: UInt8 = UInt8(ascii: "c")) {
        self = []
        var old: [Rights] = []
        for letter in letters {
            guard let right = Rights.right(letter, deleteRight: deleteRight) else { continue }
            if letter == UInt8(ascii: "c") || letter == UInt8(ascii: "d") { old.append(right) } else { insert(right) }
        }
        let named = self
        for group in old where group.isDisjoint(with: named) { formUnion(group) }
    }

    /// Reads rights as stored, where letters that are none are passed over. `c` and `d` follow the rights they stand for; alone they are
    /// from before RFC 4314.
    public init(_ text: some StringProtocol) {
        self.init(requested: text.utf8)
        let explicit: Rights = [.createMailbox, .deleteMailbox, .deleteMessages, .expunge]
        let named = Rights(requested: text.utf8.filter { $0 != UInt8(ascii: "c") && $0 != UInt8(ascii: "d") })
        if !named.isDisjoint(with: explicit) { self = named }
    }

    /// As Cyrus writes them: `lrswipkxte`, then `c` and `d` where any of theirs is there, `a`, `n`, digits.
    public var description: String {
        var out: [UInt8] = []
        for (letter, right) in Rights.letters where contains(right) { out.append(letter) }
        if !isDisjoint(with: [.createMailbox, .deleteMailbox]) { out.append(UInt8(ascii: "c")) }
        if !isDisjoint(with: [.deleteMessages, .expunge]) { out.append(UInt8(ascii: "d")) }
        if contains(.administer) { out.append(UInt8(ascii: "a")) }
        if contains(.annotate) { out.append(UInt8(ascii: "n")) }
        for digit in 0..<10 where contains(.user(digit)) { out.append(UInt8(0x30 + digit)) }
        return String(decoding: out, as: UTF8.self)
    }
}
