/// What a service process tells master on its status pipe (8 bytes: the number below, then its pid, both native ints).
enum ServiceMessage: Int32, Sendable {
    /// Ready for a connection.
    case available = 1
    /// No longer ready: a connection was accepted, or the process is about to end.
    case unavailable = 2
    /// A connection is being served.
    case connection = 3
    /// A connection is being served by a thread, and the process goes on accepting.
    case connectionMulti = 4

    static let byteCount = 8

    /// The message and the pid at the head of a status pipe's bytes; nil message for a number nobody knows.
    static func decode(_ bytes: ArraySlice<UInt8>) -> (message: ServiceMessage?, pid: Int32) {
        func word(_ offset: Int) -> Int32 {
            var value: Int32 = 0
            withUnsafeMutableBytes(of: &value) { target in
                for i in 0..<4 { target[i] = bytes[bytes.startIndex + offset + i] }
            }
            return value
        }
        return (ServiceMessage(rawValue: word(0)), word(4))
    }
}

/// What a worker is doing, as far as it has told. A process counts as ready from its fork on.
enum WorkerState: String, Sendable {
    case ready = "READY"
    case busy = "BUSY"

    /// The table: which state a message leads to, and whether it was out of place.
    func after(_ message: ServiceMessage) -> (state: WorkerState, countsConnection: Bool, isOutOfPlace: Bool) {
        switch (self, message) {
        case (.ready, .available): (.ready, false, true)
        case (.ready, .unavailable): (.busy, false, false)
        case (.ready, .connection): (.busy, true, true)
        case (.ready, .connectionMulti): (.ready, true, false)
        case (.busy, .available): (.ready, false, false)
        case (.busy, .unavailable): (.busy, false, true)
        case (.busy, .connection): (.busy, true, false)
        case (.busy, .connectionMulti): (.ready, true, true)
        }
    }
}

/// How a child ended, as master judges it.
enum WorkerEnding: Sendable, Equatable {
    case normal
    /// Status 75: it was told to end, which is no failure.
    case killed
    case failed(status: Int32)
    case signaled(Int32, core: Bool)

    var isFailure: Bool {
        switch self {
        case .normal, .killed: false
        case .failed, .signaled: true
        }
    }
    /// Killed from outside: no program sends itself this.
    var isKill: Bool {
        if case .signaled(9, _) = self { true } else { false }
    }
}
