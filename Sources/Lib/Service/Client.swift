import Posix

/// Who is at the other end of a connection.
public struct Client: Sendable {
    /// As logs and `cyr_info proc` show it: `localhost [127.0.0.1]`, `[203.0.113.7]`, `[unix socket]`, `[local]`.
    public let host: String
    /// Numeric, without brackets; empty for unix sockets and pipes.
    public let address: String
    public let name: String?
    public let isUnixSocket: Bool
    /// `address;port`, for libsasl.
    public let localForSASL: String?
    public let remoteForSASL: String?

    public init(socket: CInt) {
        let peer = Socket.peer(socket)
        let local = Socket.local(socket)
        switch peer?.family {
        case .ipv4?, .ipv6?:
            let numeric = peer?.host ?? ""
            let resolved = peer?.hostName
            address = numeric
            name = resolved
            host = resolved.map { "\($0) [\(numeric)]" } ?? "[\(numeric)]"
            isUnixSocket = false
            localForSASL = local.map { "\($0.host);\($0.port ?? 0)" }
            remoteForSASL = peer.map { "\($0.host);\($0.port ?? 0)" }
        case .unix?:
            (host, address, name, isUnixSocket, localForSASL, remoteForSASL) = ("[unix socket]", "", nil, true, nil, nil)
        default:
            (host, address, name, isUnixSocket, localForSASL, remoteForSASL) = ("[local]", "", nil, true, nil, nil)
        }
    }
}
