import Foundation
import Glibc

/// Instances that are still running: those that a test keeps in a static property are ended when the test process ends.
enum LiveInstances {
    private static let lock = NSLock()
    nonisolated(unsafe) private static var folders: [pid_t: (folder: String, signal: Int32)] = [:]
    nonisolated(unsafe) private static var isRegistered = false

    /// `signal` ends it.
    static func add(_ master: pid_t, _ folder: String, signal: Int32 = SIGTERM) {
        lock.lock()
        defer { lock.unlock() }
        folders[master] = (folder, signal)
        guard !isRegistered else { return }
        isRegistered = true
        atexit { LiveInstances.stopAll() }
    }

    static func remove(_ master: pid_t) {
        lock.lock()
        folders[master] = nil
        lock.unlock()
    }

    private static func stopAll() {
        for (master, (folder, signal)) in folders {
            kill(master, signal)
            var status: Int32 = 0
            while waitpid(master, &status, 0) == -1 && errno == EINTR {}
            try? FileManager.default.removeItem(atPath: folder)
        }
    }
}
