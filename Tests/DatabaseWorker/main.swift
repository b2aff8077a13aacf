import Bytes
import CyrusDB
import Posix

// A process of the tests: adds to a counter and stores keys of its own in a database that others use at the same time.
//
//     database-worker FILE ENGINE NAME SECONDS [sql_OPTION=VALUE …] [through-errors]
//
// Each transaction reads the counter, stores it one larger, and stores the key NAME-number; some are aborted, some walks and
// checkpoints come between. Prints how many transactions were committed.

// With `through-errors` it goes on after them, and prints at its end what it was told is committed and for how many milliseconds it
// waited at the longest: `NUMBER NUMBER … longest MILLISECONDS`.

func sqlOptions() -> DatabaseEnvironment.Options {
    var options = DatabaseEnvironment.Options()
    for argument in CommandLine.arguments.dropFirst(5) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { continue }
        switch parts[0] {
        case "sql_engine": options.sql.engine = parts[1]
        case "sql_hostnames": options.sql.hostnames = parts[1]
        case "sql_user": options.sql.user = parts[1]
        case "sql_passwd": options.sql.password = parts[1]
        case "sql_database": options.sql.database = parts[1]
        default: break
        }
    }
    return options
}

/// Counts and stores until the time is over, whatever fails meanwhile.
func runThroughErrors() -> String {
    let arguments = CommandLine.arguments
    guard let engine = DatabaseEngine(rawValue: arguments[2]), let seconds = Double(arguments[4]) else { return "" }
    let environment = DatabaseEnvironment(options: sqlOptions())
    let counter = Array("counter".utf8)
    let end = Clock.monotonic + seconds
    var committed: [Int] = []
    var longest = 0.0
    var number = 0
    var opened: Database?
    while Clock.monotonic < end {
        number += 1
        let started = Clock.monotonic
        do throws(CyrusDBError) {
            let database: Database
            if let opened {
                database = opened
            } else {
                database = try environment.open(arguments[1], engine, .create)
                opened = database
            }
            var transaction = try database.begin()
            let count = try transaction.fetch(counter.span.bytes) { value in value.decimal ?? 0 } ?? 0
            try transaction.store(counter, Array("\(count + 1)".utf8))
            try transaction.store(Array("\(arguments[3])-\(number)".utf8), Array("value \(count)".utf8))
            try transaction.commit()
            committed.append(number)
        } catch {
            // A server that is being started again refuses at once.
            var none: [PollEntry] = []
            _ = try? Poll.wait(&none, milliseconds: 10)
        }
        longest = max(longest, Clock.monotonic - started)
    }
    return committed.map { "\($0) " }.joined() + "longest \(Int(longest * 1000))"
}

func run() throws(CyrusDBError) -> Int {
    let arguments = CommandLine.arguments
    guard arguments.count >= 5, let engine = DatabaseEngine(rawValue: arguments[2]), let seconds = Double(arguments[4]) else { return -1 }
    let name = arguments[3]
    let database = try DatabaseEnvironment(options: sqlOptions()).open(arguments[1], engine, .create)
    let counter = Array("counter".utf8)
    let end = Clock.monotonic + seconds
    var committed = 0
    var round = 0
    while Clock.monotonic < end {
        round += 1
        var transaction = try database.begin()
        let count = try transaction.fetch(counter.span.bytes) { value in value.decimal ?? 0 } ?? 0
        try transaction.store(counter, Array("\(count + 1)".utf8))
        try transaction.store(Array("\(name)-\(committed)".utf8), Array("value \(count) of \(name)".utf8))
        if round % 7 == 3 {
            try transaction.abort()
            continue
        }
        try transaction.commit()
        committed += 1
        if round % 10 == 0 {
            // Everything this process has committed is there, whoever wrote meanwhile.
            var seen = 0
            try database.forEach(prefix: Array("\(name)-".utf8).span.bytes) { _, _ in
                seen += 1
                return .next
            }
            guard seen == committed else {
                print("lost: \(seen) of \(committed)")
                return -1
            }
        }
        try database.checkpointIfNeeded()
    }
    return committed
}

do throws(CyrusDBError) {
    if CommandLine.arguments.last == "through-errors" {
        print(runThroughErrors())
    } else {
        print(try run())
    }
} catch {
    print("error: \(error)")
}
