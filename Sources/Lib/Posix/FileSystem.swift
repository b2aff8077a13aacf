import Bytes
import CPosix
import Glibc
import SystemPackage

/// Names in the file system: what is done to directories rather than to an open file.
public enum FileSystem {
    /// nil when nothing is there.
    public static func status(_ path: String, followLinks: Bool = true) throws(PosixError) -> FileStatus? {
        var raw = stat()
        let result = followLinks ? stat(path, &raw) : lstat(path, &raw)
        if result == 0 { return FileStatus(raw) }
        let error = PosixError.last("stat", path)
        if error.isMissing { return nil }
        throw error
    }

    public static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    public static func isExecutable(_ path: String) -> Bool {
        access(path, X_OK) == 0
    }

    /// When the file itself was made, in unix seconds; nil where the file system does not say.
    public static func birth(_ path: String) -> Int64? {
        let seconds = cy_birth(path)
        return seconds > 0 ? seconds : nil
    }

    public static func rename(_ from: String, to: String) throws(PosixError) {
        guard Glibc.rename(from, to) == 0 else { throw .last("rename", "\(from) to \(to)") }
    }

    /// A second name for the same file. `.fileExists` when `to` is taken, `.improperLink` across devices.
    public static func link(_ from: String, to: String) throws(PosixError) {
        guard Glibc.link(from, to) == 0 else { throw .last("link", "\(from) to \(to)") }
    }

    public static func symbolicLink(_ target: String, at path: String) throws(PosixError) {
        guard symlink(target, path) == 0 else { throw .last("symlink", path) }
    }

    public static func readLink(_ path: String) throws(PosixError) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) { readlink(path, $0.baseAddress!, $0.count) }  // 4096 bytes have an address
        }
        guard count >= 0 else { throw .last("readlink", path) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// Removes a name; false when it was not there.
    @discardableResult
    public static func unlink(_ path: String) throws(PosixError) -> Bool {
        if Glibc.unlink(path) == 0 { return true }
        let error = PosixError.last("unlink", path)
        if error.isMissing { return false }
        throw error
    }

    /// Makes one directory; false when it was there already.
    @discardableResult
    public static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(PosixError) -> Bool {
        if mkdir(path, mode) == 0 { return true }
        if errno == EEXIST { return false }
        throw .last("mkdir", path)
    }

    /// Makes a directory and all that lead to it. `durably`: the names of those that are new are synced, each in the one above it; what is
    /// synced in a directory is lost in a power failure when its own name was not.
    public static func makeDirectories(_ path: String, mode: UInt32 = 0o755, durably: Bool = true) throws(PosixError) {
        if mkdir(path, mode) != 0 {
            if errno == EEXIST { return }
            guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { throw .last("mkdir", path) }
            try makeDirectories(String(path[..<slash]), mode: mode, durably: durably)
            guard try makeDirectory(path, mode: mode) else { return }
        }
        if durably { try syncDirectory(parent(of: path)) }
    }

    /// Makes the directories that lead to the file `path`.
    public static func makeParents(of path: String, mode: UInt32 = 0o755, durably: Bool = true) throws(PosixError) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        try makeDirectories(String(path[..<slash]), mode: mode, durably: durably)
    }

    /// False when it was not there. `.directoryNotEmpty` is an error.
    @discardableResult
    public static func removeDirectory(_ path: String) throws(PosixError) -> Bool {
        if rmdir(path) == 0 { return true }
        let error = PosixError.last("rmdir", path)
        if error.isMissing { return false }
        throw error
    }

    /// The names in a directory, without `.` and `..`, in no order. A missing directory is an error.
    public static func list(_ path: String) throws(PosixError) -> [String] {
        guard let directory = opendir(path) else { throw .last("opendir", path) }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                if errno != 0 { throw .last("readdir", path) }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    /// Removes a tree; what is already gone is no error.
    public static func removeTree(_ path: String) throws(PosixError) {
        guard let status = try status(path, followLinks: false) else { return }
        guard status.kind == .directory else {
            try unlink(path)
            return
        }
        for name in try list(path) { try removeTree(path + "/" + name) }
        try removeDirectory(path)
    }

    /// Makes the names in a directory durable (after create, link, rename or unlink in it).
    public static func syncDirectory(_ path: String) throws(PosixError) {
        let directory = try File(path, .read)
        try directory.sync()
    }

    /// The directory part of a path; `.` when it has none.
    public static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    public static func setMode(_ path: String, _ mode: UInt32) throws(PosixError) {
        guard chmod(path, mode) == 0 else { throw .last("chmod", path) }
    }

    public static func setOwner(_ path: String, user: UInt32, group: UInt32) throws(PosixError) {
        guard chown(path, user, group) == 0 else { throw .last("chown", path) }
    }

    /// Reads a whole small file; nil when it is not there.
    public static func read(_ path: String) throws(PosixError) -> [UInt8]? {
        do throws(PosixError) {
            let file = try File(path, .read)
            // Files in /proc have no size: read until the end.
            var bytes: [UInt8] = try file.readAll()
            while true {
                let more = try file.read(65536, at: bytes.count)
                if more.isEmpty { return bytes }
                bytes += more
            }
        } catch {
            if error.isMissing { return nil }
            throw error
        }
    }

    /// Copies a file's bytes to a new file (in the kernel where it can), not synced.
    public static func copy(_ from: String, to: String, mode: UInt32 = 0o666) throws(PosixError) {
        let source = try File(from, .read)
        let target = try File(to, .write, create: .exclusive, mode: mode)
        var left = try source.status.size
        while left > 0 {
            let count = retrying { sendfile(target.descriptor, source.descriptor, nil, left) }
            guard count >= 0 else { throw .last("sendfile", "\(from) to \(to)") }
            if count == 0 { break }
            left -= count
        }
    }

    /// Free and total bytes of the file system that holds `path`, as an unprivileged user sees them.
    public static func space(_ path: String) throws(PosixError) -> (free: UInt64, total: UInt64) {
        var raw = statvfs()
        guard statvfs(path, &raw) == 0 else { throw .last("statvfs", path) }
        return (UInt64(raw.f_bavail) * UInt64(raw.f_frsize), UInt64(raw.f_blocks) * UInt64(raw.f_frsize))
    }
}

extension FileSystem {
    /// Replaces a file as a whole: `PATH.NEW` is written and synced, renamed over the old one, and the rename made durable.
    /// A crash at any moment leaves the old content or the new. Directories on the way are made when missing.
    ///
    /// Without `durably` the rename is not waited for: a power failure may bring the old content back.
    public static func replace(
        _ path: String, with content: [UInt8], mode: UInt32 = 0o666, durably: Bool = true
    ) throws(PosixError) {
        let new = path + ".NEW"
        let file: File
        do throws(PosixError) {
            file = try File(new, .write, create: .truncate, mode: mode)
        } catch {
            guard error.isMissing else { throw error }
            try makeParents(of: path, durably: durably)
            file = try File(new, .write, create: .truncate, mode: mode)
        }
        do throws(PosixError) {
            try file.write(content)
            try file.sync()
            try rename(new, to: path)
        } catch {
            _ = try? unlink(new)
            throw error
        }
        if durably { try syncDirectory(parent(of: path)) }
    }
}

extension FileSystem {
    /// Sets access and modification time, in unix seconds.
    public static func setTimes(_ path: String, modified: Int64) throws(PosixError) {
        let times = [timespec(tv_sec: Int(modified), tv_nsec: 0), timespec(tv_sec: Int(modified), tv_nsec: 0)]
        guard utimensat(AT_FDCWD, path, times, 0) == 0 else { throw .last("utimensat", path) }
    }
}
