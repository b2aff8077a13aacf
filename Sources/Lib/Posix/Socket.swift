import Bytes
import CPosix
import Glibc
import SystemPackage

/// A socket, owned once and closed at the end of its scope.
public struct Socket: ~Copyable {
    public let descriptor: CInt

    public init(adopting descriptor: CInt) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    public consuming func release() -> CInt {
        let fd = descriptor
        discard self
        return fd
    }

    private static func make(_ family: CInt, datagram: Bool) throws(PosixError) -> Socket {
        let kind = datagram ? CInt(SOCK_DGRAM.rawValue) : CInt(SOCK_STREAM.rawValue)
        let fd = socket(family, kind | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { throw .last("socket") }
        return Socket(adopting: fd)
    }

    /// A bound socket; a stream one also listens. A socket file that is there already is replaced.
    public static func listen(
        _ address: SocketAddress, backlog: Int = 32, datagram: Bool = false, unixMode: UInt32 = 0o777
    ) throws(PosixError) -> Socket {
        let socket = try make(address.rawFamily, datagram: datagram)
        if address.family == .unix, let path = address.path {
            try FileSystem.unlink(path)
        } else {
            try socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
            if address.family == .ipv6 { try socket.set(CInt(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        }
        let mask = Process.setUmask(address.family == .unix ? 0 : 0o077)
        let bound = address.withSockaddr { Glibc.bind(socket.descriptor, $0, $1) }
        let failure = bound == 0 ? nil : PosixError.last("bind", address.description)
        Process.setUmask(mask)
        if let failure { throw failure }
        if let path = address.path { try FileSystem.setMode(path, unixMode) }
        if !datagram {
            guard Glibc.listen(socket.descriptor, CInt(clamping: backlog)) == 0 else { throw .last("listen", address.description) }
        }
        return socket
    }

    /// An unbound datagram socket of the address's family, or one bound to `address`.
    public static func datagram(bound address: SocketAddress?) throws(PosixError) -> Socket {
        if let address { return try listen(address, datagram: true) }
        return try make(AF_UNIX, datagram: true)
    }

    /// Connects, within `seconds` when given.
    public static func connect(_ address: SocketAddress, datagram: Bool = false, within seconds: Double? = nil) throws(PosixError) -> Socket
    {
        let socket = try make(address.rawFamily, datagram: datagram)
        if seconds != nil { try Descriptor.setNonBlocking(socket.descriptor, true) }
        if address.withSockaddr({ Glibc.connect(socket.descriptor, $0, $1) }) != 0 {
            guard errno == EINPROGRESS || errno == EINTR else { throw .last("connect", address.description) }
            var entries = [PollEntry(socket.descriptor, write: true)]
            let deadline = Clock.monotonic + (seconds ?? 3600)
            while try Poll.wait(&entries, milliseconds: Int(max(0, deadline - Clock.monotonic) * 1000)) == 0 {
                if Clock.monotonic >= deadline { throw PosixError("connect", address.description, errno: .timedOut) }
            }
            let code = try socket.get(SOL_SOCKET, SO_ERROR)
            if code != 0 { throw PosixError("connect", address.description, errno: Errno(rawValue: code)) }
        }
        if seconds != nil { try Descriptor.setNonBlocking(socket.descriptor, false) }
        return socket
    }

    /// The next connection; nil when a signal came.
    public static func accept(_ listener: CInt) throws(PosixError) -> Socket? {
        let fd = cy_accept(listener)
        if fd >= 0 { return Socket(adopting: fd) }
        if errno == EINTR || errno == ECONNABORTED || errno == EAGAIN { return nil }
        throw .last("accept")
    }

    public static func pair() throws(PosixError) -> (Int32, Int32) {
        var ends: [CInt] = [0, 0]
        guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw .last("socketpair")
        }
        return (ends[0], ends[1])
    }

    public func send(_ bytes: [UInt8], to address: SocketAddress) throws(PosixError) {
        let count = bytes.withUnsafeBytes { buffer in
            address.withSockaddr { where_, length in
                retrying { sendto(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT), where_, length) }
            }
        }
        guard count >= 0 else { throw .last("sendto", address.description) }
    }

    public func set(_ level: CInt, _ option: CInt, _ value: CInt) throws(PosixError) {
        try Socket.set(descriptor, level, option, value)
    }

    public static func set(_ descriptor: CInt, _ level: CInt, _ option: CInt, _ value: CInt) throws(PosixError) {
        var value = value
        guard setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size)) == 0 else {
            throw .last("setsockopt")
        }
    }

    public func get(_ level: CInt, _ option: CInt) throws(PosixError) -> CInt {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(descriptor, level, option, &value, &length) == 0 else { throw .last("getsockopt") }
        return value
    }

    /// TCP keep-alive with the figures given in seconds (0: the system's).
    public static func setKeepAlive(_ descriptor: CInt, count: Int, idle: Int, interval: Int) throws(PosixError) {
        try set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        if count > 0 { try set(descriptor, CInt(IPPROTO_TCP), TCP_KEEPCNT, CInt(clamping: count)) }
        if idle > 0 { try set(descriptor, CInt(IPPROTO_TCP), TCP_KEEPIDLE, CInt(clamping: idle)) }
        if interval > 0 { try set(descriptor, CInt(IPPROTO_TCP), TCP_KEEPINTVL, CInt(clamping: interval)) }
    }

    /// The type-of-service byte of what is sent (DSCP). Where the system refuses, packets go unmarked.
    public static func setTypeOfService(_ descriptor: CInt, _ value: CInt, ipv6: Bool) {
        var value = value
        let (level, option) = ipv6 ? (CInt(IPPROTO_IPV6), IPV6_TCLASS) : (CInt(IPPROTO_IP), IP_TOS)
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    public static func setNoDelay(_ descriptor: CInt) {
        var on: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
    }

    /// The address of the other end; nil when it has none (not a socket, or gone).
    public static func peer(_ descriptor: CInt) -> SocketAddress? {
        name(descriptor, getpeername)
    }

    /// The address of this end.
    public static func local(_ descriptor: CInt) -> SocketAddress? {
        name(descriptor, getsockname)
    }

    private static func name(
        _ descriptor: CInt, _ call: (CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(descriptor, $0, &length) }
        }
        guard result == 0 else { return nil }
        return withUnsafeBytes(of: &storage) { SocketAddress(raw: Array($0.prefix(Int(length)))) }
    }

    /// The user id of the process at the other end of a unix stream socket.
    public static func peerUser(_ descriptor: CInt) -> UInt32? {
        let user = cy_peer_user(descriptor)
        return user < 0 ? nil : UInt32(truncatingIfNeeded: user)
    }
}
