import Bytes
import CyrusDB
import Posix
import Service

extension DatabaseSession {
    /// Why a command of a batch was not done, in Cyrus's words.
    private enum Refusal: String {
        case syntax = "Syntax error in parameters"
        case unknown = "Mailbox does not exist"
        case begun = "Mailbox is locked"
        case notBegun = "Item does not exist"
        case failed = "System I/O error"
    }

    /// Commands from standard input, until one fails. What a transaction that does not come to its end has changed is forgotten.
    mutating func runBatch() throws(CyrusDBError) {
        let isOneTransaction = inTransaction
        var reader = BatchReader()
        var number = 0
        while let command = reader.next() {
            number += 1
            let refusal: Refusal?
            do throws(CyrusDBError) {
                refusal = try run(command)
            } catch {
                logger.error("DBERROR: \(error)")
                refusal = .failed
            }
            guard let refusal else { continue }
            flush()
            abort()
            Program.printError("FAILED: line \(number) at cmd \(command.name) with error \(refusal.rawValue)")
            return
        }
        if inTransaction, !isOneTransaction {
            flush()
            abort()
            Program.fatal("the input ended within a transaction; nothing of it is kept", ExitStatus.software, logger)
        }
    }

    /// nil when it was done.
    private mutating func run(_ command: BatchReader.Command) throws(CyrusDBError) -> Refusal? {
        if command.isMalformed { return .syntax }
        let key = command.key ?? []
        switch command.name {
        case "": break
        case "BEGIN":
            if inTransaction { return .begun }
            try begin()
        case "COMMIT":
            guard inTransaction else { return .notBegun }
            try commit()
        case "ABORT":
            guard inTransaction else { return .notBegun }
            abort()
        case "SHOW": try show(key) { key, value in Self.line(key, value) }
        case "GET", "SET", "DELETE":
            if key.isEmpty { return .syntax }
            switch command.name {
            case "GET": if let value = try value(key) { print(Self.line(key.span.bytes, value.span.bytes)) }
            case "SET": try store(key, command.value ?? [])
            default: try delete(key)
            }
        default: return .unknown
        }
        return nil
    }

    private static func line(_ key: RawSpan, _ value: RawSpan) -> [UInt8] {
        var line: [UInt8] = []
        append(key, to: &line)
        line.append(0x20)
        append(value, to: &line)
        line.append(0x0a)
        return line
    }

    /// A word as batch mode reads it back: bare, quoted, or as a literal.
    private static func append(_ word: RawSpan, to line: inout [UInt8]) {
        var isAtom = word.byteCount > 0 && word.byteCount < 1023
        var isPlain = word.byteCount < 1024
        for i in 0..<word.byteCount where isPlain {
            switch word[i] {
            case 0x00, 0x0a, 0x0d, UInt8(ascii: "\""), UInt8(ascii: "%"), UInt8(ascii: "\\"), 0x80...: isPlain = false
            case 0x01..<0x1f, 0x20, 0x7f, UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "{"): isAtom = false
            default: break
            }
        }
        guard isPlain else {
            line += Array("{\(word.byteCount)}\r\n".utf8)
            line += word.array
            return
        }
        if word.array == Array("NIL".utf8) { isAtom = false }
        if !isAtom { line.append(UInt8(ascii: "\"")) }
        line += word.array
        if !isAtom { line.append(UInt8(ascii: "\"")) }
    }
}
