import Bytes
import Logging
import Posix

/// The flat engine: a sorted text file that every change replaces as a whole.
///
/// Readers need no lock: a file's content never changes, it is only replaced. Order of a commit, under the exclusive lock of the
/// old file: `<file>.NEW` is written and synced, renamed over the file, and the directory synced; then the old file is unlocked.
final class Flat: StorageEngine {
    let file: MappedFile
    private let logger: Logger
    private var state = State.idle
    private var changes: UInt64 = 0

    private enum State {
        case idle
        case reading
        /// With the text as changed so far; nil while it is as in the file.
        case writing([UInt8]?)
    }

    var path: String { file.path }
    var engine: DatabaseEngine { .flat }
    var archivedFile: MappedFile? { file }
    var comparator: Comparator { .mailbox }

    var inTransaction: Bool {
        if case .idle = state { return false }
        return true
    }

    init(_ path: String, _ flags: OpenFlags, logger: Logger) throws(CyrusDBError) {
        file = try MappedFile(path, create: flags.contains(.create), logger: logger)
        self.logger = logger
    }

    // MARK: text

    /// Lends the text as it is now: the transaction's, or the file's. What is lent stays as it is while `body` runs.
    private func withText<R>(_ body: (RawSpan) throws(CyrusDBError) -> R) throws(CyrusDBError) -> R {
        if case .writing(let text?) = state { return try body(text.span.bytes) }
        if !inTransaction { try file.follow() }
        let map = file.map
        defer { withExtendedLifetime(map) {} }
        let window = file.window
        return try body(window.bytes)
    }

    private func find(_ key: borrowing RawSpan, _ text: borrowing RawSpan) throws(CyrusDBError) -> (
        offset: Int, line: FlatLines.Line?, isMatch: Bool
    ) {
        do throws(FlatLines.Damage) {
            return try FlatLines.find(key, in: text)
        } catch {
            throw damaged(error.offset)
        }
    }

    private func line(_ text: borrowing RawSpan, at offset: Int) throws(CyrusDBError) -> FlatLines.Line {
        do throws(FlatLines.Damage) {
            return try FlatLines.line(text, at: offset)
        } catch {
            throw damaged(error.offset)
        }
    }

    private func damaged(_ offset: Int) -> CyrusDBError {
        .damaged(path: path, offset: offset, expected: "a key, TAB, a value and LF", found: "a line without TAB")
    }

    /// Lends a line's key and value, copied only when they are escaped.
    private func lend(
        _ line: FlatLines.Line, _ text: borrowing RawSpan, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit {
        let key = text.slice(line.start, line.keyEnd - line.start)
        let value = text.slice(line.valueStart, line.valueEnd - line.valueStart)
        if key.firstOffset(of: 0xff) == nil && value.firstOffset(of: 0xff) == nil { return try body(key, value) }
        var plain: [UInt8] = []
        FlatEscaping.appendUnescaped(key, to: &plain)
        let keyLength = plain.count
        FlatEscaping.appendUnescaped(value, to: &plain)
        let bytes = plain.span.bytes
        return try body(bytes.slice(0, keyLength), bytes.dropping(keyLength))
    }

    // MARK: reading

    func fetch(_ key: RawSpan, _ body: (RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool {
        let escaped = FlatEscaping.escaped(key)
        return try withText { text throws(CyrusDBError) in
            let found = try find(escaped.span.bytes, text)
            guard found.isMatch, let line = found.line else { return false }
            _ = try lend(line, text) { _, value throws(CyrusDBError) in
                try body(value)
                return .stop
            }
            return true
        }
    }

    func fetchNext(_ key: RawSpan, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Void) throws(CyrusDBError) -> Bool {
        let escaped = FlatEscaping.escaped(key)
        return try withText { text throws(CyrusDBError) in
            let found = try find(escaped.span.bytes, text)
            guard var line = found.line else { return false }
            if found.isMatch {
                guard line.end < text.byteCount else { return false }
                line = try self.line(text, at: line.end)
            }
            _ = try lend(line, text) { key, value throws(CyrusDBError) in
                try body(key, value)
                return .stop
            }
            return true
        }
    }

    func forEach(
        prefix: RawSpan, filter: ((RawSpan, RawSpan) -> Bool)?, _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit {
        let escapedPrefix = FlatEscaping.escaped(prefix)
        var from = escapedPrefix
        var after = false
        while true {
            // One text at a time; nil when it was walked to its end.
            let outcome = try withText { text throws(CyrusDBError) -> Visit? in
                try walk(text, from: &from, after: after, prefix: escapedPrefix, filter: filter, body)
            }
            if let outcome { return outcome }
            after = true
        }
    }

    /// Walks one text until it is changed under the walk: then nil, with the last key in `from`.
    private func walk(
        _ text: borrowing RawSpan, from: inout [UInt8], after: Bool, prefix: [UInt8], filter: ((RawSpan, RawSpan) -> Bool)?,
        _ body: (RawSpan, RawSpan) throws(CyrusDBError) -> Visit
    ) throws(CyrusDBError) -> Visit? {
        let changesBefore = changes
        let found = try find(from.span.bytes, text)
        var offset = found.offset
        if after, found.isMatch, let line = found.line { offset = line.end }
        while offset < text.byteCount {
            let line = try line(text, at: offset)
            let key = text.slice(line.start, line.keyEnd - line.start)
            guard key.starts(with: prefix.span.bytes) else { return .next }
            let visit = try lend(line, text) { key, value throws(CyrusDBError) in
                if let filter, !filter(key, value) { return .next }
                return try body(key, value)
            }
            if visit == .stop { return .stop }
            if changes != changesBefore {
                from = key.array
                return nil
            }
            offset = line.end
        }
        return .next
    }

    // MARK: writing

    func begin(shared: Bool) throws(CyrusDBError) {
        guard !inTransaction else { throw .locked(path: path) }
        try file.lock(shared ? .shared : .exclusive)
        state = shared ? .reading : .writing(nil)
    }

    func store(_ key: RawSpan, _ value: RawSpan, overwrite: Bool) throws(CyrusDBError) -> Bool {
        let escaped = FlatEscaping.escaped(key)
        let found = try withText { text throws(CyrusDBError) in try find(escaped.span.bytes, text) }
        if found.isMatch && !overwrite { return false }
        var line = escaped
        line.append(0x09)
        FlatEscaping.append(value, to: &line)
        line.append(0x0a)
        try replace(found.isMatch ? found.offset..<(found.line?.end ?? found.offset) : found.offset..<found.offset, line)
        return true
    }

    func delete(_ key: RawSpan) throws(CyrusDBError) -> Bool {
        let escaped = FlatEscaping.escaped(key)
        let found = try withText { text throws(CyrusDBError) in try find(escaped.span.bytes, text) }
        guard case .writing = state else { throw .readOnly(path: path) }
        guard found.isMatch, let line = found.line else { return false }
        try replace(found.offset..<line.end, [])
        return true
    }

    private func replace(_ range: Range<Int>, _ line: [UInt8]) throws(CyrusDBError) {
        guard case .writing(let edited) = state else { throw .readOnly(path: path) }
        // Taken out of the state, so that the change below is made in place.
        state = .writing(nil)
        var text: [UInt8]
        if let edited {
            text = edited
        } else {
            let window = file.window
            text = window.bytes.array
        }
        // A last line without LF gets it before anything follows.
        var range = range
        if range.lowerBound == text.count, let last = text.last, last != 0x0a {
            text.append(0x0a)
            range = text.count..<text.count
        }
        text.replaceSubrange(range, with: line)
        state = .writing(text)
        changes &+= 1
    }

    func commit() throws(CyrusDBError) {
        defer {
            state = .idle
            file.unlock()
        }
        guard case .writing(let text?) = state else { return }
        let fresh = path + ".NEW"
        try io { () throws(PosixError) in
            let target = try File(fresh, .readWrite, create: .truncate, mode: 0o666)
            try target.write(text, at: 0)
            try target.sync()
        }
        try replaceFile(path, with: fresh)
        changes &+= 1
    }

    func abort() throws(CyrusDBError) {
        guard inTransaction else { return }
        state = .idle
        changes &+= 1
        file.unlock()
    }

    // MARK: upkeep

    /// The file holds nothing but live records.
    var needsCheckpoint: Bool { false }
    func checkpoint(onlyIfNeeded: Bool) throws(CyrusDBError) {}

    /// Every line has a key, and keys ascend.
    func checkConsistency() throws(CyrusDBError) {
        try withText { text throws(CyrusDBError) in
            var offset = 0
            var previous: FlatLines.Line?
            while offset < text.byteCount {
                let line = try line(text, at: offset)
                if let previous {
                    let before = text.slice(previous.start, previous.keyEnd - previous.start)
                    guard Comparator.mailbox.compare(before, text.slice(line.start, line.keyEnd - line.start)) < 0 else {
                        throw .damaged(path: path, offset: offset, expected: "a key after the one before it", found: "one that is not")
                    }
                }
                previous = line
                offset = line.end
            }
        }
    }

    func rebuild() throws(CyrusDBError) {
        throw .unsupported(path: path, operation: "rebuild")
    }

    func dump(_ line: (String) -> Void) throws(CyrusDBError) {
        throw .unsupported(path: path, operation: "dump")
    }
}
