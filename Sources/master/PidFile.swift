import Posix

/// The pid file: locked for master's life, so that a second master sees that one is running. Not removed at the end.
struct PidFile: ~Copyable {
    private let file: File

    /// Takes the lock. Throws exit 71 when another holds it.
    init(_ path: String) throws(Exit) {
        do throws(PosixError) {
            let file = try File(path, .readWrite, create: .ifMissing, mode: 0o644)
            guard try file.tryLock(.exclusive) else {
                throw PosixError("lock", path, errno: .resourceTemporarilyUnavailable)
            }
            self.file = file
        } catch {
            if error.call == "lock" {
                throw Exit(.osError, "cannot get exclusive lock on pidfile (is another master still running?)")
            }
            throw Exit(.osError, "can't open pidfile: \(error)")
        }
    }

    /// Writes this process's id. To be called by the process that goes on (locks do not pass to a child).
    func write() throws(Exit) {
        do throws(PosixError) {
            let text = Array("\(Process.id)\n".utf8)
            try file.truncate(to: 0)
            try file.write(text, at: 0)
            try file.sync()
        } catch {
            throw Exit(.osError, "unable to write to pidfile: \(error)")
        }
    }
}
