import Configuration
import CyrusDB

/// A database that imapd.conf names: its engine as configured, and its file.
struct KnownDatabase {
    /// As the option names it; not every engine's name is one of this program's.
    let engineName: String
    let path: String
    /// Kept in db.backup1.
    let isArchived: Bool

    var engine: DatabaseEngine? { DatabaseEngine(rawValue: engineName) }

    /// In the order they are recovered and archived.
    static func all(_ configuration: Configuration) -> [KnownDatabase] {
        func known(
            _ option: ChoiceOption, _ pathOption: OptionalStringOption, _ file: String, archived: Bool = false
        ) -> KnownDatabase {
            KnownDatabase(
                engineName: configuration[option], path: configuration[pathOption] ?? "\(configuration.directory)/\(file)",
                isArchived: archived)
        }
        return [
            known(.mboxlist_db, .mboxlist_db_path, "mailboxes.db", archived: true),
            known(.quota_db, .quota_db_path, "quotas.db", archived: true),
            known(.annotation_db, .annotation_db_path, "annotations.db", archived: true),
            known(.backup_db, .backup_db_path, "backups.db", archived: true),
            known(.duplicate_db, .duplicate_db_path, "deliver.db"),
            known(.tls_sessions_db, .tls_sessions_db_path, "tls_sessions.db"),
            known(.ptscache_db, .ptscache_db_path, "ptclient/ptscache.db"),
            known(.statuscache_db, .statuscache_db_path, "statuscache.db"),
        ]
    }
}
