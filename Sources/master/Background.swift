import Posix

/// -d: the command returns when the pid file is written by the process that goes on in the background.
enum Background {
    /// The one that was called; its work is done, with this code.
    case parent(Exit.Code)
    /// Another start is under way.
    case busy
    /// The one that goes on, with the pipe that it reports through.
    case child(pipe: CInt)

    /// `PIDFILE.lock` is held meanwhile, so that two starts do not meet.
    static func enter(pidFile: String, directory: String) throws(Exit) -> Background {
        do throws(PosixError) {
            let lock = try File("\(pidFile).lock", .readWrite, create: .ifMissing, mode: 0o644)
            guard try lock.tryLock(.exclusive) else { return .busy }
            let pipe = try Pipe()
            let (read, write) = pipe.release()
            try Process.changeDirectory(directory)
            if FileSystem.exists("cores") { try Process.changeDirectory("cores") }
            if try Process.fork() == 0 {
                Descriptor.close(read)
                try Process.newSession()
                return .child(pipe: write)
            }
            Descriptor.close(write)
            var bytes = [UInt8](repeating: 0, count: 4)
            let count = Descriptor.read(read, into: &bytes)
            Descriptor.close(read)
            try FileSystem.unlink("\(pidFile).lock")
            // The child ended without a word.
            guard count == 4 else { return .parent(.osError) }
            let code = bytes.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) }
            return .parent(Exit.Code(rawValue: code) ?? .failure)
        } catch {
            throw Exit(.osError, "\(error)")
        }
    }

    func report(_ code: Exit.Code) {
        guard case .child(let pipe) = self else { return }
        let file = File(adopting: pipe, path: "pipe")
        try? file.write(withUnsafeBytes(of: code.rawValue) { Array($0) })
    }
}
