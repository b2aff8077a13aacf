import Bytes

/// imapd.conf's lines to `name: value` pairs: comments, continuation, `@include`, duplicates. No I/O but through `load`.
struct ConfigurationParser {
    /// One setting as written, its name in lower case.
    struct Setting: Equatable {
        var name: String
        var value: String
        var place: Place
    }

    /// The bytes of a configuration file.
    typealias Loader = (_ path: String) throws(ConfigurationError) -> [UInt8]

    private let load: Loader
    private var included: Set<String> = []
    private var seen: Set<String> = []
    private(set) var settings: [Setting] = []

    init(load: @escaping Loader) {
        self.load = load
    }

    mutating func parse(path: String) throws(ConfigurationError) {
        included.insert(path)
        let bytes = try load(path)
        var lines = LineReader(bytes: bytes)
        while let line = lines.next() {
            try parse(line: line.bytes, at: Place(file: path, line: line.number))
        }
    }

    private mutating func parse(line: ArraySlice<UInt8>, at place: Place) throws(ConfigurationError) {
        var rest = trimmed(line)
        guard let first = rest.first, first != UInt8(ascii: "#") else { return }
        let isDirective = first == UInt8(ascii: "@")
        if isDirective { rest.removeFirst() }
        let nameEnd = rest.firstIndex { !ValueSyntax.isNameByte($0) } ?? rest.endIndex
        let name = String(decoding: rest[..<nameEnd].map(\.asciiLowercased), as: UTF8.self)
        // Cyrus runs into an assertion when the name is empty; it is refused here.
        guard nameEnd < rest.endIndex, rest[nameEnd] == UInt8(ascii: ":"), !name.isEmpty else { throw .invalidName(place) }
        let bytes = trimmed(rest[(nameEnd + 1)...])
        guard !bytes.isEmpty else { throw .emptyValue(place) }
        let value = String(decoding: bytes, as: UTF8.self)
        if isDirective {
            guard name == "include" else { throw .invalidDirective(place) }
            guard !included.contains(value) else { throw .includedTwice(path: value, place) }
            try parse(path: value)
            return
        }
        guard seen.insert(name).inserted else { throw .duplicate(name: name, place) }
        settings.append(Setting(name: name, value: value, place: place))
    }
}

/// White space taken off both ends.
func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var bytes = bytes
    while let first = bytes.first, first.isASCIISpace { bytes.removeFirst() }
    while let last = bytes.last, last.isASCIISpace { bytes.removeLast() }
    return bytes
}

/// Lines joined where one ends in a backslash.
struct LineReader {
    private let bytes: [UInt8]
    private var position = 0
    private var number = 0
    private let joinsContinued: Bool

    init(bytes: [UInt8], joinsContinued: Bool = true) {
        self.bytes = bytes
        self.joinsContinued = joinsContinued
    }

    /// The next line without its line feed, and its number.
    mutating func next() -> (bytes: ArraySlice<UInt8>, number: Int)? {
        guard position < bytes.count else { return nil }
        var line = nextRaw()
        let first = number
        // A backslash at the very end of the file continues nothing and stays.
        while joinsContinued, line.last == UInt8(ascii: "\\"), position < bytes.count || bytes.last == UInt8(ascii: "\n") {
            line.removeLast()
            guard position < bytes.count else { break }
            line += nextRaw()
        }
        return (line, first)
    }

    private mutating func nextRaw() -> ArraySlice<UInt8> {
        let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        defer {
            position = end + 1
            number += 1
        }
        return bytes[position..<end]
    }
}
