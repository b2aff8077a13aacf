import CyrusDB
import Logging
import Mailbox
import Posix

/// `ctl_cyrusdb -r`: the recovery stamp, conversions to the engines configured, and recovery of every database that needs it.
struct Recovery {
    let store: MailStore
    let logger: Logger

    init(_ store: MailStore, _ logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// False when a database could not be recovered; the others are all the same.
    func run(mailboxList: Bool) -> Bool {
        var isWhole = stampSkiplists()
        logger.notice("recovering cyrus databases")
        for database in KnownDatabase.all(store.configuration) where !recover(database) { isWhole = false }
        if mailboxList && !openMailboxList() { isWhole = false }
        logger.notice("done recovering cyrus databases")
        return isWhole
    }

    /// After a crash every skiplist is to be recovered by whoever opens it first; after a clean shutdown, which somebody must have
    /// told by db/skipcleanshutdown, none.
    private func stampSkiplists() -> Bool {
        let directory = store.configuration.directory + "/db"
        do throws(PosixError) {
            if try FileSystem.unlink(directory + "/skipcleanshutdown") {
                logger.notice("skiplist: clean shutdown detected, starting normally")
                return true
            }
            logger.notice("skiplist: clean shutdown file missing, updating recovery stamp")
            try FileSystem.makeDirectories(directory, mode: 0o755)
            var stamp: [UInt8] = []
            let now = UInt32(clamping: Clock.now)
            for shift in stride(from: 24, through: 0, by: -8) { stamp.append(UInt8(truncatingIfNeeded: now >> UInt32(shift))) }
            let file = try File(directory + "/skipstamp", .readWrite, create: .ifMissing, mode: 0o644)
            try file.write(stamp, at: 0)
            try file.sync()
            return true
        } catch {
            logger.error("DBERROR: skiplist recovery stamp: \(error)")
            return false
        }
    }

    private func recover(_ known: KnownDatabase) -> Bool {
        do throws(CyrusDBError) {
            let found = try store.databases.detect(known.path)
            guard let engine = known.engine else {
                logger.error("cyrusdb backend \(known.engineName) not supported; \(known.path) is left as it is")
                return found == nil
            }
            if let found, found != engine { try convert(known.path, found, engine) }
            if found == nil { try convertText(known.path, engine) }
            // Missing ones are made by whoever needs them; quotalegacy has nothing to recover.
            guard engine != .quotalegacy, let database = try store.databases.openIfPresent(known.path, engine) else { return true }
            return try settle(database, thoroughly: known.isArchived)
        } catch {
            logger.error("DBERROR: recovering \(known.path): \(error)")
            return false
        }
    }

    private func convert(_ path: String, _ found: DatabaseEngine, _ engine: DatabaseEngine) throws(CyrusDBError) {
        logger.notice("converting \(path) from \(found.rawValue) to \(engine.rawValue)")
        do throws(CyrusDBError) {
            _ = try store.databases.open(path, engine, .convert)
        } catch {
            logger.notice("conversion failed \(path)")
            throw error
        }
    }

    /// Flat files have no magic: a text whose every line is a record, in their order, is taken for one, and made a database of the engine
    /// configured. Written whole beside it, synced, and renamed; nobody else is there yet.
    private func convertText(_ path: String, _ engine: DatabaseEngine) throws(CyrusDBError) {
        guard engine == .twoskip || engine == .skiplist, let status = try? FileSystem.status(path), status.size > 0 else { return }
        // Apart from the others: what is asked for next is not to be this handle.
        let apart = DatabaseEnvironment(logger: logger)
        let text = try apart.open(path, .flat)
        do throws(CyrusDBError) {
            try text.checkConsistency()
        } catch {
            // What it is the engine configured will say.
            if error.isDamage { return }
            throw error
        }
        logger.notice("converting \(path) from flat to \(engine.rawValue)")
        let fresh = path + ".NEW"
        do throws(PosixError) { try FileSystem.unlink(fresh) } catch { throw .io(error) }
        try apart.copy(text, to: fresh, engine)
        do throws(PosixError) {
            try FileSystem.rename(fresh, to: path)
            try FileSystem.syncDirectory(FileSystem.parent(of: path))
        } catch {
            throw .io(error)
        }
    }

    /// Locking recovers a file that was left unclean. Those that nothing else could restore are then read whole. One that is damaged
    /// is made anew of what is whole in it, and kept as `<file>.DAMAGED`.
    private func settle(_ database: Database, thoroughly: Bool) throws(CyrusDBError) -> Bool {
        do throws(CyrusDBError) {
            let reading = try database.beginShared()
            try reading.commit()
            if thoroughly { try database.checkConsistency() }
        } catch {
            guard error.isDamage else { throw error }
            logger.error("DBERROR: \(error); keeping what is whole")
            guard database.engine != .flat else { return false }
            try database.rebuild()
        }
        return true
    }

    /// The mailbox list is there, opens, and is as this version expects it.
    private func openMailboxList() -> Bool {
        do throws(MailboxError) {
            let done = try store.list.upgrade()
            if !done.isNothing {
                logger.notice(
                    """
                    mailbox list: \(done.converted) old records converted, \(done.reservations) reservations removed, \
                    \(done.identified) unique ids given, \(done.reverse) reverse ACLs changed
                    """)
            }
            _ = try store.annotations
            return true
        } catch {
            logger.error("DBERROR: mailbox list: \(error)")
            return false
        }
    }
}
