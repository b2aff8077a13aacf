import Posix

/// Sockets passed by systemd (sd_listen_fds(3)): descriptors 3 and up, by `FileDescriptorName=` or by address.
enum Activation {
    struct Passed {
        var descriptor: CInt
        /// FileDescriptorName, to be the service's name in cyrus.conf.
        var name: String
        var address: SocketAddress?
    }

    /// Takes the passed sockets away from the numbers that the service contract fixes, and the variables out of the environment.
    static func take() -> [Passed] {
        defer {
            for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { Process.removeEnvironment(name) }
        }
        guard let count = count(pid: Process.environment("LISTEN_PID"), fds: Process.environment("LISTEN_FDS"), self: Process.id) else {
            return []
        }
        let names = (Process.environment("LISTEN_FDNAMES") ?? "").split(separator: ":", omittingEmptySubsequences: false)
        var passed: [Passed] = []
        for index in 0..<count {
            let old = CInt(3 + index)
            guard let moved = try? Descriptor.duplicate(old, atLeast: 64) else { continue }
            let descriptor = moved.release()
            Descriptor.close(old)
            let name = index < names.count ? String(names[index]) : ""
            passed.append(Passed(descriptor: descriptor, name: name, address: Socket.local(descriptor)))
        }
        return passed
    }

    /// How many sockets were passed to this very process.
    static func count(pid: String?, fds: String?, self id: Int32) -> Int? {
        guard let pid, Int32(pid) == id, let fds, let count = Int(fds), count > 0, count < 4096 else { return nil }
        return count
    }
}
