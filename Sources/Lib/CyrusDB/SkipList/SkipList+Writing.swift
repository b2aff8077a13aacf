import Bytes
import Posix

/// Writing, under the exclusive lock, on a file that ends with a commit. The order:
///
/// 1. log entries are appended; after each, the pointers of the records before it are overwritten in place;
/// 2. commit syncs all that, appends COMMIT, and syncs again: the client may be answered now.
///
/// A transaction of many changes works on a draft of the file from its 17th change on, and step 2 writes that out.
///
/// A file that does not end with COMMIT is recovered by whoever locks it next: the pointers in place count for nothing then, the
/// log's finished transactions count for all.
extension SkipList {
    func store(_ key: RawSpan, _ value: RawSpan, overwrite: Bool) throws(CyrusDBError) -> Bool {
        try changing { () throws(CyrusDBError) in
            let place = try locate(key)
            let window = file.window
            let bytes = window.bytes
            var pointers: InlineArray<20, UInt32> = .init(repeating: 0)
            var entry: [UInt8] = []
            let level: Int
            if let match = place.match {
                guard overwrite else { return false }
                if bytes.slice(match.valueOffset, match.valueLength).equals(value) { return true }
                level = min(try self.level(match, bytes), SkipListHeader.maxLevel)
                for list in 0..<level { pointers[list] = UInt32(truncatingIfNeeded: try pointer(match, list, bytes)) }
                entry.append(bigEndian: SkipListRecord.Kind.delete.rawValue)
                entry.append(bigEndian: UInt32(truncatingIfNeeded: match.offset))
            } else {
                level = randomLevel()
                for list in 0..<level { pointers[list] = UInt32(truncatingIfNeeded: place.next[list]) }
                if level > Int(header.currentLevel) {
                    header.currentLevel = UInt32(level)
                    try file.write(header.encoded, at: 0)
                }
            }
            let offset = file.size + entry.count
            SkipListRecord.encode(.add, key: key, value: value, pointers: pointers.span.extracting(0..<level), into: &entry)
            try append(entry)
            for list in 0..<level { try setPointer(of: place.back[list], list, offset) }
            return true
        }
    }

    func delete(_ key: RawSpan) throws(CyrusDBError) -> Bool {
        try changing { () throws(CyrusDBError) in
            let place = try locate(key)
            guard let match = place.match else { return false }
            var entry: [UInt8] = []
            entry.append(bigEndian: SkipListRecord.Kind.delete.rawValue)
            entry.append(bigEndian: UInt32(truncatingIfNeeded: match.offset))
            try append(entry)
            try unlink(match, place)
            return true
        }
    }

    /// Leads every list past a record.
    private func unlink(_ record: SkipListRecord, _ place: Place) throws(CyrusDBError) {
        for list in 0..<SkipListHeader.maxLevel where place.next[list] == record.offset {
            let window = file.window
            try setPointer(of: place.back[list], list, try pointer(record, list, window.bytes))
        }
    }

    /// Overwrites one pointer of a record.
    private func setPointer(of offset: Int, _ list: Int, _ target: Int) throws(CyrusDBError) {
        let window = file.window
        let bytes = window.bytes
        let record = try record(bytes, at: offset)
        // Checks that the record has this pointer.
        _ = try pointer(record, list, bytes)
        var word: [UInt8] = []
        word.append(bigEndian: UInt32(truncatingIfNeeded: target))
        try file.write(word, at: record.pointersOffset + 4 * list)
    }

    /// So many changes are cheaper to write one by one than in a draft.
    private static let changesBeforeDraft = 17

    private func append(_ entry: [UInt8]) throws(CyrusDBError) {
        changes &+= 1
        transactionChanges += 1
        if transactionChanges == Self.changesBeforeDraft { try file.startDraft() }
        guard file.size + entry.count <= Int(UInt32.max) - 8 else {
            throw .unsupported(path: path, operation: "more than 4 GiB in a skiplist")
        }
        try file.write(entry, at: file.size)
    }

    private func changing(_ body: () throws(CyrusDBError) -> Bool) throws(CyrusDBError) -> Bool {
        switch state {
        case .idle, .reading: throw .readOnly(path: path)
        case .failed(let error): throw error
        case .writing: break
        }
        do throws(CyrusDBError) {
            return try body()
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private func randomLevel() -> Int {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return min(Int(header.maxLevel), 1 + (random >> 20).trailingZeroBitCount)
    }

    // MARK: the end of a transaction

    func commit() throws(CyrusDBError) {
        switch state {
        case .idle: return
        case .failed(let error):
            try abort()
            throw error
        case .writing where file.size > transactionStart:
            do throws(CyrusDBError) {
                try sync()
                var commit: [UInt8] = []
                commit.append(bigEndian: SkipListRecord.Kind.commit.rawValue)
                try file.write(commit, at: file.size)
                try sync()
            } catch {
                // The first error is the one to tell.
                try? abort()
                throw error
            }
        case .reading, .writing: break
        }
        state = .idle
        file.unlock()
    }

    /// Undoes the log's entries from the last to the first, then cuts them off. Where that fails recovery does it all.
    func abort() throws(CyrusDBError) {
        guard inTransaction else { return }
        defer {
            state = .idle
            file.unlock()
        }
        guard file.size > transactionStart else { return }
        if case .reading = state { return }
        changes &+= 1
        // What went to the file before the draft, or with it, is undone there.
        try file.leaveDraft()
        do throws(CyrusDBError) {
            for entry in try entries(from: transactionStart).reversed() { try undo(entry) }
            try file.truncate(to: transactionStart)
        } catch {
            guard error.isDamage else { throw error }
            try file.truncate(to: transactionStart)
            try recover()
        }
    }

    private func entries(from start: Int) throws(CyrusDBError) -> [SkipListRecord] {
        let window = file.window
        let bytes = window.bytes
        var entries: [SkipListRecord] = []
        var offset = start
        while offset < file.size {
            let entry = try record(bytes, at: offset)
            do throws(SkipListRecord.Failure) {
                offset = try entry.end(in: bytes)
            } catch {
                throw damaged(error)
            }
            entries.append(entry)
        }
        return entries
    }

    private func undo(_ entry: SkipListRecord) throws(CyrusDBError) {
        let window = file.window
        let bytes = window.bytes
        switch entry.kind {
        case .add:
            let key = bytes.slice(entry.keyOffset, entry.keyLength).array
            try unlink(entry, try locate(key.span.bytes))
        case .delete:
            let removed = try record(bytes, at: Int(bytes.bigEndian32(at: entry.offset + 4)))
            let place = try locate(bytes.slice(removed.keyOffset, removed.keyLength))
            for list in 0..<(try level(removed, bytes)) { try setPointer(of: place.back[list], list, removed.offset) }
        case .dummy, .inOrder, .commit: break
        }
    }
}
