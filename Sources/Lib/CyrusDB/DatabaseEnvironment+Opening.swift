import Bytes
import Posix

extension DatabaseEnvironment {
    /// The configured engine first; when the file turns out to be another's, that one's (converted or not).
    func openEngine(_ path: String, _ engine: DatabaseEngine, _ flags: OpenFlags) throws(CyrusDBError) -> any StorageEngine {
        switch engine {
        case .twoskip: return try TwoSkip(path, flags, logger: logger)
        case .skiplist:
            return try SkipList(path, flags, options: options, recoveryStamp: { recoveryStamp }, logger: logger)
        default: throw .unsupported(path: path, operation: "engine \(engine.rawValue)")
        }
    }
}
