import Bytes
import Configuration

/// Where the store keeps things: directories of mailboxes and users, lock files (Cyrus `mboxname_metapath` and friends).
public struct Layout: Sendable {
    public let configuration: Configuration
    public let configDirectory: String
    let hashes: Bool
    let fullHash: Bool
    let lockRoot: String
    private let metaFiles: Set<String>

    public init(_ configuration: Configuration) {
        self.configuration = configuration
        configDirectory = configuration.directory
        hashes = configuration[.hashimapspool]
        fullHash = configuration[.fulldirhash]
        lockRoot = configuration[.mboxname_lockpath] ?? "\(configuration.directory)/lock"
        metaFiles = Set(configuration[.metapartition_files])
    }

    /// The files that are not messages.
    public enum MetaFile: String, Sendable, CaseIterable {
        case header = "cyrus.header"
        case index = "cyrus.index"
        case cache = "cyrus.cache"
        case annotations = "cyrus.annotations"
        case squat = "cyrus.squat"
        case expunge = "cyrus.expunge"
        case dav = "cyrus.dav"

        /// Its word in metapartition_files.
        var option: String {
            switch self {
            case .header: "header"
            case .index: "index"
            case .cache: "cache"
            case .annotations: "annotations"
            case .squat: "squat"
            case .expunge: "expunge"
            case .dav: "dav"
            }
        }

        /// Its word in metadir-WORD-PARTITION.
        var directoryOption: String? {
            switch self {
            case .header: "header"
            case .index, .annotations: "index"
            case .cache: "cache"
            case .squat: "squat"
            case .dav: "dav"
            case .expunge: nil
            }
        }
    }

    // MARK: mailboxes

    /// Below a partition's root: `/uuid/a/z/ID`, or by name for legacy mailboxes.
    func subdirectory(_ entry: MailboxEntry) -> String {
        if !entry.type.isLegacy, let id = entry.uniqueID { return "/uuid/\(Self.twoLetters(id.text))/\(id.text)" }
        return legacySubdirectory(entry.name)
    }

    private static func twoLetters(_ id: String) -> String {
        let letters = Array(id.prefix(2))
        return letters.count == 2 ? "\(letters[0])/\(letters[1])" : "\(id)/\(id)"
    }

    func legacySubdirectory(_ name: MailboxName) -> String {
        var path = ""
        if let domain = name.domain {
            path += "/domain/\(directoryHash(domain))/\(domain)"
        }
        let parts = name.components
        if hashes { path += "/\(directoryHash(String(parts.count > 1 ? parts[1] : parts[0])))" }
        return path + "/" + parts.joined(separator: "/")
    }

    /// The directory of a mailbox's messages; nil when the partition is not configured.
    public func dataDirectory(_ entry: MailboxEntry) -> String? {
        configuration.partition(entry.partition).map { $0 + subdirectory(entry) }
    }

    /// The directory of archived messages; the data directory when there is no archive partition.
    public func archiveDirectory(_ entry: MailboxEntry) -> String? {
        configuration.partition(entry.partition, .archive).map { $0 + subdirectory(entry) } ?? dataDirectory(entry)
    }

    public func metaDirectory(_ entry: MailboxEntry, _ file: MetaFile) -> String? {
        if let word = file.directoryOption, let root = configuration.metadataDirectory(file: word, partition: entry.partition) {
            return root + subdirectory(entry)
        }
        if metaFiles.contains(file.option), let root = configuration.partition(entry.partition, .metadata) {
            return root + subdirectory(entry)
        }
        return dataDirectory(entry)
    }

    public func metaPath(_ entry: MailboxEntry, _ file: MetaFile) -> String? {
        metaDirectory(entry, file).map { "\($0)/\(file.rawValue)" }
    }

    /// Every directory that a mailbox has files in, each once.
    public func allDirectories(_ entry: MailboxEntry) -> [String] {
        var all: [String] = []
        for directory in [dataDirectory(entry), archiveDirectory(entry)] + MetaFile.allCases.map({ metaDirectory(entry, $0) }) {
            if let directory, !all.contains(directory) { all.append(directory) }
        }
        return all
    }

    /// Where messages are written first, on the mailbox's own partition so that they can be linked from there.
    func stageDirectory(partition: String) -> String? {
        configuration.partition(partition).map { "\($0)/stage." }
    }

    // MARK: users

    /// What is kept for each user, by the names of both layouts.
    public enum UserFile: String, Sendable, CaseIterable {
        case seen, sub, conversations, counters, mboxkey, dav, xapianactive
    }

    /// The path of a user's file. `inbox` is the entry of his INBOX, nil when he has none (then, and for legacy mailboxes, by name).
    public func userPath(_ file: UserFile, user: String, inbox: MailboxEntry?) -> String {
        if let inbox, !inbox.type.isLegacy, let id = inbox.uniqueID {
            return "\(configDirectory)/user/uuid/\(Self.twoLetters(id.text))/\(id.text)/\(file.rawValue).db"
        }
        let name = MailboxName.inbox(of: user)
        let local = String(name.components.count > 1 ? name.components[1] : name.components[0])
        let domain = name.domain.map { "/domain/\(directoryHash($0))/\($0)" } ?? ""
        return "\(configDirectory)\(domain)/user/\(directoryHash(local))/\(local).\(file.rawValue)"
    }

    /// The path of what is kept for the shared mailboxes (of a domain).
    public func sharedPath(_ file: UserFile, domain: String?) -> String {
        let place = domain.map { "/domain/\(directoryHash($0))/\($0)" } ?? ""
        return "\(configDirectory)\(place)/shared.\(file.rawValue)"
    }

    // MARK: locks

    /// The file of a name lock: the lock's name hashed as a mailbox name would be.
    func lockPath(_ lockName: String) -> String {
        lockRoot + legacySubdirectory(MailboxName(lockName)) + ".lock"
    }

    // MARK: hashing

    /// The letter under which a name's directory stands (Cyrus `dir_hash_c`).
    func directoryHash(_ name: String) -> String {
        if fullHash {
            var n: UInt32 = 0
            for byte in name.utf8 {
                if byte == UInt8(ascii: ".") { break }
                n = ((n << 3) ^ (n >> 5)) ^ UInt32(byte)
            }
            return String(UnicodeScalar(UInt8(ascii: "A") + UInt8(n % 23)))
        }
        guard let first = name.utf8.first?.asciiLowercased, first.isASCIILower else { return "q" }
        return String(UnicodeScalar(first))
    }
}
