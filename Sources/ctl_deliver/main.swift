import Bytes
import Configuration
import CyrusDB
import Mailbox
import Posix
import Service

// ctl_deliver: shows what was delivered lately; removes what is old through cyr_expire.

func showUsage(_ complaint: String? = nil) -> Never {
    if let complaint { Program.printError("\(CommandLine.arguments[0]): \(complaint)") }
    Program.printError("ctl_deliver [-C <altconfig>] -d [-f <dbfile>]")
    Process.exit(255)
}

/// As many as printf's %-40s.
func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.utf8.count))
}

/// Key and value of deliver.db: ID 00 TO 00 DATE 00, and a time with a UID behind it. nil for what is neither.
func line(_ key: RawSpan, _ value: RawSpan) -> String? {
    guard let first = key.firstOffset(of: 0), value.byteCount >= 8 else { return nil }
    let second = key.firstOffset(of: 0, from: first + 1) ?? key.byteCount
    let id = key.slice(0, first).text
    let to = key.slice(first + 1, second - first - 1).text
    let time = Int64(bitPattern: value.bigEndian64(at: 0).byteSwapped)
    let uid = value.byteCount >= 16 ? value.bigEndian64(at: 8).byteSwapped : 0
    return "id: \(padded(id, 40))\tto: \(padded(to, 20))\tat: \(time)\tuid: \(uid)\n"
}

let options: ProgramOptions
do throws(ProgramOptions.Failure) {
    options = try ProgramOptions(Array(CommandLine.arguments.dropFirst()), "C:drE:f:")
} catch {
    showUsage(error.description)
}
guard options.has("d") != options.has("E"), !options.has("r") else { showUsage() }

if let days = options.argument("E") {
    Program.printError("ctl_deliver -E is deprecated: using cyr_expire -E instead")
    let own = CommandLine.arguments[0]
    let folder = own.contains("/") ? FileSystem.parent(of: own) : "/usr/lib/cyrus/bin"
    let arguments = ["cyr_expire", "-E", days] + (options.argument("C").map { ["-C", $0] } ?? [])
    do throws(PosixError) {
        let child = try Process.spawn(Process.Command("\(folder)/cyr_expire", arguments))
        guard case .exited(let status) = try Process.wait(for: child) else { Process.exit(ExitStatus.temporaryFailure) }
        Process.exit(status)
    } catch {
        Program.fatal("\(error)", ExitStatus.temporaryFailure, nil)
    }
}

let program = Program.start(ident: "ctl_deliver", configurationPath: options.argument("C"))
let store = MailStore(program.configuration, logger: program.logger)
let path = options.argument("f") ?? program.configuration[.duplicate_db_path] ?? "\(program.configuration.directory)/deliver.db"
let engine = program.engine(named: program.configuration[.duplicate_db])
do throws(CyrusDBError) {
    let database = try store.databases.open(path, engine, .create)
    var output = BufferedOutput()
    output.write("it is NOW: \(Clock.now)\n")
    var count = 0
    try database.forEach(prefix: [UInt8]().span.bytes) { key, value in
        if let line = line(key, value) {
            output.write(line)
            count += 1
        } else {
            program.logger.error("DBERROR: \(path): a record that is no delivery mark, passed over")
        }
        return .next
    }
    output.write("got \(count) entries\n")
} catch {
    Program.fatal("\(error)", ExitStatus.temporaryFailure, program.logger)
}
