import Foundation
import Posix
import Testing

/// Debian's own services from Debian's own cyrus.conf, with its paths moved to a folder and its ports to free ones.
@Suite(.enabled(if: DebiansCyrus.isWanted))
struct DebianServicesTests {
    private func moved(_ master: RunningMaster, _ ports: [String: Int]) throws -> String {
        let text = String(decoding: try #require(try FileSystem.read("/etc/cyrus.conf")), as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            var line = String(line)
            // `cyrus TOOL` is Debian's wrapper, which knows only /etc/imapd.conf.
            line = line.replacingOccurrences(of: "/usr/sbin/cyrus expire", with: "cyr_expire")
            line = line.replacingOccurrences(of: "/usr/sbin/cyrus ", with: "")
            line = line.replacingOccurrences(of: "/run/cyrus/", with: "\(master.folder)/conf/")
            for (name, port) in ports {
                line = line.replacingOccurrences(of: "listen=\"\(name)\"", with: "listen=\"127.0.0.1:\(port)\"")
            }
            guard let start = line.range(of: "cmd=\"") else { return line }
            let end = line[start.upperBound...].firstIndex { $0 == " " || $0 == "\"" } ?? line.endIndex
            line.insert(contentsOf: " -C \(master.folder)/imapd.conf", at: end)
            return line
        }
        return lines.joined(separator: "\n") + "\nDAEMON {\n idled cmd=\"idled -C \(master.folder)/imapd.conf\"\n}\n"
    }

    @Test func allOfThemRunAndAnswer() throws {
        let master = try RunningMaster()
        var ports: [String: Int] = [:]
        for name in ["imap", "pop3", "nntp", "8008", "localhost:sieve"] { ports[name] = try RunningMaster.freePort() }
        let spool = "\(master.folder)/spool"
        for path in [spool, "\(spool)/news"]
            + ["db", "log", "msg", "quota", "user", "sieve", "lock", "ptclient"].map({ "\(master.folder)/conf/\($0)" })
        {
            try FileSystem.makeDirectory(path)
            try FileSystem.setMode(path, 0o777)
        }
        let conf = "\(master.folder)/conf"
        try master.write(
            "imapd.conf",
            """
            configdirectory: \(conf)
            proc_path: \(conf)/proc
            mboxname_lockpath: \(conf)/lock
            defaultpartition: default
            partition-default: \(spool)
            sievedir: \(conf)/sieve
            httpmodules: caldav carddav
            allowplaintext: yes
            sasl_pwcheck_method: auxprop
            lmtpsocket: \(conf)/socket/lmtp
            idlesocket: \(conf)/socket/idle
            notifysocket: \(conf)/socket/notify
            debug: yes
            servername: test.example
            """)
        try master.start(try moved(master, ports))
        try master.waitForLog("ready for work")

        for (service, start) in [("imap", "* OK"), ("pop3", "+OK"), ("nntp", "20"), ("localhost:sieve", "\"IMPLEMENTATION\"")] {
            let line = try #require(try master.connect(port: ports[service]).line(), "\(service)")
            #expect(line.hasPrefix(start), "\(service): \(line)")
        }
        let web = try master.connect(port: ports["8008"])
        web.send("GET / HTTP/1.0\r\n\r")
        #expect(try web.line()?.hasPrefix("HTTP/1.") == true)
        #expect(try master.connect(path: "\(conf)/socket/lmtp").line()?.hasPrefix("220 ") == true)
        // notifyd is preforked and idled a daemon: each is running and has its socket.
        try master.wait("notifyd and idled") {
            let names = master.descendants().map { pid -> String in
                let text = (try? FileSystem.read("/proc/\(pid)/comm")).flatMap { $0 } ?? []
                return String(decoding: text.prefix { $0 != 10 }, as: UTF8.self)
            }
            return names.contains("notifyd") && names.contains("idled")
        }
        #expect(try FileSystem.status("\(conf)/socket/notify")?.kind == .socket)
        try master.wait("idled's socket") { try FileSystem.status("\(conf)/socket/idle")?.kind == .socket }
        #expect(!master.log.contains("terminated abnormally"))

        // Workers go on serving: they were told apart as ready and busy.
        let again = try #require(try master.connect(port: ports["imap"]).line())
        #expect(again.hasPrefix("* OK"))
        try master.signal(.hangup)
        try master.waitForLog("Services reconfigured.")
        #expect(try master.connect(port: ports["imap"]).line()?.hasPrefix("* OK") == true)
        try master.signal(.terminate)
        #expect(try master.waitForEnd() == .exited(0))
        #expect(!master.log.contains("signaled to death by signal 9"))
    }
}

/// Debian's cyrus-imapd on this machine; without it such tests are left out, but never where CI is set.
enum DebiansCyrus {
    static let programs = "/usr/lib/cyrus/bin"

    static var isWanted: Bool {
        let isInstalled = FileSystem.isExecutable("\(programs)/imapd") && FileSystem.exists("/etc/cyrus.conf")
        return isInstalled || ProcessInfo.processInfo.environment["CI"] != nil
    }
}
