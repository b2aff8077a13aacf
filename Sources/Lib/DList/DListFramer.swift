import Bytes

/// Finds where a dlist value ends in bytes that arrive in pieces, without keeping them: the replication protocol's reader.
///
/// Feed it what arrives; collect what it takes. When it says `.complete`, what was collected is one value for `DList(parsing:)`.
/// At a message file it says `.file`: what was collected is complete up to the file's bytes, of which `size` follow; the caller
/// takes those off the stream to wherever they belong (they may be a gigabyte), or collects them too, and goes on feeding.
public struct DListFramer: Sendable {
    public enum Step: Sendable, Equatable {
        /// All bytes given were taken, and more are needed.
        case incomplete
        /// The value is complete; the byte after it (a space or a line end, say) was not taken.
        case complete
        /// The bytes of a file follow in the stream.
        case file(partition: [UInt8], guid: [UInt8], size: Int)
    }

    private enum State {
        /// Before a value, or between the items of a list.
        case between
        /// After `%`.
        case percent
        case atom
        case quoted
        case escaped
        /// Within `{…}` of a literal, or of a file.
        case header(isFile: Bool)
        /// After `}`: CR or LF.
        case headerEnd(isFile: Bool)
        /// After CR: LF.
        case lineFeed(isFile: Bool)
        case literal(Int)
        case complete
    }

    private let limits: DListLimits
    private var state = State.between
    private var depth = 0
    private var total = 0
    private var string = 0
    private var header: [UInt8] = []

    public init(limits: DListLimits = DListLimits()) {
        self.limits = limits
    }

    /// Takes bytes from `offset` of `input` on, and moves it past them.
    public mutating func take(_ input: RawSpan, from offset: inout Int) throws(DListError) -> Step {
        while offset < input.byteCount {
            let byte = input[offset]
            if case .literal(let left) = state {
                let count = min(left, input.byteCount - offset)
                offset += count
                try grow(count)
                state = count == left ? .between : .literal(left - count)
                if count == left && depth == 0 { return finish() }
                continue
            }
            let (step, isTaken) = try advance(byte)
            if isTaken {
                offset += 1
                try grow(1)
            }
            if let step { return step }
        }
        if case .complete = state { return .complete }
        return .incomplete
    }

    private mutating func grow(_ count: Int) throws(DListError) {
        total += count
        if total > limits.totalBytes { throw DListError(.tooLarge, at: total) }
    }

    private mutating func finish() -> Step {
        state = .complete
        return .complete
    }

    /// What one byte does, and whether it belongs to the value.
    private mutating func advance(_ byte: UInt8) throws(DListError) -> (Step?, Bool) {
        switch state {
        case .complete, .literal: return (.complete, false)
        case .between: return try begin(byte)
        case .percent:
            if byte == UInt8(ascii: "(") { return (nil, try open()) }
            guard byte == UInt8(ascii: "{") else { throw DListError(.unexpected, at: total) }
            header.removeAll(keepingCapacity: true)
            state = .header(isFile: true)
            return (nil, true)
        case .atom:
            if byte.isASCIISpace || byte == 0x28 || byte == 0x29 || byte == 0x22 {
                state = .between
                if depth == 0 { return (finish(), false) }
                return (nil, false)
            }
            try lengthen()
            return (nil, true)
        case .quoted:
            if byte == 0x0d || byte == 0x0a { throw DListError(.badQuoted, at: total) }
            if byte == UInt8(ascii: "\"") {
                state = .between
                return (depth == 0 ? finish() : nil, true)
            }
            if byte == UInt8(ascii: "\\") { state = .escaped }
            try lengthen()
            return (nil, true)
        case .escaped:
            state = .quoted
            return (nil, true)
        case .header(let isFile):
            if byte == UInt8(ascii: "}") {
                state = .headerEnd(isFile: isFile)
            } else {
                header.append(byte)
                guard header.count <= 1024 else { throw DListError(isFile ? .badFile : .badLiteral, at: total) }
            }
            return (nil, true)
        case .headerEnd(let isFile):
            if byte == 0x0d {
                state = .lineFeed(isFile: isFile)
                return (nil, true)
            }
            return (try endHeader(byte, isFile), true)
        case .lineFeed(let isFile): return (try endHeader(byte, isFile), true)
        }
    }

    private mutating func begin(_ byte: UInt8) throws(DListError) -> (Step?, Bool) {
        if byte.isASCIISpace {
            // A line end within a list is white space; before a value of its own it is an empty line.
            if depth == 0 && (byte == 0x0d || byte == 0x0a) { throw DListError(.unexpected, at: total) }
            return (nil, true)
        }
        string = 0
        switch byte {
        case UInt8(ascii: "("): return (nil, try open())
        case UInt8(ascii: ")"):
            guard depth > 0 else { throw DListError(.unexpected, at: total) }
            depth -= 1
            return (depth == 0 ? finish() : nil, true)
        case UInt8(ascii: "%"): state = .percent
        case UInt8(ascii: "\""): state = .quoted
        case UInt8(ascii: "{"):
            header.removeAll(keepingCapacity: true)
            state = .header(isFile: false)
        default: state = .atom
        }
        return (nil, true)
    }

    /// Always true: the bracket belongs to the value.
    private mutating func open() throws(DListError) -> Bool {
        guard depth < limits.depth else { throw DListError(.tooDeep, at: total) }
        depth += 1
        state = .between
        return true
    }

    private mutating func lengthen() throws(DListError) {
        string += 1
        if string > limits.stringBytes { throw DListError(.tooLarge, at: total) }
    }

    /// At the LF after `}`.
    private mutating func endHeader(_ byte: UInt8, _ isFile: Bool) throws(DListError) -> Step? {
        guard byte == 0x0a else { throw DListError(isFile ? .badFile : .badLiteral, at: total) }
        if isFile { return try fileStep() }
        var digits = header
        if digits.last == UInt8(ascii: "+") { digits.removeLast() }
        guard let size = digits.span.bytes.decimal else { throw DListError(.badLiteral, at: total) }
        guard size <= UInt64(limits.stringBytes) else { throw DListError(.tooLarge, at: total) }
        if size == 0 {
            state = .between
            return depth == 0 ? finish() : nil
        }
        state = .literal(Int(size))
        return nil
    }

    private mutating func fileStep() throws(DListError) -> Step {
        let parts = header.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, let size = Array(parts[2]).span.bytes.decimal, size <= UInt64(Int.max / 2) else {
            throw DListError(.badFile, at: total)
        }
        state = depth == 0 ? .complete : .between
        return .file(partition: Array(parts[0]), guid: Array(parts[1]), size: Int(size))
    }
}
