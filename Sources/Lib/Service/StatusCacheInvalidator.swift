import CyrusDB
import Logging
import Mailbox

/// Takes what statuscache.db says of a mailbox out when the mailbox changes: programs that answer STATUS from it must not tell old figures.
/// (This project's own answer from the index, which is as fast.)
final class StatusCacheInvalidator: ChangeObserver {
    private let database: Database
    private let logger: Logger

    /// nil when `statuscache` is off, or there is no such database.
    init?(_ store: MailStore) {
        let configuration = store.configuration
        guard configuration[.statuscache], let engine = DatabaseEngine(rawValue: configuration[.statuscache_db]) else { return nil }
        let path = configuration[.statuscache_db_path] ?? "\(configuration.directory)/statuscache.db"
        guard let found = try? store.databases.open(path, engine, .create) else { return nil }
        database = found
        logger = store.logger
    }

    func changed(mailbox name: MailboxName) { forget(name) }
    func appended(mailbox name: MailboxName) { forget(name) }

    func event(_ event: StoreEvent) {
        switch event {
        case .mailbox(let name), .unmailbox(let name): forget(name)
        case .rename(let old, let new):
            forget(old)
            forget(new)
        default: break
        }
    }

    /// `NAME%` is the mailbox's own record, `NAME%%USER` what each user has seen of it.
    private func forget(_ name: MailboxName) {
        do throws(CyrusDBError) {
            for record in try database.records(prefix: Array("\(name.text)%".utf8)) { try database.delete(record.key) }
        } catch {
            logger.error("DBERROR: statuscache of \(name): \(error)")
        }
    }
}
