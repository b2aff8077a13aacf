import Configuration

extension Layout {
    /// The folder that holds a user's files: his own in the layout by id, one shared with others of the same letter in the one by name.
    public func userDirectory(user: String, inbox: MailboxEntry?) -> String {
        let path = userPath(.seen, user: user, inbox: inbox)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? configDirectory
    }

    /// Where a user's Sieve scripts are; nil when they are in his home folder (sieveusehomedir).
    public func sieveDirectory(user: String, inbox: MailboxEntry?) -> String? {
        guard !configuration[.sieveusehomedir] else { return nil }
        let root = configuration[.sievedir]
        if let inbox, !inbox.type.isLegacy, let id = inbox.uniqueID {
            let letters = Array(id.text)
            return "\(root)/uuid/\(letters[0])/\(letters.count > 1 ? letters[1] : letters[0])/\(id.text)"
        }
        let name = MailboxName.inbox(of: user)
        let local = String(name.components.count > 1 ? name.components[1] : name.components[0])
        let domain = name.domain.map { "/domain/\(directoryHash($0))/\($0)" } ?? ""
        return "\(root)\(domain)/\(directoryHash(local))/\(local)"
    }

    /// Where the Sieve scripts of shared mailboxes are.
    public func sharedSieveDirectory(domain: String?) -> String {
        let place = domain.map { "/domain/\(directoryHash($0))/\($0)" } ?? ""
        return "\(configuration[.sievedir])\(place)/global"
    }
}
