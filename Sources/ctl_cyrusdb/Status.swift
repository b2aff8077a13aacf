import Bytes
import CyrusDB
import Mailbox
import Posix
import Service

/// `ctl_cyrusdb --status`: what each database is, how much of it is alive, when it was made whole and kept last. Nothing is changed.
struct Status {
    struct Backup {
        let path: String
        /// Seconds since 1970.
        let made: Int64
    }

    /// One database; what an engine cannot tell is nil.
    struct Line {
        let name: String
        let path: String
        let configured: String
        var engine: String?
        var records: Int?
        var bytes: Int?
        var live: Int?
        /// When the file was made: each checkpoint makes a new one.
        var checkpoint: Int64?
        var backups: [Backup] = []
        var problem: String?

        var dead: Int? {
            guard let bytes, let live else { return nil }
            return max(0, bytes - live)
        }
    }

    let store: MailStore

    /// False when a database cannot be read.
    func run(asJSON: Bool) -> Bool {
        let lines = KnownDatabase.all(store.configuration).map(line)
        Program.printOutput(asJSON ? Self.json(lines) : Self.table(lines, now: Clock.now))
        return lines.allSatisfy { $0.problem == nil }
    }

    private func line(_ known: KnownDatabase) -> Line {
        let name = known.path.split(separator: "/").last.map(String.init) ?? known.path
        var line = Line(name: name, path: known.path, configured: known.engineName)
        if known.isArchived {
            for number in 1...2 {
                let path = "\(store.configuration.directory)/db.backup\(number)/\(name)"
                if let status = try? FileSystem.status(path) { line.backups.append(Backup(path: path, made: status.modified)) }
            }
        }
        guard let engine = known.engine else {
            line.problem = "engine \(known.engineName) is not one of this program's"
            return line
        }
        do throws(CyrusDBError) {
            guard let database = try store.databases.openIfPresent(known.path, engine) else { return line }
            line.engine = database.engine.rawValue
            var weight = Weight(database.engine)
            try database.forEach(prefix: [UInt8]().span.bytes) { key, value in
                weight.add(key, value)
                return .next
            }
            line.records = weight.records
            line.live = weight.bytes
            if weight.bytes != nil, let status = try? FileSystem.status(known.path) {
                line.bytes = status.size
                line.checkpoint = FileSystem.birth(known.path) ?? status.modified
            }
        } catch {
            line.problem = "\(error)"
        }
        return line
    }

    /// The bytes that live records take. Skip lists have two pointers a record on average: this is within a few in a hundred.
    private struct Weight {
        private let engine: DatabaseEngine
        private(set) var records = 0
        /// nil for engines that are no file.
        private(set) var bytes: Int?

        init(_ engine: DatabaseEngine) {
            self.engine = engine
            switch engine {
            case .twoskip: bytes = 336
            case .skiplist: bytes = 144
            case .flat: bytes = 0
            default: bytes = nil
            }
        }

        mutating func add(_ key: RawSpan, _ value: RawSpan) {
            records += 1
            let (key, value) = (key, value)
            switch engine {
            case .twoskip: bytes? += 40 + (key.byteCount + value.byteCount + 7) & ~7
            case .skiplist: bytes? += 24 + (key.byteCount + 3) & ~3 + (value.byteCount + 3) & ~3
            case .flat: bytes? += 2 + Self.escapedCount(key) + Self.escapedCount(value)
            default: break
            }
        }

        private static func escapedCount(_ text: RawSpan) -> Int {
            var count = text.byteCount
            for i in 0..<text.byteCount {
                switch text[i] {
                case 0x00, 0x09, 0x0a, 0x0d, 0xff: count += 1
                default: break
                }
            }
            return count
        }
    }

    // MARK: forms

    static func table(_ lines: [Line], now: Int64) -> String {
        var rows = [["database", "engine", "records", "live", "dead", "checkpoint", "backups"]]
        var problems = ""
        for line in lines {
            let backups = line.backups.map { age(now - $0.made) }.joined(separator: ", ")
            rows.append([
                line.name, line.engine.map { $0 == line.configured ? $0 : "\($0) (\(line.configured))" } ?? "-", number(line.records),
                number(line.live), number(line.dead), line.checkpoint.map { age(now - $0) } ?? "-", backups.isEmpty ? "-" : backups,
            ])
            if let problem = line.problem { problems += "\(line.name): \(problem)\n" }
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].utf8.count }.max() ?? 0 }
        var out = ""
        for row in rows {
            var text = ""
            for (column, cell) in row.enumerated() {
                let fill = String(repeating: " ", count: widths[column] - cell.utf8.count)
                // Numbers end where their column ends.
                text += ((2...4).contains(column) ? fill + cell : cell + fill) + "  "
            }
            while text.hasSuffix(" ") { text.removeLast() }
            out += text + "\n"
        }
        return out + problems
    }

    private static func number(_ value: Int?) -> String { value.map { "\($0)" } ?? "-" }

    /// `45s`, `12m`, `3h`, `9d`
    static func age(_ seconds: Int64) -> String {
        switch max(0, seconds) {
        case let s where s < 120: "\(s)s"
        case let s where s < 7200: "\(s / 60)m"
        case let s where s < 172_800: "\(s / 3600)h"
        case let s: "\(s / 86400)d"
        }
    }

    static func json(_ lines: [Line]) -> String {
        let objects = lines.map { line in
            var members = [
                "\"name\": \(quoted(line.name))", "\"path\": \(quoted(line.path))", "\"configured\": \(quoted(line.configured))",
            ]
            members.append("\"engine\": \(line.engine.map(quoted) ?? "null")")
            for (name, value) in [("records", line.records), ("bytes", line.bytes), ("live", line.live), ("dead", line.dead)] {
                members.append("\"\(name)\": \(value.map { "\($0)" } ?? "null")")
            }
            members.append("\"checkpoint\": \(line.checkpoint.map { "\($0)" } ?? "null")")
            let backups = line.backups.map { "{\"path\": \(quoted($0.path)), \"made\": \($0.made)}" }
            members.append("\"backups\": [\(backups.joined(separator: ", "))]")
            if let problem = line.problem { members.append("\"problem\": \(quoted(problem))") }
            return "  {\(members.joined(separator: ", "))}"
        }
        return "[\n\(objects.joined(separator: ",\n"))\n]\n"
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": out += "\\" + String(scalar)
            case "\u{0}"..."\u{1f}":
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
