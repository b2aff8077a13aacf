import CPosix
import Glibc

/// What stat(2) tells of a file.
public struct FileStatus: Sendable, Equatable {
    public enum Kind: Sendable { case regular, directory, symbolicLink, socket, other }

    public let device: UInt64
    public let inode: UInt64
    public let size: Int
    public let kind: Kind
    /// Permission bits only.
    public let mode: UInt32
    public let links: Int
    public let owner: UInt32
    public let group: UInt32
    /// Seconds since 1970.
    public let modified: Int64
    /// Nanoseconds since 1970.
    public let modifiedNanoseconds: Int64
    public let changedNanoseconds: Int64

    init(_ raw: stat) {
        var raw = raw
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        size = Int(raw.st_size)
        kind =
            switch raw.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFSOCK: .socket
            default: .other
            }
        mode = raw.st_mode & 0o7777
        links = Int(raw.st_nlink)
        owner = raw.st_uid
        group = raw.st_gid
        modified = Int64(raw.st_mtim.tv_sec)
        modifiedNanoseconds = Int64(cy_mtime_nanoseconds(&raw))
        changedNanoseconds = Int64(cy_ctime_nanoseconds(&raw))
    }

    /// The same file: device and inode agree.
    public func isSameFile(as other: FileStatus) -> Bool {
        device == other.device && inode == other.inode
    }
}
