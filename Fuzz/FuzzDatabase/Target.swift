import Bytes
import CyrusDB
import Logging
import Posix

private let folder = "/tmp/fuzz-database-\(Process.id)"
private let logger: Logger = {
    var logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    return logger
}()

/// A database file: the first byte chooses the engine; it is opened (and so recovered), walked, written and checked.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let engine: DatabaseEngine = data[0] & 1 == 0 ? .twoskip : .skiplist
    let bytes = Array(UnsafeBufferPointer(start: data + 1, count: count - 1))
    let path = "\(folder)/db"
    _ = try? FileSystem.makeDirectories(folder)
    _ = try? FileSystem.unlink(path)
    _ = try? FileSystem.unlink(path + ".NEW")
    guard let file = try? File(path, .write, create: .truncate) else { return 0 }
    try? file.write(bytes)
    let environment = DatabaseEnvironment(configDirectory: folder, logger: logger)
    guard let database = try? environment.open(path, engine, []) else { return 0 }
    _ = try? database.records()
    _ = try? database.value([UInt8]("key"))
    _ = try? database.store([UInt8]("key"), [UInt8]("value"))
    _ = try? database.checkConsistency()
    _ = try? database.checkpoint()
    return 0
}
