import Bytes

/// One address of a list, or the mark that a group starts or ends.
public struct Address: Sendable, Equatable {
    /// The phrase in front of the angle bracket, or the comment behind a bare address; undecoded.
    public var name: [UInt8]?
    /// Source route, `@a,@b`.
    public var route: [UInt8]?
    /// Local part, unquoted; nil ends a group.
    public var mailbox: [UInt8]?
    /// nil: `mailbox` is the name of a group that starts here.
    public var domain: [UInt8]?

    public init(name: [UInt8]? = nil, route: [UInt8]? = nil, mailbox: [UInt8]?, domain: [UInt8]?) {
        (self.name, self.route, self.mailbox, self.domain) = (name, route, mailbox, domain)
    }

    /// A group starts here and `mailbox` is its name.
    public var startsGroup: Bool { mailbox != nil && domain == nil }
    public var endsGroup: Bool { mailbox == nil && domain == nil }
}

/// An address list of RFC 5322 (and 822: routes, comments as names), taken apart as Cyrus does: everything gives some list.
///
/// An address without a domain gets `unspecified-domain`; a group stands between two marks as in an IMAP envelope.
public struct AddressList: Sendable, Equatable {
    public private(set) var addresses: [Address] = []

    /// From the raw value of a field, folds included, without its last line end.
    public init(_ value: borrowing RawSpan) {
        read(value)
    }

    private mutating func read(_ value: borrowing RawSpan) {
        var at = 0
        var isInGroup = false
        while true {
            var phrase: [UInt8] = []
            let stop = AddressScanner.phrase(value, &at, stops: isInGroup ? ",@<;" : ",@<:", into: &phrase)
            switch stop {
            case UInt8(ascii: ":"):
                addresses.append(Address(mailbox: phrase, domain: nil))
                isInGroup = true
            case UInt8(ascii: "@"):
                let (end, domain, comment) = AddressScanner.domain(value, &at, readsComment: true)
                append(name: comment, mailbox: phrase, domain: domain)
                if end == UInt8(ascii: ";") {
                    addresses.append(Address(mailbox: nil, domain: nil))
                    isInGroup = false
                }
                if end == 0 { return close(isInGroup) }
            case UInt8(ascii: "<"):
                if !readAngle(value, &at, name: phrase) { return close(isInGroup) }
            default:
                if !phrase.isEmpty { append(mailbox: phrase, domain: []) }
                if stop == UInt8(ascii: ";") {
                    addresses.append(Address(mailbox: nil, domain: nil))
                    isInGroup = false
                }
                if stop == 0 { return close(isInGroup) }
            }
        }
    }

    private mutating func close(_ isInGroup: Bool) {
        if isInGroup { addresses.append(Address(mailbox: nil, domain: nil)) }
    }

    private mutating func append(name: [UInt8]? = nil, route: [UInt8]? = nil, mailbox: [UInt8], domain: [UInt8]) {
        addresses.append(
            Address(
                name: name?.isEmpty == true ? nil : name, route: route?.isEmpty == true ? nil : route, mailbox: mailbox,
                domain: domain.isEmpty ? [UInt8]("unspecified-domain") : domain))
    }

    /// What stands between angle brackets. False when the text ended.
    private mutating func readAngle(_ value: borrowing RawSpan, _ at: inout Int, name: [UInt8]) -> Bool {
        var mailbox: [UInt8] = []
        var route: [UInt8]?
        var stop = AddressScanner.phrase(value, &at, stops: "@>", into: &mailbox)
        guard stop == UInt8(ascii: "@") else {
            append(name: name, mailbox: mailbox, domain: [])
            return stop != 0
        }
        if mailbox.isEmpty {
            // A source route: it starts with the `@` that was just read.
            at -= 1
            let (end, read) = AddressScanner.route(value, &at)
            route = read
            guard end == UInt8(ascii: ":") else {
                append(name: name, route: read, mailbox: [], domain: [])
                return AddressScanner.skip(past: UInt8(ascii: ">"), value, &at, from: end)
            }
            stop = AddressScanner.phrase(value, &at, stops: "@>", into: &mailbox)
            guard stop == UInt8(ascii: "@") else {
                append(name: name, route: route, mailbox: mailbox, domain: [])
                return stop != 0
            }
        }
        let (end, domain, _) = AddressScanner.domain(value, &at, readsComment: false)
        append(name: name, route: route, mailbox: mailbox, domain: domain)
        return AddressScanner.skip(past: UInt8(ascii: ">"), value, &at, from: end)
    }
}
