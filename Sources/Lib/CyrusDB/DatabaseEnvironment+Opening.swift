import Bytes
import Posix

extension DatabaseEnvironment {
    /// The configured engine first; when the file turns out to be another's, that one's (converted or not).
    func openEngine(_ path: String, _ engine: DatabaseEngine, _ flags: OpenFlags) throws(CyrusDBError) -> any StorageEngine {
        do throws(CyrusDBError) {
            // Flat takes any text; a binary file of another engine must not be taken for it, and written over.
            if engine == .flat, let other = try detect(path) { return try openOther(path, engine, other, flags) }
            // Quotalegacy's path names no file of its own; one that is there is of another engine, to be taken over when asked.
            if engine == .quotalegacy, flags.contains(.convert), let other = try detect(path) {
                return try openOther(path, engine, other, flags)
            }
            // So does sql's. Until it is taken over it is opened as it is: a table made beside it would be empty.
            if engine == .sql {
                if let other = try detect(path) { return try openOther(path, engine, other, flags) }
                let status = try io { () throws(PosixError) in try FileSystem.status(path) }
                if let status, status.kind == .regular, status.size > 0 {
                    throw .badFormat(
                        path: path, reason: "a file of no known engine where sql has none (a flat one? cvt_cyrusdb converts it)")
                }
            }
            return try openExactly(path, engine, flags)
        } catch {
            guard case .badFormat = error, let other = try detect(path), other != engine else { throw error }
            return try openOther(path, engine, other, flags)
        }
    }

    private func openOther(
        _ path: String, _ wanted: DatabaseEngine, _ found: DatabaseEngine, _ flags: OpenFlags
    ) throws(CyrusDBError) -> any StorageEngine {
        if flags.contains(.convert) {
            try convert(path, from: found, to: wanted, flags)
            return try openExactly(path, wanted, flags)
        }
        logger.notice("cyrusdb: opening \(path) with backend \(found.rawValue) (requested \(wanted.rawValue))")
        return try openExactly(path, found, flags)
    }

    private func openExactly(_ path: String, _ engine: DatabaseEngine, _ flags: OpenFlags) throws(CyrusDBError) -> any StorageEngine {
        switch engine {
        case .twoskip: return try TwoSkip(path, flags, logger: logger)
        case .skiplist: return try SkipList(path, flags, options: options, recoveryStamp: { recoveryStamp }, logger: logger)
        case .flat: return try Flat(path, flags, logger: logger)
        case .quotalegacy: return QuotaLegacy(path, options: options, logger: logger)
        case .sql: return try SQLStorage(path, flags, configDirectory: configDirectory, connections: sqlConnections)
        }
    }

    /// The engine a file's magic tells; nil without one, and for a missing file.
    public func detect(_ path: String) throws(CyrusDBError) -> DatabaseEngine? {
        do throws(PosixError) {
            let head = try File(path, .read).read(32, at: 0)
            return DatabaseEngine.detect(head.span.bytes)
        } catch {
            if error.isMissing || error.errno == .isDirectory { return nil }
            throw .io(error)
        }
    }

    /// Makes the file one of another engine, in place: written whole to `<file>.NEW`, synced, and renamed, under the exclusive
    /// lock of the old file.
    private func convert(_ path: String, from: DatabaseEngine, to: DatabaseEngine, _ flags: OpenFlags) throws(CyrusDBError) {
        let source = try openExactly(path, from, flags)
        try source.begin(shared: false)
        do throws(CyrusDBError) {
            let fresh = path + ".NEW"
            try io { () throws(PosixError) in _ = try FileSystem.unlink(fresh) }
            if !to.isFile {
                // Kept elsewhere; the old file stays, under another name.
                try copyRecords(source, to: try openExactly(path, to, [.create]))
                try replaceFile(path + ".OLD", with: path)
            } else {
                try copyRecords(source, to: try openExactly(fresh, to, [.create]))
                try replaceFile(path, with: fresh)
            }
            try source.abort()
        } catch {
            try? source.abort()
            throw error
        }
        logger.notice("cyrusdb: converted \(path) from \(from.rawValue) to \(to.rawValue)")
    }

    private func copyRecords(_ source: any StorageEngine, to target: any StorageEngine) throws(CyrusDBError) {
        let none: [UInt8] = []
        try target.begin(shared: false)
        do throws(CyrusDBError) {
            // A table may hold what was left in it when the file took over from it.
            if target.engine == .sql {
                _ = try target.forEach(prefix: none.span.bytes, filter: nil) { key, _ throws(CyrusDBError) in
                    _ = try target.delete(key)
                    return .next
                }
            }
            _ = try source.forEach(prefix: none.span.bytes, filter: nil) { key, value throws(CyrusDBError) in
                _ = try target.store(key, value, overwrite: true)
                return .next
            }
            try target.commit()
        } catch {
            try? target.abort()
            throw error
        }
    }

    /// Copies every record of one database file into a new one of any engine: under the source's lock, whole or not at all.
    public func copy(_ source: Database, to path: String, _ engine: DatabaseEngine) throws(CyrusDBError) {
        let transaction = try source.beginShared()
        try copyRecords(source.storage, to: try openExactly(path, engine, [.create]))
        try transaction.commit()
    }
}
