import CyrusDB
import Logging
import Mailbox
import Posix

/// `ctl_cyrusdb -c`: a copy of the databases that nothing else could restore in `db.backup1`, the one before in `db.backup2`.
///
/// Each file is copied under its shared lock, and synced. The older copies are only removed when newer ones stand in `db.backup1`
/// already: at any moment one whole set is there.
struct Archive {
    let store: MailStore
    let logger: Logger

    init(_ store: MailStore, _ logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// False when a file could not be copied.
    func run() -> Bool {
        logger.notice("checkpointing cyrus databases")
        let newest = store.configuration.directory + "/db.backup1"
        let older = store.configuration.directory + "/db.backup2"
        var isWhole = true
        do throws(PosixError) {
            try rotate(newest, older)
            for known in KnownDatabase.all(store.configuration) where known.isArchived && known.engine != .quotalegacy {
                if !archive(known, into: newest) { isWhole = false }
            }
            try FileSystem.syncDirectory(newest)
        } catch {
            logger.error("DBERROR: archiving to \(newest): \(error)")
            isWhole = false
        }
        logger.notice("done checkpointing cyrus databases")
        return isWhole
    }

    private func rotate(_ newest: String, _ older: String) throws(PosixError) {
        if try FileSystem.status(newest) != nil {
            if try FileSystem.status(older) != nil {
                for name in try FileSystem.list(older) { try FileSystem.unlink("\(older)/\(name)") }
                try FileSystem.removeDirectory(older)
            }
            try FileSystem.rename(newest, to: older)
        }
        try FileSystem.makeDirectories(newest, mode: 0o755)
    }

    private func archive(_ known: KnownDatabase, into directory: String) -> Bool {
        do throws(CyrusDBError) {
            guard let engine = known.engine, let database = try store.databases.openIfPresent(known.path, engine) else {
                logger.debug("not archiving database file: \(known.path): No such file or directory")
                return true
            }
            logger.debug("archiving database file: \(known.path)")
            try database.archive(to: directory)
            return true
        } catch {
            logger.error("DBERROR: archive \(known.path): \(error)")
            return false
        }
    }
}
