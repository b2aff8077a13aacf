@testable import master
import Testing

@Suite struct CommandOptionsTests {
    @Test func optionsAreReadAsGetoptReadsThem() {
        let options = CommandOptions(["-C", "/a", "-M/b", "-p", "/c", "-l", "100", "-dv", "-j0", "-L", "/e", "-vZ"])
        #expect(options.configuration == "/a")
        #expect(options.masterConfiguration == "/b")
        #expect(options.pidFile == "/c")
        #expect(options.backlog == 100)
        #expect(options.daemonize && !options.keepsStandardIO)
        #expect(options.verbosity == 2)
        #expect(options.janitorFrequency == 1)
        #expect(options.errorLog == "/e")
        #expect(options.complaints == ["invalid option -- 'Z'"])
        #expect(CommandOptions(["-C"]).complaints == ["option requires an argument -- 'C'"])
    }
}

@Suite struct ListenAddressTests {
    @Test(arguments: [
        ("/run/x", ListenAddress.unix(path: "/run/x")),
        ("imap", .network(host: nil, port: "imap")),
        ("localhost:lmtp", .network(host: "localhost", port: "lmtp")),
        ("127.0.0.1:143", .network(host: "127.0.0.1", port: "143")),
        (":143", .network(host: nil, port: "143")),
        ("[::1]:imap", .network(host: "::1", port: "imap")),
        ("[::1]", .network(host: "::1", port: "")),
        ("::1:143", .network(host: "::1", port: "143")),
    ])
    func syntaxes(text: String, expected: ListenAddress) {
        #expect(ListenAddress(text) == expected)
    }

    @Test(
        arguments: [("cs0", 0), ("cs1", 0x20), ("cs7", 0xe0), ("af11", 0x28), ("af43", 0x98), ("ef", 0xb8), ("x", nil), ("", nil)]
            as [(String, Int32?)])
    func qosmarkingWordsAreClassesOfService(word: String, expected: Int32?) {
        #expect(typeOfService(qosmarking: word) == expected)
    }
}

@Suite struct PrometheusReportTests {
    @Test(arguments: [(0, "0"), (0.373248, "0.373248"), (1, "1"), (2.5, "2.5"), (0.0000001, "0"), (12.100001, "12.100001")])
    func numbers(value: Double, expected: String) {
        #expect(PrometheusReport.decimal(value) == expected)
    }

    @Test func everyMetricHasItsHeadAndALinePerService() {
        let rows = [
            PrometheusReport.Row(
                service: "a", family: "ipv4", ready: 1, forks: 2, active: 3, maxChildren: nil, forkRate: 0.5, maxForkRate: 0,
                readyFailures: 4),
            PrometheusReport.Row(
                service: "d", family: "daemon", ready: 1, forks: 1, active: 1, maxChildren: 1, forkRate: 0, maxForkRate: 10,
                readyFailures: 0),
        ]
        let lines = String(decoding: PrometheusReport.text(rows, at: 1_795_243_055_476), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 7 * 4)
        #expect(lines[0] == "# HELP cyrus_master_ready_workers The number of ready workers")
        #expect(lines[1] == "# TYPE cyrus_master_ready_workers gauge")
        #expect(lines[2] == "cyrus_master_ready_workers{service=\"a\",family=\"ipv4\"} 1 1795243055476")
        #expect(lines[14] == "cyrus_master_max_children{service=\"a\",family=\"ipv4\"} 2147483647 1795243055476")
        #expect(lines[23] == "cyrus_master_max_forks_per_second{service=\"d\",family=\"daemon\"} 10 1795243055476")
    }
}

@Suite struct ServiceManagerTests {
    @Test func theWatchdogIsFedAtHalfItsTime() {
        #expect(ServiceManager.watchdog(microseconds: "3000000", pid: nil, self: 5) == 1.5)
        #expect(ServiceManager.watchdog(microseconds: "3000000", pid: "5", self: 5) == 1.5)
        #expect(ServiceManager.watchdog(microseconds: "3000000", pid: "6", self: 5) == nil)
        #expect(ServiceManager.watchdog(microseconds: nil, pid: nil, self: 5) == nil)
        #expect(ServiceManager.watchdog(microseconds: "x", pid: nil, self: 5) == nil)
    }

    @Test func socketsArePassedToThisProcessOnly() {
        #expect(Activation.count(pid: "5", fds: "2", self: 5) == 2)
        #expect(Activation.count(pid: "6", fds: "2", self: 5) == nil)
        #expect(Activation.count(pid: nil, fds: "2", self: 5) == nil)
        #expect(Activation.count(pid: "5", fds: "-1", self: 5) == nil)
        #expect(Activation.count(pid: "5", fds: "99999999", self: 5) == nil)
    }
}
