import Configuration
import Mailbox
import Posix

extension MailStore {
    /// The path of a user's active Sieve script; nil when there is none.
    func activeScript(of user: String) throws(MailboxError) -> String? {
        if configuration[.sieveusehomedir] { return nil }
        for directory in layout.scriptDirectories(user: user, inbox: try inbox(of: user)) {
            let path = "\(directory)/defaultbc"
            if FileSystem.exists(path) { return path }
        }
        return nil
    }
}
