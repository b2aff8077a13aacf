import Foundation

/// What a run of the recorder did to files, and the states that a power loss in it may leave.
///
/// The model: a synced file keeps all that was written to it before; of what was not synced each 512-byte sector of each write is there
/// or not, and so is each change of length. Names (made, linked, renamed, removed, of files and of directories) are durable once the
/// directory they stand in was synced; of later ones of a directory any number of the first are there, in their order, as journals keep them.
/// What stands in a directory is lost with the directory's own name.
struct RecordedDisk: Sendable {
    struct Event: Sendable {
        var kind: Character
        var inode: UInt64
        var offset: Int
        var from: String
        var to: String
        var data: [UInt8]
        /// Where the record ends in the recording.
        var end: Int
    }

    private var contents: [UInt64: [UInt8]] = [:]
    private var pending: [UInt64: [Event]] = [:]
    private var names: [String: UInt64]
    /// What every process sees, durable or not.
    private var seen: [String: UInt64]
    private var pendingNames: [String: [(Event, UInt64)]] = [:]
    private var directories: [UInt64: String]
    /// Directories by name, as far as they are durable, and those that were made or removed since the start.
    private var made: [String: UInt64] = [:]
    /// By the file system's number.
    private var identities: [UInt64: UInt64] = [:]
    private var applied = 0
    /// Calls that this model does not know.
    private(set) var unknown: [String] = []

    /// Starts from a folder as it stands, all of it durable.
    init(folder: String) throws {
        var (names, directories): ([String: UInt64], [UInt64: String]) = ([:], [:])
        var contents: [UInt64: [UInt8]] = [:]
        for case let url as URL in FileManager.default.enumerator(at: URL(fileURLWithPath: folder), includingPropertiesForKeys: nil)
            ?? .init()
        {
            let attributes = try? FileManager.default.attributesOfItem(atPath: url.path)
            guard let inode = (attributes?[.systemFileNumber] as? NSNumber)?.uint64Value else { continue }
            switch attributes?[.type] as? FileAttributeType {
            case .typeDirectory?: directories[inode] = url.path
            case .typeRegular?:
                names[url.path] = inode
                contents[inode] = [UInt8](try Data(contentsOf: url))
            default: break
            }
        }
        (self.names, seen, self.directories, self.contents) = (names, names, directories, contents)
    }

    static func events(_ bytes: [UInt8], from start: Int) -> [Event] {
        func number(_ at: Int, _ count: Int) -> Int { (0..<count).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
        var at = start
        var events: [Event] = []
        while at + 29 <= bytes.count {
            let lengths = (0..<3).map { number(at + 17 + 4 * $0, 4) }
            var next = at + 29
            let parts = lengths.map { length in
                defer { next += length }
                return Array(bytes[next..<(next + length)])
            }
            events.append(
                Event(
                    kind: Character(UnicodeScalar(bytes[at])), inode: UInt64(number(at + 1, 8)), offset: number(at + 9, 8),
                    from: String(decoding: parts[0], as: UTF8.self), to: String(decoding: parts[1], as: UTF8.self), data: parts[2],
                    end: next))
            at = next
        }
        return events
    }

    mutating func apply(_ event: Event) {
        // File systems give the number of a file that is gone to a new one; here it gets a number of its own.
        if event.kind == "c" || event.kind == "m" { identities[event.inode] = 1 << 63 | UInt64(applied) }
        applied += 1
        var event = event
        event.inode = identities[event.inode] ?? event.inode
        switch event.kind {
        case "w", "t": pending[event.inode, default: []].append(event)
        case "s":
            if let directory = directories[event.inode] {
                for (event, inode) in pendingNames.removeValue(forKey: directory) ?? [] { Self.rename(event, inode, &names) }
            } else {
                for change in pending.removeValue(forKey: event.inode) ?? [] { Self.write(change, &contents[event.inode, default: []]) }
            }
        case "x": unknown.append("\(event.from) \(event.to)")
        default:
            if event.kind == "m" {
                directories[event.inode] = event.from
                made[event.from] = event.inode
            }
            let inode = event.kind == "c" || event.kind == "m" ? event.inode : seen[event.from] ?? 0
            Self.rename(event, inode, &seen)
            let path = event.to.isEmpty ? event.from : event.to
            pendingNames[(path as NSString).deletingLastPathComponent, default: []].append((event, inode))
        }
    }

    /// One of the states that a power loss now may leave.
    func afterPowerLoss() -> [String: [UInt8]] {
        var random = SystemRandomNumberGenerator()
        var (names, contents) = (names, contents)
        for list in pendingNames.values {
            for (event, inode) in list.prefix(Int.random(in: 0...list.count, using: &random)) { Self.rename(event, inode, &names) }
        }
        for (inode, list) in pending {
            for event in list {
                if event.kind == "t" {
                    if Bool.random(using: &random) { Self.write(event, &contents[inode, default: []]) }
                    continue
                }
                var at = 0
                while at < event.data.count {
                    let count = min(event.data.count - at, 512 - (event.offset + at) % 512)
                    var part = event
                    (part.offset, part.data) = (event.offset + at, Array(event.data[at..<(at + count)]))
                    if Bool.random(using: &random) { Self.write(part, &contents[inode, default: []]) }
                    at += count
                }
            }
        }
        // Directories that were there at the start are not among the names.
        func stands(_ path: String) -> Bool {
            var parent = (path as NSString).deletingLastPathComponent
            while parent.count > 1 {
                if made[parent] != nil, names[parent] == nil { return false }
                parent = (parent as NSString).deletingLastPathComponent
            }
            return true
        }
        var state: [String: [UInt8]] = [:]
        for (path, inode) in names where directories[inode] == nil && stands(path) { state[path] = contents[inode] ?? [] }
        return state
    }

    private static func write(_ event: Event, _ content: inout [UInt8]) {
        let end = event.offset + event.data.count
        if event.kind == "t", content.count > end { content.removeLast(content.count - end) }
        if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
        content.replaceSubrange(event.offset..<end, with: event.data)
    }

    private static func rename(_ event: Event, _ inode: UInt64, _ names: inout [String: UInt64]) {
        switch event.kind {
        case "c", "m": names[event.from] = inode
        case "l": names[event.to] = inode
        case "r":
            names[event.from] = nil
            names[event.to] = inode
        default: names[event.from] = nil
        }
    }
}
