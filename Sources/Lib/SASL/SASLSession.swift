import CSASL
import Wire

/// Decides about names in an authentication.
public protocol SASLPolicy: AnyObject {
    /// The canonical form of a user id; nil when it cannot be one.
    func canonical(user: String) -> String?
    /// Whether someone who has authenticated may act as somebody else.
    func mayAct(authenticated: String, as requested: String) -> Bool
}

/// One connection's authentication.
public final class SASLSession {
    let connection: OpaquePointer
    private weak var policy: (any SASLPolicy)?
    private let server: SASLServer

    /// `localAddress` and `remoteAddress` as `host;port`, nil for unix sockets.
    public init(_ server: SASLServer, policy: any SASLPolicy, localAddress: String?, remoteAddress: String?) throws(SASLServer.Failure) {
        self.server = server
        self.policy = policy
        let holder = PolicyHolder()
        holder.policy = policy
        self.holder = holder
        let callbacks = cy_sasl_connection_callbacks(canonicalUser, proxyPolicy, Unmanaged.passUnretained(holder).toOpaque())
        var made: OpaquePointer?
        let code = sasl_server_new(
            server.service, server.configuration.serverName, nil, localAddress, remoteAddress, callbacks,
            UInt32(SASL_SUCCESS_DATA), &made)
        guard code == SASL_OK, let made else {
            throw SASLServer.Failure(code: code, description: String(cString: sasl_errstring(code, nil, nil)))
        }
        connection = made
        setSecurity(external: 0, plaintextAllowed: server.configuration[.allowplaintext])
    }

    private let holder: PolicyHolder

    deinit {
        var pointer: OpaquePointer? = connection
        sasl_dispose(&pointer)
    }

    /// Which mechanisms may be offered: without plaintext ones when no layer protects them. `external` is the strength of TLS in bits.
    public func setSecurity(external bits: Int, identity: String? = nil, plaintextAllowed: Bool) {
        var properties = sasl_security_properties_t()
        properties.min_ssf = UInt32(clamping: server.configuration[.sasl_minimum_layer])
        properties.max_ssf = UInt32(clamping: server.configuration[.sasl_maximum_layer])
        properties.maxbufsize = 4096
        if !plaintextAllowed && bits == 0 { properties.security_flags |= UInt32(SASL_SEC_NOPLAINTEXT) }
        if !server.configuration[.allowanonymouslogin] { properties.security_flags |= UInt32(SASL_SEC_NOANONYMOUS) }
        sasl_setprop(connection, SASL_SEC_PROPS, &properties)
        var ssf = sasl_ssf_t(clamping: bits)
        sasl_setprop(connection, SASL_SSF_EXTERNAL, &ssf)
        if let identity { _ = identity.withCString { sasl_setprop(connection, SASL_AUTH_EXTERNAL, $0) } }
    }

    /// The names of the mechanisms on offer, each with `prefix`, separated by spaces; empty when there are none.
    public func mechanisms(prefix: String = "", separator: String = " ") -> String {
        var list: UnsafePointer<CChar>?
        var length: UInt32 = 0
        var count: Int32 = 0
        let code = sasl_listmech(connection, nil, prefix, separator + prefix, "", &list, &length, &count)
        guard code == SASL_OK, count > 0, let list else { return "" }
        return String(cString: list)
    }

    public enum Step: Sendable {
        /// To be sent to the client, unencoded.
        case challenge([UInt8])
        /// Authenticated; with bytes that the mechanism still wants to say.
        case done([UInt8]?)
    }

    /// Begins with a mechanism; `initial` is what the client said with it, nil for nothing.
    public func start(_ mechanism: String, initial: [UInt8]?) throws(SASLServer.Failure) -> Step {
        var out: UnsafePointer<CChar>?
        var length: UInt32 = 0
        let code = withInput(initial) { sasl_server_start(connection, mechanism, $0, $1, &out, &length) }
        return try outcome(code, out, length)
    }

    public func step(_ response: [UInt8]) throws(SASLServer.Failure) -> Step {
        var out: UnsafePointer<CChar>?
        var length: UInt32 = 0
        let code = withInput(response) { sasl_server_step(connection, $0, $1, &out, &length) }
        return try outcome(code, out, length)
    }

    private func withInput(_ bytes: [UInt8]?, _ body: (UnsafePointer<CChar>?, UInt32) -> Int32) -> Int32 {
        guard let bytes else { return body(nil, 0) }
        // libsasl reads nothing at a length of zero, but takes nil for "no initial response".
        let terminated = bytes + [0]
        return terminated.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { body($0.baseAddress, UInt32(bytes.count)) }
        }
    }

    private func outcome(_ code: Int32, _ out: UnsafePointer<CChar>?, _ length: UInt32) throws(SASLServer.Failure) -> Step {
        let bytes = out.map { Array(UnsafeRawBufferPointer(start: $0, count: Int(length))) }
        switch code {
        case SASL_CONTINUE: return .challenge(bytes ?? [])
        case SASL_OK: return .done(bytes)
        default: throw failure(code)
        }
    }

    func failure(_ code: Int32) -> SASLServer.Failure {
        SASLServer.Failure(code: code, description: String(cString: sasl_errdetail(connection)))
    }

    /// What libsasl calls a result code (`authentication failure`).
    public static func text(_ code: Int32) -> String {
        String(cString: sasl_errstring(code, nil, nil))
    }

    /// Whom the client acts as, and who he has shown to be.
    public var user: String? { property(SASL_USERNAME) }
    public var authenticated: String? { property(SASL_AUTHUSER) }
    public var mechanism: String? { property(SASL_MECHNAME) }

    private func property(_ number: Int32) -> String? {
        var value: UnsafeRawPointer?
        guard sasl_getprop(connection, number, &value) == SASL_OK, let value else { return nil }
        return String(cString: value.assumingMemoryBound(to: CChar.self))
    }

    /// Strength of the negotiated security layer in bits; 0: none, 1: integrity only.
    public var layerStrength: Int {
        var value: UnsafeRawPointer?
        guard sasl_getprop(connection, SASL_SSF, &value) == SASL_OK, let value else { return 0 }
        return Int(value.assumingMemoryBound(to: sasl_ssf_t.self).pointee)
    }

    /// The layer to be pushed on the connection after success; nil when none was negotiated.
    public var layer: SASLLayer? { layerStrength > 0 ? SASLLayer(self) : nil }
}

final class PolicyHolder {
    weak var policy: (any SASLPolicy)?
}

private func canonicalUser(
    _ connection: OpaquePointer?, _ context: UnsafeMutableRawPointer?, _ input: UnsafePointer<CChar>?, _ length: UInt32, _ flags: UInt32,
    _ realm: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<CChar>?, _ outMaximum: UInt32, _ outLength: UnsafeMutablePointer<UInt32>?
) -> Int32 {
    guard let context, let input, let out, let outLength else { return SASL_BADPARAM }
    let holder = Unmanaged<PolicyHolder>.fromOpaque(context).takeUnretainedValue()
    let name = String(decoding: UnsafeRawBufferPointer(start: input, count: Int(length)), as: UTF8.self)
    guard let canonical = holder.policy?.canonical(user: name) else { return SASL_BADAUTH }
    let bytes = Array(canonical.utf8)
    guard bytes.count < Int(outMaximum) else { return SASL_BUFOVER }
    for (i, byte) in bytes.enumerated() { out[i] = CChar(bitPattern: byte) }
    out[bytes.count] = 0
    outLength.pointee = UInt32(bytes.count)
    return SASL_OK
}

private func proxyPolicy(
    _ connection: OpaquePointer?, _ context: UnsafeMutableRawPointer?, _ requested: UnsafePointer<CChar>?, _ requestedLength: UInt32,
    _ authenticated: UnsafePointer<CChar>?, _ authenticatedLength: UInt32, _ realm: UnsafePointer<CChar>?, _ realmLength: UInt32,
    _ properties: OpaquePointer?
) -> Int32 {
    guard let context, let requested, let authenticated else { return SASL_BADPARAM }
    let holder = Unmanaged<PolicyHolder>.fromOpaque(context).takeUnretainedValue()
    let who = String(decoding: UnsafeRawBufferPointer(start: authenticated, count: Int(authenticatedLength)), as: UTF8.self)
    let whom = String(decoding: UnsafeRawBufferPointer(start: requested, count: Int(requestedLength)), as: UTF8.self)
    return holder.policy?.mayAct(authenticated: who, as: whom) == true ? SASL_OK : SASL_BADAUTH
}

/// A SASL security layer on a connection.
public final class SASLLayer: ConnectionLayer {
    private let session: SASLSession

    init(_ session: SASLSession) {
        self.session = session
    }

    public func receive(_ bytes: [UInt8], into plain: inout [UInt8]) throws(ConnectionError) {
        var out: UnsafePointer<CChar>?
        var length: UInt32 = 0
        let code = bytes.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { sasl_decode(session.connection, $0.baseAddress, UInt32($0.count), &out, &length) }
        }
        guard code == SASL_OK else { throw .layer("SASL layer: \(SASLSession.text(code))") }
        if let out { plain.append(contentsOf: UnsafeRawBufferPointer(start: out, count: Int(length))) }
    }

    public func encode(_ bytes: [UInt8]) throws(ConnectionError) -> [UInt8] {
        var encoded: [UInt8] = []
        var value: UnsafeRawPointer?
        var maximum = 4096
        if sasl_getprop(session.connection, SASL_MAXOUTBUF, &value) == SASL_OK, let value {
            maximum = max(64, Int(value.assumingMemoryBound(to: UInt32.self).pointee))
        }
        var done = 0
        while done < bytes.count {
            let part = Array(bytes[done..<min(bytes.count, done + maximum)])
            var out: UnsafePointer<CChar>?
            var length: UInt32 = 0
            let code = part.withUnsafeBufferPointer { buffer in
                buffer.withMemoryRebound(to: CChar.self) {
                    sasl_encode(session.connection, $0.baseAddress, UInt32($0.count), &out, &length)
                }
            }
            guard code == SASL_OK, let out else { throw .layer("SASL layer: \(SASLSession.text(code))") }
            encoded.append(contentsOf: UnsafeRawBufferPointer(start: out, count: Int(length)))
            done += part.count
        }
        return encoded
    }
}
