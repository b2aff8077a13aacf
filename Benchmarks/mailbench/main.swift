import Foundation
import Posix

// The client of `make bench`: does the same work with one server and prints `ROW<TAB>OPERATIONS-PER-SECOND` lines.
//
// mailbench imap=PORT lmtp=PORT [scale=N] [idle=SECONDS] [only=ROW]

var settings: [String: String] = [:]
for argument in CommandLine.arguments.dropFirst() {
    let parts = argument.split(separator: "=", maxSplits: 1)
    if parts.count == 2 { settings[String(parts[0])] = String(parts[1]) }
}
guard let imap = settings["imap"].flatMap({ Int($0) }), let lmtp = settings["lmtp"].flatMap({ Int($0) }) else {
    print("usage: mailbench imap=PORT lmtp=PORT [scale=N]")
    exit(64)
}
/// Messages of the big mailbox, in thousands.
let thousands = settings["scale"].flatMap { Int($0) } ?? 100
let deliveries = settings["deliveries"].flatMap { Int($0) } ?? 400

func measure(_ row: String, _ operations: Int, _ work: () throws -> Void) throws {
    let start = Clock.monotonic
    try work()
    let seconds = Clock.monotonic - start
    print("\(row)\t\(Double(operations) / seconds)")
    fflush(nil)
}

final class Errors: @unchecked Sendable {
    private let lock = NSLock()
    private var first: (any Error)?
    func note(_ error: any Error) { lock.withLock { first = first ?? error } }
    func check() throws { if let first = lock.withLock({ first }) { throw first } }
}

func parallel(_ count: Int, _ work: @escaping @Sendable (Int) throws -> Void) throws {
    let errors = Errors()
    let group = DispatchGroup()
    for number in 0..<count {
        group.enter()
        Thread {
            do { try work(number) } catch { errors.note(error) }
            group.leave()
        }.start()
    }
    group.wait()
    try errors.check()
}

do {
    let wanted = settings["only"]
    func wants(_ row: String) -> Bool { wanted == nil || row.contains(wanted ?? "") }
    if let seconds = settings["idle"].flatMap({ Int($0) }) {
        // 200 sessions that do nothing, for the memory rows: held until the driver has looked.
        var peers: [Peer] = []
        for number in 0..<200 { peers.append(try Work.login("bench\(1 + number % 8)", port: imap)) }
        if settings["select"] != nil { _ = try peers[0].command("s", "SELECT INBOX.big") }
        print("ready")
        fflush(nil)
        _ = readLine()
        _ = (peers.count, seconds)
        exit(0)
    }
    if wants("LMTP") {
        for (size, label) in [(2_000, "2 KB"), (50_000, "50 KB")] {
            try measure("LMTP \(label), 1 connection", deliveries) {
                try Work.deliver(deliveries, size, "one\(size)", user: "bench1", port: lmtp)
            }
            let each = deliveries / 8
            try measure("LMTP \(label), 8 connections", each * 8) {
                try parallel(8) { try Work.deliver(each, size, "eight\(size)-\($0)", user: "bench\($0 + 1)", port: lmtp) }
            }
        }
    }
    let peer = try Work.login("bench1", port: imap)
    if wants("APPEND") {
        try measure("APPEND 2 KB", deliveries) {
            for number in 0..<deliveries {
                let message = Work.body(2_000, "append-\(number)")
                try peer.send(Array("a APPEND INBOX {\(message.count)+}\r\n".utf8) + message + [13, 10])
                try peer.until("a")
            }
        }
    }
    // The big mailboxes are made by COPY, which is a row of its own.
    _ = try peer.command("c", "CREATE INBOX.seed")
    _ = try peer.command("c", "CREATE INBOX.ten")
    _ = try peer.command("c", "CREATE INBOX.big")
    for number in 0..<1000 {
        let message = Work.body(2_000, "seed-\(number)")
        try peer.send(Array("a APPEND INBOX.seed {\(message.count)+}\r\n".utf8) + message + [13, 10])
        try peer.until("a")
    }
    _ = try peer.command("s", "SELECT INBOX.seed")
    try measure("COPY (messages)", 10_000) { for _ in 0..<10 { _ = try peer.command("c", "COPY 1:* INBOX.ten") } }
    for _ in 0..<thousands { _ = try peer.command("c", "COPY 1:* INBOX.big") }
    _ = try peer.command("s", "SELECT INBOX.big")
    try measure("SELECT of \(thousands),000", 20) {
        for _ in 0..<20 {
            _ = try peer.command("s", "SELECT INBOX.big")
        }
    }
    try measure("FETCH FLAGS UID of \(thousands),000 (messages)", thousands * 3000) {
        for _ in 0..<3 {
            guard try peer.command("f", "FETCH 1:* (FLAGS UID)") >= thousands * 1000 else { throw Peer.Failure("too few answers") }
        }
    }
    _ = try peer.command("s", "SELECT INBOX.ten")
    for (row, items) in [("FETCH ENVELOPE", "ENVELOPE"), ("FETCH BODY.PEEK[]", "BODY.PEEK[]")] {
        try measure("\(row) of 10,000 (messages)", 20_000) {
            for _ in 0..<2 { guard try peer.command("f", "FETCH 1:* (\(items))") >= 10_000 else { throw Peer.Failure("too few answers") } }
        }
    }
    try measure("SEARCH by header of 10,000 (messages)", 30_000) {
        for number in 0..<3 { _ = try peer.command("q", "SEARCH HEADER X-Bench \"number seed-\(number * 7)1\"") }
    }
    try measure("SEARCH SUBJECT of 10,000 (messages)", 30_000) {
        for number in 0..<3 { _ = try peer.command("q", "SEARCH SUBJECT \"message seed-\(number)99\"") }
    }
    try measure("SEARCH by body of 10,000 (messages)", 20_000) {
        for number in 0..<2 { _ = try peer.command("q", "SEARCH BODY uniqueseed-\(number)55end") }
    }
    try measure("STORE on 10,000 (messages)", 40_000) {
        for change in ["+FLAGS (\\Flagged)", "-FLAGS (\\Flagged)", "+FLAGS.SILENT (\\Seen)", "+FLAGS (\\Deleted)"] {
            _ = try peer.command("t", "STORE 1:* \(change)")
        }
    }
    try measure("EXPUNGE of 10,000 (messages)", 10_000) { _ = try peer.command("e", "EXPUNGE") }
    _ = try peer.command("o", "LOGOUT")
    try measure("LOGIN+LOGOUT", 300) {
        for _ in 0..<300 {
            let one = try Work.login("bench2", port: imap)
            _ = try one.command("o", "LOGOUT")
        }
    }
} catch {
    FileHandle.standardError.write(Data("mailbench: \(error)\n".utf8))
    exit(1)
}
