import Bytes
import Posix

/// A session's wire log, for users who have a directory `<configdirectory>/log/USER/`: what came in as `<TIME<`, what went out as `>TIME>`.
public final class Telemetry {
    private let file: File

    /// nil when the user has no such directory.
    public init?(configDirectory: String, user: String, service: String, session: String?) {
        let directory = "\(configDirectory)/log/\(user)"
        guard FileSystem.exists(directory) else { return nil }
        let name = session ?? "\(service)-\(Process.id)"
        do throws(PosixError) {
            file = try File("\(directory)/\(name)", .append, create: .ifMissing, mode: 0o644)
        } catch {
            return nil
        }
        note("---------- \(user) \(Clock.now)\n\n")
    }

    func received(_ bytes: ArraySlice<UInt8>) { log("<", bytes) }
    func sent(_ bytes: ArraySlice<UInt8>) { log(">", bytes) }

    private func log(_ mark: String, _ bytes: ArraySlice<UInt8>) {
        var line = Array("\(mark)\(Clock.now)\(mark)".utf8)
        line += bytes
        write(line)
    }

    private func note(_ text: String) { write(Array(text.utf8)) }

    private func write(_ bytes: [UInt8]) {
        // A log that cannot be written must not stop the mail.
        do throws(PosixError) { try file.write(bytes) } catch {}
    }
}
