import CyrusDB
import Posix

/// One database copied, record by record, into one of any engine.
///
/// Order of writes for an engine of one file: all records into `<new>.NEW` in one transaction, synced by its commit; then the rename,
/// and a sync of the directory. A crash at any moment leaves what was at the new path before, or all of it. The source is locked
/// all the while; exclusively when it is the file that is replaced, so that nothing written meanwhile is lost.
/// Engines that are no file (a folder of files, a server) get all records in one transaction of theirs.
struct Conversion {
    private let source: String
    private let sourceEngine: DatabaseEngine
    private let target: String
    private let targetEngine: DatabaseEngine
    private let databases: DatabaseEnvironment

    init(
        from source: String, _ sourceEngine: DatabaseEngine, to target: String, _ targetEngine: DatabaseEngine,
        _ databases: DatabaseEnvironment
    ) {
        (self.source, self.sourceEngine, self.target, self.targetEngine) = (source, sourceEngine, target, targetEngine)
        self.databases = databases
    }

    func run() throws(CyrusDBError) {
        let old = try databases.open(source, sourceEngine)
        let isOneFile = Self.isOneFile(targetEngine)
        let replacesSource = source == target && isOneFile
        let lock = replacesSource ? try old.begin() : try old.beginShared()
        guard isOneFile else {
            try copy(old, to: try databases.open(target, targetEngine, .create))
            try lock.abort()
            return
        }
        let fresh = target + ".NEW"
        do throws(PosixError) { _ = try FileSystem.unlink(fresh) } catch { throw .io(error) }
        do throws(CyrusDBError) {
            try copy(old, to: try databases.open(fresh, targetEngine, .create))
            do throws(PosixError) {
                try FileSystem.rename(fresh, to: target)
                try FileSystem.syncDirectory(FileSystem.parent(of: target))
            } catch {
                throw .io(error)
            }
        } catch {
            _ = try? FileSystem.unlink(fresh)
            throw error
        }
        try lock.abort()
    }

    private static func isOneFile(_ engine: DatabaseEngine) -> Bool {
        switch engine {
        case .flat, .skiplist, .twoskip: true
        default: false
        }
    }

    private func copy(_ old: Database, to new: Database) throws(CyrusDBError) {
        var progress = Progress()
        try new.transaction { transaction throws(CyrusDBError) in
            _ = try old.forEach(prefix: [UInt8]().span.bytes) { key, value throws(CyrusDBError) in
                try transaction.store(key, value)
                progress.advance()
                return .next
            }
        }
        progress.end()
    }
}

/// `12000 records`, kept up to date on a terminal; nothing anywhere else.
private struct Progress {
    private let isSeen = Descriptor.isTerminal(2)
    private var count = 0
    private var shown = 0.0

    mutating func advance() {
        count += 1
        guard isSeen, count % 256 == 0, Clock.monotonic - shown > 0.2 else { return }
        shown = Clock.monotonic
        StandardError.write("\r\(count) records")
    }

    func end() {
        if isSeen, shown > 0 { StandardError.write("\r\(count) records\n") }
    }
}

extension CyrusDBError {
    /// Cyrus's number of the error.
    var cyrusCode: Int {
        switch self {
        case .io, .server, .badFormat, .damaged, .stopped: -1
        case .invalidKey: -4
        case .missing: -5
        case .locked: -6
        case .unsupported: -7
        case .readOnly: -9
        }
    }
}
