import Bytes
import Logging

/// Bringing a copy of the file up to the file, which went on while the copy was made.
///
/// The file is a log: what was committed since stands at its end. A stored record tells its key. A deletion tells the record that
/// followed the deleted one (0: none did), and not the deleted one. So each key that the log names is looked up in the file and stored
/// in the copy, or deleted from it; and then the records before that key in the copy are looked up too, and deleted, until one is met
/// that the file still has. That finds every deleted record: what stands between it and its follower in the copy was stored after
/// the deletion, and is named by the log too, or is itself dead.
extension TwoSkip {
    /// Keys looked up under one shared lock.
    private static let keysPerLock = 256

    /// Brings over what was committed between two ends of the file. False: the file was rewritten meanwhile.
    /// Under the exclusive lock, or taking the shared one by itself.
    func bringOver(from start: Int, to limit: Int, into copy: TwoSkip, _ generation: UInt64) throws(CyrusDBError) -> Bool {
        let keys = try keysNamed(from: start, to: limit)
        if file.held == .exclusive { lastBroughtOver = keys.count }
        var next = 0
        while next < keys.count {
            let until = min(keys.count, next + Self.keysPerLock)
            func settleThem() throws(CyrusDBError) -> Bool {
                guard header.generation == generation else { return false }
                for index in next..<until { try settle(keys[index], in: copy) }
                return true
            }
            guard file.held == .exclusive ? try settleThem() : try reading(settleThem) else { return false }
            next = until
        }
        return true
    }

    /// The keys that the log names, nil for the end of all keys.
    private func keysNamed(from start: Int, to limit: Int) throws(CyrusDBError) -> [[UInt8]?] {
        let map = file.map
        defer { withExtendedLifetime(map) {} }
        let window = file.window
        let bytes = window.bytes
        var keys: [[UInt8]?] = []
        var offset = start
        while offset < limit {
            if bytes.bigEndian64(at: offset) == TwoSkipRecord.blankWord {
                offset += 8
                continue
            }
            let record = try unchecked(bytes, at: offset)
            switch record.kind {
            case .record: keys.append(bytes.slice(record.keyOffset, record.keyLength).array)
            case .delete:
                let follower = Int(truncatingIfNeeded: record.pointer(0, in: bytes))
                if follower == 0 {
                    keys.append(nil)
                } else {
                    let following = try unchecked(bytes, at: follower)
                    keys.append(bytes.slice(following.keyOffset, following.keyLength).array)
                }
            case .commit, .dummy: break
            }
            offset = record.end
        }
        return keys
    }

    /// Makes the copy agree with the file on a key, and on all before it that were deleted from the file.
    private func settle(_ key: [UInt8]?, in copy: TwoSkip) throws(CyrusDBError) {
        if let key {
            if let match = try find(key.span.bytes).match {
                let window = file.window
                _ = try copy.store(key.span.bytes, window.bytes.slice(match.valueOffset, match.valueLength), overwrite: true)
            } else {
                _ = try copy.delete(key.span.bytes)
            }
        }
        while true {
            let offset = if let key { try copy.locate(key.span.bytes).back[0] } else { try copy.lastOffset() }
            guard offset != Self.dummyOffset else { return }
            let window = copy.file.window
            let record = try copy.record(window.bytes, at: offset)
            let before = window.bytes.slice(record.keyOffset, record.keyLength).array
            if try find(before.span.bytes).match != nil { return }
            _ = try copy.delete(before.span.bytes)
        }
    }

    /// A copy that is being written to a new file, whose lock is held until this is gone.
    convenience init(copyInto file: MappedFile, comparator: Comparator, checkCRC: Bool, logger: Logger) {
        self.init(file, comparator, checkCRC: checkCRC, logger: logger)
        state = .writing
    }

    /// Commits what was brought over, without giving up the lock.
    func seal(generation: UInt64) throws(CyrusDBError) {
        header.generation = generation
        header.repackSize = UInt64(end)
        if !isDirty { try markDirty() }
        try writeCommit()
    }
}
