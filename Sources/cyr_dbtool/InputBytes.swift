import Posix

/// Standard input, byte by byte.
struct InputBytes {
    private var buffer = [UInt8](repeating: 0, count: 65536)
    private var count = 0
    private var place = 0

    /// The next byte, left where it is; nil at the end.
    mutating func peek() -> UInt8? {
        if place == count {
            count = max(0, Descriptor.read(0, into: &buffer))
            place = 0
        }
        return place < count ? buffer[place] : nil
    }

    /// The next byte; nil at the end.
    mutating func next() -> UInt8? {
        guard let byte = peek() else { return nil }
        place += 1
        return byte
    }

    /// A line without its LF, the last one with or without; nil at the end.
    mutating func line() -> [UInt8]? {
        guard peek() != nil else { return nil }
        var line: [UInt8] = []
        while let byte = next(), byte != 0x0a { line.append(byte) }
        return line
    }
}
