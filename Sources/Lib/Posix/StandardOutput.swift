import Glibc

/// What a program prints for people and scripts; nothing is buffered. A reader that has gone is no error.
public enum StandardOutput {
    public static func write(_ text: String) { write(Array(text.utf8)) }

    public static func write(_ bytes: [UInt8]) { writeAll(1, bytes) }
}

/// Standard output for what is long: written in large pieces, and when it goes away.
public struct BufferedOutput: ~Copyable {
    private var pending: [UInt8] = []

    public init() {}

    deinit { writeAll(1, pending) }

    public mutating func write(_ bytes: [UInt8]) {
        pending += bytes
        if pending.count >= 65536 { flush() }
    }

    public mutating func write(_ text: String) { write(Array(text.utf8)) }

    public mutating func flush() {
        writeAll(1, pending)
        pending.removeAll(keepingCapacity: true)
    }
}

/// Complaints.
public enum StandardError {
    public static func write(_ text: String) { writeAll(2, Array(text.utf8)) }
}

private func writeAll(_ descriptor: CInt, _ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { raw in retrying { Glibc.write(descriptor, raw.baseAddress, raw.count) } }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
