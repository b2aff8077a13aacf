import Bytes
import Charset

// How a conversation's lists take one message more or less. The result does not depend on the order in which messages came.
extension ConversationRecord {
    /// The entry of a folder, made when missing; folders stand in the order of their numbers.
    mutating func folder(_ number: Int) -> Int {
        let place = folders.firstIndex { $0.number >= number } ?? folders.count
        if place == folders.count || folders[place].number != number { folders.insert(Folder(number: number), at: place) }
        return place
    }

    /// Counts a sender's messages up or down and keeps the best form of his name; who wrote last stands first.
    mutating func update(sender: EnvelopeAddress, lastSeen: Int64, by difference: Int) {
        guard let mailbox = sender.mailbox, let domain = sender.domain else { return }
        var item = Sender(name: nil, route: nil, mailbox: mailbox, domain: domain)
        if let place = senders.firstIndex(where: { Self.order($0, mailbox, domain) == 0 }) { item = senders.remove(at: place) }
        if difference <= 0, -difference >= Int(item.exists) { return }
        item.exists.move(by: difference)
        if item.name == nil || Self.prefers(sender.name, to: item.name) { item.name = sender.name }
        if item.route == nil || Self.isBefore(sender.route, item.route) { item.route = sender.route }
        if Self.isBefore(mailbox, item.mailbox) { item.mailbox = mailbox }
        if Self.isBefore(domain, item.domain) { item.domain = domain }
        item.lastSeen = max(item.lastSeen, lastSeen)
        let place =
            senders.firstIndex { other in
                other.lastSeen < item.lastSeen || (other.lastSeen == item.lastSeen && Self.order(other, mailbox, domain) > 0)
            } ?? senders.count
        senders.insert(item, at: place)
    }

    /// By domain, then mailbox, both without case.
    private static func order(_ sender: Sender, _ mailbox: [UInt8], _ domain: [UInt8]) -> Int {
        let byDomain = compare(sender.domain.asciiLowercased, domain.asciiLowercased)
        return byDomain != 0 ? byDomain : compare(sender.mailbox.asciiLowercased, mailbox.asciiLowercased)
    }

    private static func isBefore(_ a: [UInt8]?, _ b: [UInt8]?) -> Bool {
        compare(a ?? [], b ?? []) < 0
    }

    private static func compare(_ a: [UInt8], _ b: [UInt8]) -> Int {
        a.span.bytes.compare(b.span.bytes)
    }

    /// Whether a name is better than the one that is there: it has other than ASCII letters, is longer, comes first.
    private static func prefers(_ new: [UInt8]?, to old: [UInt8]?) -> Bool {
        let (oldText, newText) = (old ?? [], new ?? [])
        let a = EncodedWords.decoded(oldText.span.bytes)
        let b = EncodedWords.decoded(newText.span.bytes)
        let isNational = (a.contains { $0 >= 0x80 }, b.contains { $0 >= 0x80 })
        if isNational.0 != isNational.1 { return isNational.1 }
        if a.count != b.count { return b.count > a.count }
        if a != b { return isBefore(b, a) }
        return isBefore(new, old)
    }

    /// Counts a message up or down; by date, then by GUID.
    mutating func update(message guid: GUID, internalDate: Int64, by difference: Int) {
        if let place = thread.firstIndex(where: { $0.guid == guid }) {
            if Int(thread[place].exists) + difference <= 0 {
                thread.remove(at: place)
                return
            }
            if thread[place].internalDate < internalDate { thread[place].internalDate = internalDate }
            thread[place].exists.move(by: difference)
        } else {
            if difference <= 0 { return }
            thread.append(Message(guid: guid, exists: UInt32(clamping: difference), internalDate: internalDate))
        }
        thread.sort { a, b in a.internalDate != b.internalDate ? a.internalDate < b.internalDate : a.guid < b.guid }
    }
}
