import DebianCyrus
import Foundation
import Glibc

/// Our programs of EVENTS and START, run over and over beside the services, and killed at any moment.
final class Tools: @unchecked Sendable {
    static let commands = [
        ("cyr_expire", ["-E", "3", "-D", "0", "-X", "0"]), ("ctl_cyrusdb", ["-c"]), ("ctl_cyrusdb", ["-r"]),
    ]

    private let lock = NSLock()
    private var isOver = false
    private var isFinished = false

    init(_ cyrus: DebianCyrus) {
        let configuration = cyrus.configuration
        Thread {
            var round = 0
            while self.lock.withLock({ !self.isOver }) {
                let (tool, arguments) = Self.commands[round % Self.commands.count]
                // Some come to their end before.
                _ = try? Self.run(tool, arguments, configuration, killAfter: UInt32.random(in: 0...120_000))
                round += 1
            }
            self.lock.withLock { self.isFinished = true }
        }.start()
    }

    func finish() throws {
        lock.withLock { isOver = true }
        try Load.wait("the tools' end") { self.lock.withLock { self.isFinished } }
    }

    /// Runs a program to its end, or kills it after some microseconds; its exit status, -1 when it was killed.
    static func run(
        _ tool: String, _ arguments: [String], _ configuration: String, killAfter delay: UInt32? = nil,
        environment: [String: String] = [:]
    ) throws -> Int32 {
        let child = try DebianCyrus.spawn(
            OurPrograms.path(tool), ["-C", configuration] + arguments,
            environment: ["PATH": "/usr/bin:/bin", "TZ": "UTC"].merging(environment) { $1 })
        var status: Int32 = 0
        if let delay {
            // The delay is the moment that is hit, not a wait for something.
            usleep(delay)
            kill(child, SIGKILL)
            while waitpid(child, &status, 0) == -1 && errno == EINTR {}
        } else {
            var ended: pid_t = 0
            do {
                try Load.wait("\(tool) \(arguments)") {
                    ended = waitpid(child, &status, WNOHANG)
                    return ended != 0
                }
            } catch {
                kill(child, SIGKILL)
                waitpid(child, &status, 0)
                throw error
            }
        }
        return status & 0x7f == 0 ? status >> 8 & 0xff : -1
    }
}
