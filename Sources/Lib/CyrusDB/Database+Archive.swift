import Bytes
import Posix

extension Database {
    /// Copies the file as it is, of one moment, into a directory, synced (Cyrus `cyrusdb_archive`). Quotalegacy, which is many files,
    /// copies nothing.
    public func archive(to directory: String) throws(CyrusDBError) {
        guard let file = storage.archivedFile else { return }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let reading = try beginShared()
        // Written out of the map: opening the file again, and closing that, would drop the lock.
        let map = file.map
        defer { withExtendedLifetime(map) {} }
        let window = file.window
        try io { () throws(PosixError) in
            let copy = try File(directory + "/" + name, .readWrite, create: .truncate, mode: 0o666)
            try copy.write(window.bytes, at: 0)
            try copy.sync()
        }
        try reading.commit()
    }
}
