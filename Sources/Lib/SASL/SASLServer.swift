public import Configuration
import CSASL
public import Logging
import Glibc

/// libsasl2's server side for one process: it is told of imapd.conf's `sasl_*` options and asks for nothing else.
public final class SASLServer {
    public let configuration: Configuration
    let logger: Logger
    /// The protocol's name for SASL (`imap`, `lmtp`, `pop`, `nntp`, `sieve`, `csync`).
    public let service: String
    private var options: [String: UnsafeMutablePointer<CChar>] = [:]

    public struct Failure: Error, CustomStringConvertible, Sendable {
        /// libsasl's result code.
        public let code: Int32
        /// Its text, without secrets.
        public let description: String

        public init(code: Int32, description: String) {
            self.code = code
            self.description = description
        }
    }

    /// Loads the library's plug-ins. One per process.
    public init(_ configuration: Configuration, service: String, logger: Logger) throws(Failure) {
        self.configuration = configuration
        self.service = service
        self.logger = logger
        let me = Unmanaged.passUnretained(self).toOpaque()
        let callbacks = cy_sasl_global_callbacks(
            { context, plugin, option, result, length in
                guard let context, let option, let result else { return SASL_FAIL }
                let server = Unmanaged<SASLServer>.fromOpaque(context).takeUnretainedValue()
                return server.option(plugin.map { String(cString: $0) }, String(cString: option), result, length)
            },
            { context, level, message in
                guard let context, let message else { return SASL_OK }
                let server = Unmanaged<SASLServer>.fromOpaque(context).takeUnretainedValue()
                server.log(level, String(cString: message))
                return SASL_OK
            }, me)
        let code = sasl_server_init(callbacks, "Cyrus")
        guard code == SASL_OK else {
            throw Failure(
                code: code, description: "could not init sasl (sasl_server_init): \(String(cString: sasl_errstring(code, nil, nil)))")
        }
    }

    deinit {
        sasl_done()
    }

    private func option(
        _ plugin: String?, _ name: String, _ result: UnsafeMutablePointer<UnsafePointer<CChar>?>, _ length: UnsafeMutablePointer<UInt32>?
    ) -> Int32 {
        let key = plugin.map { "\($0) \(name)" } ?? name
        if options[key] == nil {
            guard let value = configuration.sasl(name, plugin: plugin) else { return SASL_FAIL }
            // libsasl keeps the pointer: the copy lives as long as the process.
            options[key] = strdup(value)
        }
        guard let text = options[key] else { return SASL_FAIL }
        result.pointee = UnsafePointer(text)
        length?.pointee = UInt32(strlen(text))
        return SASL_OK
    }

    private func log(_ level: Int32, _ message: String) {
        switch level {
        case SASL_LOG_ERR, SASL_LOG_FAIL: logger.error("SASL \(message)")
        case SASL_LOG_WARN: logger.notice("SASL \(message)")
        case SASL_LOG_NOTE: logger.info("SASL \(message)")
        default: logger.debug("SASL \(message)")
        }
    }

    /// Checks a password given in clear; throws what libsasl says.
    public func checkPassword(_ session: SASLSession, user: String, password: [UInt8]) throws(Failure) {
        // libsasl compares with strcmp: a NUL must follow, and none may stand inside.
        guard !password.contains(0) else { throw Failure(code: SASL_BADPARAM, description: "a NUL in the password") }
        let terminated = password + [0]
        let code = terminated.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) {
                sasl_checkpass(session.connection, user, UInt32(user.utf8.count), $0.baseAddress, UInt32(password.count))
            }
        }
        guard code == SASL_OK else { throw session.failure(code) }
    }
}
