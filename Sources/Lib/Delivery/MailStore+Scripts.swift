import Configuration
import Mailbox
import Posix

extension MailStore {
    /// The path of a user's active Sieve script; nil when there is none.
    func activeScript(of user: String) throws(MailboxError) -> String? {
        guard let directory = layout.sieveDirectory(user: user, inbox: try inbox(of: user)) else { return nil }
        let path = "\(directory)/defaultbc"
        return FileSystem.exists(path) ? path : nil
    }
}
