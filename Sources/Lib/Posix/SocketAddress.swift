import CPosix
import Glibc
import SystemPackage

/// An address of a socket: IPv4, IPv6 or a path.
public struct SocketAddress: Sendable, Equatable, CustomStringConvertible {
    public enum Family: Sendable { case ipv4, ipv6, unix, other }

    /// The bytes of the sockaddr.
    let raw: [UInt8]

    init(raw: [UInt8]) {
        self.raw = raw
    }

    /// The address of a socket file; nil when the path is too long for one (107 bytes).
    public init?(unix path: String) {
        var address = sockaddr_un()
        let length = cy_unix_address(path, &address)
        guard length > 0 else { return nil }
        raw = withUnsafeBytes(of: &address) { Array($0.prefix(Int(length))) }
    }

    /// A name in Linux's abstract socket space; nil when it is too long.
    public init?(abstract name: String) {
        let bytes = Array(name.utf8)
        guard bytes.count < 107 else { return nil }
        raw = withUnsafeBytes(of: sa_family_t(AF_UNIX)) { Array($0) } + [0] + bytes
    }

    /// What a name and a service resolve to, in the resolver's order.
    public static func resolve(
        host: String?, port: String, family: Family = .other, datagram: Bool = false, passive: Bool = false
    ) -> Result<[SocketAddress], ResolveError> {
        var hints = addrinfo()
        hints.ai_family =
            switch family {
            case .ipv4: AF_INET
            case .ipv6: AF_INET6
            default: AF_UNSPEC
            }
        hints.ai_socktype = datagram ? CInt(SOCK_DGRAM.rawValue) : CInt(SOCK_STREAM.rawValue)
        hints.ai_flags = passive ? AI_PASSIVE : 0
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, port, &hints, &list)
        guard code == 0 else { return .failure(ResolveError(text: String(cString: gai_strerror(code)))) }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next {
            let bytes = UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen))
            found.append(SocketAddress(raw: Array(bytes)))
            next = entry.pointee.ai_next
        }
        return .success(found)
    }

    public struct ResolveError: Error, CustomStringConvertible, Sendable {
        let text: String
        public var description: String { text }
    }

    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        raw.withUnsafeBytes { bytes in
            // A sockaddr is never empty (its family stands first).
            body(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
    }

    var rawFamily: CInt {
        raw.count < 2 ? AF_UNSPEC : CInt(raw.withUnsafeBytes { $0.loadUnaligned(as: UInt16.self) })
    }

    public var family: Family {
        switch rawFamily {
        case AF_INET: .ipv4
        case AF_INET6: .ipv6
        case AF_UNIX: .unix
        default: .other
        }
    }

    /// The path of a socket file.
    public var path: String? {
        guard family == .unix, raw.count > 2 else { return nil }
        let name = raw[2...].prefix { $0 != 0 }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }

    public var port: Int? {
        guard family == .ipv4 || family == .ipv6, raw.count >= 4 else { return nil }
        return Int(raw[2]) << 8 | Int(raw[3])
    }

    /// The numeric address (no port): `127.0.0.1`, `::1`; the path of a socket file. IPv4 in IPv6 is shown as IPv4.
    public var host: String {
        switch family {
        case .unix: return path ?? ""
        case .ipv4, .ipv6:
            var name = [CChar](repeating: 0, count: 1025)
            let code = withSockaddr { getnameinfo($0, $1, &name, 1025, nil, 0, NI_NUMERICHOST) }
            guard code == 0 else { return "" }
            let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return text.hasPrefix("::ffff:") && text.contains(".") ? String(text.dropFirst(7)) : text
        case .other: return ""
        }
    }

    /// The name that reverse lookup gives; nil when there is none.
    public var hostName: String? {
        guard family == .ipv4 || family == .ipv6 else { return nil }
        var name = [CChar](repeating: 0, count: 1025)
        let code = withSockaddr { getnameinfo($0, $1, &name, 1025, nil, 0, NI_NAMEREQD) }
        return code == 0 ? String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    public var description: String {
        switch family {
        case .ipv4: "\(host):\(port ?? 0)"
        case .ipv6: "[\(host)]:\(port ?? 0)"
        case .unix: path ?? "unnamed socket"
        case .other: "unknown address"
        }
    }
}
