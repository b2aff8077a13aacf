import Bytes
import CyrusDB
import Posix

// A process of the tests: adds to a counter and stores keys of its own in a database that others use at the same time.
//
//     database-worker FILE ENGINE NAME SECONDS
//
// Each transaction reads the counter, stores it one larger, and stores the key NAME-number; some are aborted, some walks and
// checkpoints come between. Prints how many transactions were committed.

func run() throws(CyrusDBError) -> Int {
    let arguments = CommandLine.arguments
    guard arguments.count == 5, let engine = DatabaseEngine(rawValue: arguments[2]), let seconds = Double(arguments[4]) else { return -1 }
    let name = arguments[3]
    let database = try DatabaseEnvironment().open(arguments[1], engine, .create)
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
    print(try run())
} catch {
    print("error: \(error)")
}
