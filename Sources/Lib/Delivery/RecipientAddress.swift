import Bytes
import Configuration
import Mailbox

/// Whom an address of RCPT TO means: `user+folder@domain`, or a shared folder when the user is that of option postuser
/// (nobody, by default).
///
/// Quotes and backslashes are taken as they stand, as Cyrus takes them: no mailbox has them in its name.
public struct RecipientAddress: Sendable, Equatable {
    /// nil for a shared folder. With `@domain` where virtual domains keep it.
    public let user: String?
    /// Components of the folder in internal form (`.` as `^` with unixhierarchysep).
    public let folder: [String]
    /// Kept domain of a shared folder.
    public let domain: String?

    public init(_ mailbox: [UInt8], _ configuration: Configuration) {
        let text = mailbox.text
        let at = text.lastIndex(of: "@")
        var local = String(at.map { text[..<$0] } ?? text[...])
        var domain = at.map { String(text[text.index(after: $0)...]).lowercased() }
        if configuration[.virtdomains] == "off" || domain == configuration[.defaultdomain] || domain == "" { domain = nil }
        let plus = local.firstIndex(of: "+")
        let rest = plus.map { String(local[local.index(after: $0)...]) }
        local = String(plus.map { local[..<$0] } ?? local[...])
        if configuration[.lmtp_downcase_rcpt] || configuration[.username_tolower] { local = local.lowercased() }
        let separator: Character = configuration[.unixhierarchysep] ? "/" : "."
        folder = (rest ?? "").split(separator: separator).map { part in
            separator == "/" ? String(part.map { $0 == "." ? "^" : $0 }) : String(part)
        }
        self.domain = domain
        if local == configuration[.postuser] {
            user = nil
        } else {
            user = domain.map { "\(local)@\($0)" } ?? local
        }
    }

    /// The shared folder's name; nil when none is named.
    public var sharedName: MailboxName? {
        guard user == nil, !folder.isEmpty else { return nil }
        let path = folder.joined(separator: ".")
        return MailboxName(domain.map { "\($0)!\(path)" } ?? path)
    }
}
