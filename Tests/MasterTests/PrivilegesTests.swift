import Foundation
import Posix
import Testing

/// Started by root, master is user cyrus with one right more than others.
@Suite(.enabled(if: geteuid() == 0 && UserEntry("cyrus") != nil))
struct PrivilegesTests {
    private func field(_ name: String, of pid: Int32) throws -> String {
        let text = String(decoding: try #require(try FileSystem.read("/proc/\(pid)/status")), as: UTF8.self)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("\(name):") })
        return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
    }

    @Test func itDropsRootBeforeAnythingRunsAndKeepsLowPorts() throws {
        let master = try RunningMaster()
        let port = try RunningMaster.freePort()
        let service = " a cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(port) prefork=1\n"
        try master.start("START {\n one cmd=\"/usr/bin/touch \(master.folder)/conf/started\"\n}\nSERVICES {\n\(service)}")
        let worker = try master.connect(port: port).greeting().pid
        let user = try #require(UserEntry("cyrus"))
        #expect(try FileSystem.status("\(master.folder)/conf/started")?.owner == user.user)
        for pid in [master.pid, worker] {
            #expect(try field("Uid", of: pid).split(separator: "\t").allSatisfy { $0 == "\(user.user)" })
        }
        // CAP_NET_BIND_SERVICE, for services that SIGHUP adds; a service has nothing.
        let kept = try field("CapEff", of: master.pid)
        #expect(kept == "0000000000000400" || master.log.contains("cannot keep CAP_NET_BIND_SERVICE"))
        #expect(try field("CapEff", of: worker) == "0000000000000000")
        guard kept == "0000000000000400", let low = try lowPort() else { return }
        try master.write("cyrus.conf", "SERVICES {\n\(service) b cmd=\"\(master.probe("service"))\" listen=127.0.0.1:\(low)\n}")
        try master.signal(.hangup)
        try master.waitForLog("Services reconfigured.")
        #expect(try master.connect(port: low).greeting().name == "b")
    }

    /// A free port below 1024, nil when there is none.
    private func lowPort() throws -> Int? {
        for port in (600...1023).shuffled() {
            guard case .success(let addresses) = SocketAddress.resolve(host: "127.0.0.1", port: String(port)),
                let address = addresses.first,
                (try? Socket.listen(address)) != nil
            else { continue }
            return port
        }
        return nil
    }
}
