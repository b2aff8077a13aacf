import Bytes
import Logging
import Posix

/// Rewriting the file, as sorted INORDER records and a short log, while others read and write it.
///
/// 1. `<file>.REPACK` is made and locked; whoever finds it locked leaves the work to its holder. (`.NEW` is what Cyrus's own
///    checkpoint writes, under the file's lock only.)
/// 2. The live records are looked up and copied under the shared lock, some at a time. (Not without one: Cyrus's checkpoint empties the
///    file that it replaces.) The copy is synced.
/// 3. What was committed meanwhile is brought over: each key that the log names since is looked up, and stored or deleted in the
///    copy. That goes in rounds under the shared lock until little is left.
/// 4. Under the exclusive lock the rest is brought over, the copy is committed and synced, renamed over the file, and the directory
///    synced. Only this holds others up, and it does not grow with the file.
///
/// A file that somebody else has replaced meanwhile is left as it is.
extension SkipList {
    /// Records looked up under one shared lock.
    private static let recordsPerLock = 4096
    private static let keysPerLock = 256
    /// Bytes of log that are left for the exclusive lock.
    private static let bytesForLast = 64 << 10
    /// Writers that are faster than this many rounds are held up for one.
    private static let rounds = 8

    var needsCheckpoint: Bool { file.size > 2 * Int(header.logStart) + 16834 }

    func checkpoint(onlyIfNeeded: Bool) throws(CyrusDBError) {
        let started = Clock.monotonic
        let (needed, begun) = try reading { () throws(CyrusDBError) in (needsCheckpoint, file.size) }
        let replacements = file.replacements
        if onlyIfNeeded && !needed { return }
        let fresh = path + ".REPACK"
        guard let target = try MappedFile(makingAndLocking: fresh, logger: logger) else { return }
        var copy: SkipList? = SkipList(copyInto: target, of: self)
        do throws(CyrusDBError) {
            if let copy, try finish(copy, fresh, replacements, begun) {
                let milliseconds = Int((Clock.monotonic - started) * 1000)
                logger.info(
                    "skiplist: checkpointed \(path) (\(copy.header.listSize) records, \(lastSize) => \(copy.file.size) bytes) in \(milliseconds) ms"
                )
            } else {
                _ = try io { () throws(PosixError) in try FileSystem.unlink(fresh) }
            }
        } catch {
            // The first error is the one to tell.
            _ = try? FileSystem.unlink(fresh)
            throw error
        }
        // The copy's descriptor is closed before this process opens the file again: that would drop a lock.
        copy = nil
        try reading { () throws(CyrusDBError) in }
    }

    /// Steps 2 to 4. False: the file was replaced meanwhile.
    private func finish(_ copy: SkipList, _ fresh: String, _ replacements: Int, _ begun: Int) throws(CyrusDBError) -> Bool {
        guard try fill(copy, replacements) else { return false }
        try whileCopied?()
        var done = begun
        for _ in 0..<Self.rounds {
            let limit = try reading { () throws(CyrusDBError) in file.replacements == replacements ? file.size : nil }
            guard let limit, limit - done > Self.bytesForLast else { break }
            guard try bringOver(from: done, to: limit, into: copy, replacements) else { return false }
            try copy.sync()
            done = limit
        }
        try lock(.exclusive)
        defer { file.unlock() }
        let locked = Clock.monotonic
        lastSize = file.size
        guard file.replacements == replacements, try bringOver(from: done, to: file.size, into: copy, replacements) else { return false }
        if copy.transactionChanges > 0 { try copy.writeCommit() }
        try replaceFile(path, with: fresh)
        changes &+= 1
        lastPause = Clock.monotonic - locked
        return true
    }

    /// Copies the records that are live now, or soon were. False: the file was replaced meanwhile.
    private func fill(_ copy: SkipList, _ replacements: Int) throws(CyrusDBError) -> Bool {
        var live: [Int] = []
        var offsets: [Int] = []
        var at = SkipListHeader.emptyLogStart
        var last: [UInt8]?
        while true {
            let isLast = try reading { () throws(CyrusDBError) -> Bool? in
                guard file.replacements == replacements else { return nil }
                return try plan(&live, &offsets, &at, &last)
            }
            guard let isLast else { return false }
            if isLast { break }
        }
        guard at <= Int(UInt32.max) else { throw .unsupported(path: path, operation: "more than 4 GiB in a skiplist") }
        var next: InlineArray<20, UInt32> = .init(repeating: 0)
        var high = live.count
        while high > 0 {
            let chunk = try reading { () throws(CyrusDBError) -> [UInt8]? in
                guard file.replacements == replacements else { return nil }
                let window = file.window
                return try inOrderChunk(live, offsets, &high, &next, window.bytes)
            }
            guard let chunk else { return false }
            try copy.file.write(chunk, at: offsets[high])
        }
        copy.header = SkipListHeader()
        copy.header.listSize = UInt32(clamping: live.count)
        copy.header.lastRecovery = UInt32(clamping: Clock.now)
        copy.header.currentLevel = UInt32(live.indices.reduce(1) { max($0, Self.idealLevel($1)) })
        copy.header.logStart = UInt32(at)
        try copy.file.write(Self.start(copy.header, next), at: 0)
        try copy.sync()
        copy.transactionStart = copy.file.size
        return true
    }

    /// Plans the next live records in order; true when there are no more. Under a lock.
    private func plan(_ live: inout [Int], _ offsets: inout [Int], _ at: inout Int, _ last: inout [UInt8]?) throws(CyrusDBError) -> Bool {
        let window = file.window
        let bytes = window.bytes
        var next: SkipListRecord?
        if let last {
            let found = try find(last.span.bytes)
            next = if let match = found.match { try following(match, list: 0, bytes) } else { found.following }
        } else {
            next = try following(try dummy(bytes), list: 0, bytes)
        }
        var previous: SkipListRecord?
        for _ in 0..<Self.recordsPerLock {
            guard let record = next else { return true }
            if let previous,
                comparator.compare(bytes.slice(previous.keyOffset, previous.keyLength), bytes.slice(record.keyOffset, record.keyLength))
                    >= 0
            {
                throw damaged(record.keyOffset, "a key after the one before it", "one that is not")
            }
            offsets.append(at)
            at += SkipListRecord.length(level: Self.idealLevel(live.count), keyLength: record.keyLength, valueLength: record.valueLength)
            live.append(record.offset)
            previous = record
            next = try following(record, list: 0, bytes)
        }
        if let previous { last = bytes.slice(previous.keyOffset, previous.keyLength).array }
        return false
    }

    /// Brings over what was committed between two ends of the file. False: the file was replaced meanwhile.
    /// Under the exclusive lock, or taking the shared one by itself.
    private func bringOver(from start: Int, to limit: Int, into copy: SkipList, _ replacements: Int) throws(CyrusDBError) -> Bool {
        var offset = start
        lastBroughtOver = 0
        while offset < limit {
            func settleSome() throws(CyrusDBError) -> Bool {
                guard file.replacements == replacements else { return false }
                let window = file.window
                let bytes = window.bytes
                for _ in 0..<Self.keysPerLock where offset < limit {
                    let entry = try record(bytes, at: offset)
                    do throws(SkipListRecord.Failure) {
                        offset = try entry.end(in: bytes)
                    } catch {
                        throw damaged(error)
                    }
                    switch entry.kind {
                    case .add, .inOrder: try settle(bytes.slice(entry.keyOffset, entry.keyLength).array, in: copy)
                    case .delete:
                        let removed = try record(bytes, at: Int(bytes.bigEndian32(at: entry.offset + 4)))
                        try settle(bytes.slice(removed.keyOffset, removed.keyLength).array, in: copy)
                    case .commit, .dummy: break
                    }
                    lastBroughtOver += 1
                }
                return true
            }
            guard file.held == .exclusive ? try settleSome() : try reading(settleSome) else { return false }
        }
        return true
    }

    /// Makes the copy agree with the file on a key.
    private func settle(_ key: [UInt8], in copy: SkipList) throws(CyrusDBError) {
        if let match = try find(key.span.bytes).match {
            let window = file.window
            _ = try copy.store(key.span.bytes, window.bytes.slice(match.valueOffset, match.valueLength), overwrite: true)
        } else {
            _ = try copy.delete(key.span.bytes)
        }
    }

    /// A copy that is being written to a new file, whose lock is held until this is gone.
    convenience init(copyInto file: MappedFile, of old: SkipList) {
        self.init(file, old.comparator, old.options, logger: old.logger)
        state = .writing
    }
}
