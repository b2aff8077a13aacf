import COpenSSL
public import Configuration
import Posix

/// The server's side of TLS as imapd.conf sets it (tls_server_cert, tls_versions, tls_ciphers …), made once per process.
public final class TLSContext {
    let raw: OpaquePointer

    public struct Failure: Error, CustomStringConvertible, Sendable {
        public let description: String
        public init(_ what: String) {
            var text = what
            let code = ERR_get_error()
            if code != 0, let reason = ERR_reason_error_string(code) { text += ": \(String(cString: reason))" }
            description = text
        }
    }

    /// Whether a certificate is configured at all.
    public static func isConfigured(_ configuration: Configuration) -> Bool {
        guard let certificate = configuration[.tls_server_cert], let key = configuration[.tls_server_key] else { return false }
        return certificate != "disabled" && key != "disabled" && !certificate.isEmpty
    }

    public init(_ configuration: Configuration) throws(Failure) {
        guard let certificate = configuration[.tls_server_cert], let key = configuration[.tls_server_key] else {
            throw Failure("tls_server_cert and tls_server_key are not set")
        }
        guard let context = SSL_CTX_new(TLS_server_method()) else { throw Failure("SSL_CTX_new") }
        raw = context
        try load(certificate, key)
        try setVersions(configuration[.tls_versions])
        cy_ssl_server_options(context, configuration[.tls_prefer_server_ciphers] ? 1 : 0)
        let ciphers = configuration[.tls_ciphers]
        if ciphers.uppercased() != "DEFAULT", SSL_CTX_set_cipher_list(context, ciphers) != 1 { throw Failure("tls_ciphers \(ciphers)") }
        let file = configuration[.tls_client_ca_file]
        let directory = configuration[.tls_client_ca_dir]
        if file != nil || directory != nil, SSL_CTX_load_verify_locations(context, file, directory) != 1 {
            throw Failure("tls_client_ca_file \(file ?? "") or tls_client_ca_dir \(directory ?? "")")
        }
        switch configuration[.tls_client_certs] {
        case "require": SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        case "optional" where file != nil || directory != nil: SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        default: SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        }
        SSL_CTX_set_session_id_context(context, "cyrus", 5)
    }

    deinit {
        SSL_CTX_free(raw)
    }

    private func load(_ certificate: String, _ key: String) throws(Failure) {
        guard SSL_CTX_use_certificate_chain_file(raw, certificate) == 1 else { throw Failure("tls_server_cert \(certificate)") }
        guard SSL_CTX_use_PrivateKey_file(raw, key, SSL_FILETYPE_PEM) == 1 else { throw Failure("tls_server_key \(key)") }
        guard SSL_CTX_check_private_key(raw) == 1 else { throw Failure("tls_server_key \(key) is not the certificate's") }
    }

    /// `tls1_0 tls1_1 tls1_2 tls1_3`: the lowest and the highest named are the bounds.
    private func setVersions(_ text: String) throws(Failure) {
        let known: [(String, Int32)] = [("tls1_0", 0x0301), ("tls1_1", 0x0302), ("tls1_2", 0x0303), ("tls1_3", 0x0304)]
        let named = known.filter { text.contains($0.0) }.map(\.1)
        guard let low = named.min(), let high = named.max() else { return }
        guard cy_ssl_versions(raw, low, high) == 1 else { throw Failure("tls_versions \(text)") }
    }
}

/// TLS on a connection.
public final class TLSLayer: ConnectionLayer {
    private let ssl: OpaquePointer
    private let context: TLSContext

    /// Shakes hands as the server; `seconds` bounds how long.
    public init(_ context: TLSContext, input: CInt, output: CInt, within seconds: Int) throws(ConnectionError) {
        guard let ssl = SSL_new(context.raw) else { throw .layer("SSL_new failed") }
        self.ssl = ssl
        self.context = context
        SSL_set_rfd(ssl, input)
        SSL_set_wfd(ssl, output)
        do throws(PosixError) { try Descriptor.setNonBlocking(input, true) } catch { throw .io(error) }
        let deadline = Clock.monotonic + Double(seconds)
        var failure: ConnectionError?
        while failure == nil {
            ERR_clear_error()
            let result = SSL_accept(ssl)
            if result == 1 { break }
            failure = wait(SSL_get_error(ssl, result), input, output, deadline)
        }
        if failure == nil, output != input { do throws(PosixError) { try Descriptor.setNonBlocking(input, false) } catch {} }
        if output == input { do throws(PosixError) { try Descriptor.setNonBlocking(input, false) } catch {} }
        if let failure { throw failure }
    }

    private func wait(_ code: Int32, _ input: CInt, _ output: CInt, _ deadline: Double) -> ConnectionError? {
        let left = Int((deadline - Clock.monotonic) * 1000)
        if left <= 0 { return .timedOut }
        switch code {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            var entries = [PollEntry(code == SSL_ERROR_WANT_READ ? input : output, write: code == SSL_ERROR_WANT_WRITE)]
            do throws(PosixError) { _ = try Poll.wait(&entries, milliseconds: left) } catch { return .io(error) }
            return nil
        case SSL_ERROR_ZERO_RETURN, SSL_ERROR_SYSCALL: return .closed
        default: return .layer(Self.reason("TLS negotiation failed"))
        }
    }

    deinit {
        SSL_shutdown(ssl)
        SSL_free(ssl)
    }

    private static func reason(_ what: String) -> String {
        let code = ERR_get_error()
        guard code != 0, let reason = ERR_reason_error_string(code) else { return what }
        return "\(what): \(String(cString: reason))"
    }

    // MARK: what logs and headers tell

    public var version: String { String(cString: SSL_get_version(ssl)) }
    public var cipher: String { String(cString: cy_ssl_cipher_name(ssl)) }
    /// Strength in bits, as SASL's external layer counts it: used, and of the algorithm.
    public var bits: (used: Int, algorithm: Int) {
        var algorithm: Int32 = 0
        let used = cy_ssl_cipher_bits(ssl, &algorithm)
        return (Int(used), Int(algorithm))
    }
    /// The common name of the client's certificate, when it was verified.
    public var peerName: String? {
        var buffer = [CChar](repeating: 0, count: 256)
        guard cy_ssl_peer_name(ssl, &buffer, 256) > 0 else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: bytes

    public var readsSocket: Bool { true }
    public var hasPending: Bool { SSL_has_pending(ssl) == 1 && SSL_pending(ssl) > 0 }

    public func drain(into plain: inout [UInt8]) throws(ConnectionError) -> Bool {
        guard hasPending else { return false }
        try receive([], into: &plain)
        return true
    }

    public func receive(_ bytes: [UInt8], into plain: inout [UInt8]) throws(ConnectionError) {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        ERR_clear_error()
        let count = buffer.withUnsafeMutableBytes { SSL_read(ssl, $0.baseAddress, Int32($0.count)) }
        if count > 0 {
            plain.append(contentsOf: buffer[..<Int(count)])
            return
        }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return
        case SSL_ERROR_ZERO_RETURN, SSL_ERROR_SYSCALL: throw .closed
        default: throw .layer(Self.reason("TLS read failed"))
        }
    }

    public func encode(_ bytes: [UInt8]) throws(ConnectionError) -> [UInt8] { bytes }

    public func send(_ bytes: [UInt8]) throws(ConnectionError) {
        var done = 0
        while done < bytes.count {
            ERR_clear_error()
            let part = min(bytes.count - done, 1 << 14)
            let count = bytes.withUnsafeBytes { SSL_write(ssl, $0.baseAddress! + done, Int32(part)) }  // not empty
            guard count > 0 else {
                let code = SSL_get_error(ssl, count)
                throw code == SSL_ERROR_SYSCALL || code == SSL_ERROR_ZERO_RETURN ? .closed : .layer(Self.reason("TLS write failed"))
            }
            done += Int(count)
        }
    }
}
