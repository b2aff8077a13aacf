import Bytes

/// A piece of a `TextArena`, or nothing (Cyrus's NULL, which IMAP prints as `NIL`).
struct TextRef: Sendable, Hashable {
    var start: UInt32
    var count: UInt32

    static let none = TextRef(start: .max, count: 0)

    var isNone: Bool { start == .max }
    var end: Int { Int(start) + Int(count) }
}

/// All the strings of a parsed message in one buffer: one allocation for the lot.
struct TextArena: Sendable {
    private(set) var bytes: [UInt8] = []

    mutating func reserve(_ capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    /// Starts a string that `append` grows and `finish` ends.
    var mark: Int { bytes.count }

    mutating func append(_ byte: UInt8) {
        bytes.append(byte)
    }

    mutating func append(_ span: borrowing RawSpan) {
        bytes.append(span)
    }

    func finish(from mark: Int) -> TextRef {
        // Header text of a message beyond 4 GB is not kept: offsets on disk have 32 bits.
        guard mark < Int(UInt32.max), bytes.count - mark < Int(UInt32.max) else { return .none }
        return TextRef(start: UInt32(mark), count: UInt32(bytes.count - mark))
    }

    mutating func cut(to mark: Int) {
        bytes.removeLast(bytes.count - mark)
    }

    mutating func add(_ span: borrowing RawSpan) -> TextRef {
        let mark = bytes.count
        bytes.append(span)
        return finish(from: mark)
    }

    /// A copy with ASCII letters in upper case.
    mutating func addUppercased(_ span: borrowing RawSpan) -> TextRef {
        let mark = bytes.count
        for i in 0..<span.byteCount { bytes.append(span[i].asciiUppercased) }
        return finish(from: mark)
    }

    mutating func add(_ literal: StaticString) -> TextRef {
        let mark = bytes.count
        bytes.append(literal)
        return finish(from: mark)
    }

    /// The text of `ref`; empty for none.
    @_lifetime(borrow self)
    func span(_ ref: TextRef) -> RawSpan {
        let all = bytes.span.bytes
        return ref.isNone ? all.extracting(0..<0) : all.slice(Int(ref.start), Int(ref.count))
    }

    func array(_ ref: TextRef) -> [UInt8]? {
        ref.isNone ? nil : span(ref).array
    }

    func equals(_ ref: TextRef, _ literal: StaticString) -> Bool {
        guard Int(ref.count) == literal.utf8CodeUnitCount, !ref.isNone else { return false }
        for i in 0..<Int(ref.count) where bytes[Int(ref.start) + i] != literal.utf8Start[i] { return false }
        return true
    }
}
