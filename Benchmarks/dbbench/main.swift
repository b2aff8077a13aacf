import Glibc
import Bytes
import CyrusDB
import Logging
import Posix

// This project's engines on the work that dbpeers gives the other libraries.
//
// dbbench ENGINE DIRECTORY RECORDS     prints ROW<TAB>OPERATIONS<TAB>SECONDS<TAB>PROCESSOR-SECONDS lines

let arguments = CommandLine.arguments
guard arguments.count == 4, let engine = DatabaseEngine(rawValue: arguments[1]), let records = Int(arguments[3]), records >= 100 else {
    print("usage: dbbench ENGINE DIRECTORY RECORDS")
    exit(64)
}
var logger = Logger(label: "dbbench")
logger.logLevel = .critical
let environment = DatabaseEnvironment(configDirectory: arguments[2], logger: logger)
let digits = Array("0123456789".utf8)

let userPrefix = Array("Nuser\u{1f}u".utf8)
let boxPrefix = Array("\u{1f}box".utf8)

/// `Nuser US u###### US box##`, as dbpeers makes them.
func key(_ number: Int, into key: inout [UInt8]) {
    key.removeAll(keepingCapacity: true)
    key += userPrefix
    var divisor = 10_000_000
    for position in 0..<8 {
        if position == 6 { key += boxPrefix }
        key.append(digits[number / divisor % 10])
        divisor /= 10
    }
}

func mixed(_ number: Int) -> Int { (number * 7919 + 13) % records }

func row(_ name: String, _ count: Int, _ work: () throws -> Void) rethrows {
    let (start, processor) = (Clock.monotonic, clock())
    try work()
    let seconds = Clock.monotonic - start
    print("\(name)\t\(count)\t\(seconds)\t\(Double(clock() - processor) / Double(CLOCKS_PER_SEC))")
    fflush(nil)
}

@MainActor func fill(_ name: String, _ path: String, _ order: (Int) -> Int) throws -> Database {
    var one: [UInt8] = []
    let value = [UInt8](repeating: UInt8(ascii: "v"), count: 120)
    let database = try environment.open(path, engine, .create)
    try row(name, records) {
        var transaction = try database.begin()
        for number in 0..<records {
            key(order(number), into: &one)
            try transaction.store(one.span.bytes, value.span.bytes)
        }
        try transaction.commit()
        // As Cyrus's: its skiplist checkpoints when it commits, its twoskip later.
        if engine == .skiplist { try database.checkpointIfNeeded() }
    }
    return database
}

@MainActor func run() throws {
    var one: [UInt8] = []
    var value: [UInt8]
    let few = min(records, 1000)
    let many = min(records, 200_000)
    let path = arguments[2] + "/ours.\(engine.rawValue)"
    let sequential = path + ".seq"
    _ = try fill("sequential writes, one transaction", sequential) { $0 }
    try FileSystem.unlink(sequential)
    do {
        let database = try fill("random writes, one transaction", path, mixed)
        try row("random reads", many) {
            for number in 0..<many {
                key(mixed(number * 31 % records), into: &one)
                guard try database.fetch(one.span.bytes, { $0.byteCount }) == 120 else { throw CyrusDBError.stopped(reason: "value") }
            }
        }
        let reading = try database.beginShared()
        try row("random reads, one transaction", many) {
            for number in 0..<many {
                key(mixed(number * 31 % records), into: &one)
                guard try database.fetch(one.span.bytes, { $0.byteCount }) == 120 else { throw CyrusDBError.stopped(reason: "value") }
            }
        }
        try reading.commit()
        func scan(_ prefix: [UInt8], _ expected: Int) throws {
            var count = 0
            try database.forEach(prefix: prefix.span.bytes) { key, value in
                count += key.byteCount + value.byteCount > 0 ? 1 : 0
                return .next
            }
            guard count == expected else { throw CyrusDBError.stopped(reason: "scan: \(count)") }
        }
        try row("full scan", records) { try scan([], records) }
        let scanning = try database.beginShared()
        try row("full scan, one transaction", records) { try scan([], records) }
        try scanning.commit()
        try row("prefix scans of 100", 1000) {
            for number in 0..<1000 {
                key(mixed(number * 97 % records) / 100 % (records / 100) * 100, into: &one)
                one.removeLast(5)
                try scan(one, 100)
            }
        }
        value = [UInt8](repeating: UInt8(ascii: "w"), count: 120)
        try row("random writes, 100 a transaction", 10_000) {
            for batch in 0..<100 {
                var transaction = try database.begin()
                for number in 0..<100 {
                    key(mixed((batch * 100 + number) % records), into: &one)
                    try transaction.store(one.span.bytes, value.span.bytes)
                }
                try transaction.commit()
            }
        }
        value = [UInt8](repeating: UInt8(ascii: "x"), count: 120)
        try row("sequential writes, one commit each", few) {
            for number in 0..<few {
                key(records + number, into: &one)
                try database.store(one.span.bytes, value.span.bytes)
            }
        }
        try row("random writes, one commit each", few) {
            for number in 0..<few {
                key(mixed(number), into: &one)
                try database.store(one.span.bytes, value.span.bytes)
            }
        }
        // Half of the records anew, so that there is something to leave behind.
        value = [UInt8](repeating: UInt8(ascii: "y"), count: 120)
        var transaction = try database.begin()
        for number in 0..<(records / 2) {
            key(mixed(number), into: &one)
            try transaction.store(one.span.bytes, value.span.bytes)
        }
        try transaction.commit()
        try row("checkpoint", 1) { try database.checkpoint() }
        print("checkpoint, others kept out\t1\t\(database.checkpointPause)\t0")
    }
    try row("open, read and close", 1000) {
        for number in 0..<1000 {
            let database = try environment.open(path, engine)
            key(mixed(number * 31 % records), into: &one)
            guard try database.fetch(one.span.bytes, { $0.byteCount }) == 120 else { throw CyrusDBError.stopped(reason: "value") }
        }
    }
    try FileSystem.unlink(path)
}

do {
    try run()
} catch {
    print("dbbench: \(error)")
    exit(1)
}
