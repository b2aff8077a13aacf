import DebianCyrus
import Foundation
import Glibc

/// A Postfix of its own, in a folder of its own, that hands mail on to our lmtpd: `local.example` over a unix socket as the local
/// transport, `virtual.example` over TCP as the virtual one, `relay.example` over TCP as the relay. Stopped, and all of it removed, when
/// the value goes away. Postfix starts for root only.
final class MailExchanger {
    /// Users of the Cyrus that mail goes to.
    static let users = ["ann", "bob", "carol", "full"] + (0..<20).map { "user\($0)" }

    let folder: String
    let port: UInt16
    let cyrus: DebianCyrus
    private let socket: String
    private var configuration: String { "\(folder)/conf" }

    static var canRun: Bool {
        ProcessInfo.processInfo.environment["CI"] != nil || (Client.has("postfix") && getuid() == 0)
    }

    init() throws {
        var template = Array("/tmp/postfix-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw DebianCyrus.Failure(description: "no temporary folder: errno \(errno)") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        socket = "\(folder)/sockets/lmtp"
        port = try DebianCyrus.freePort()
        for name in ["conf", "queue", "data", "sockets"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
        try DebianCyrus.run("/bin/chown", ["cyrus", "\(folder)/sockets"])
        try DebianCyrus.run("/bin/chown", ["postfix", "\(folder)/data"])
        let lmtpd = "\(OurPrograms.path("lmtpd")) -a"
        cyrus = try DebianCyrus(
            services: [
                .init("mail", command: OurPrograms.path("imapd")), .init("lmtpunix", command: OurPrograms.path("lmtpd"), socket: socket),
                .init("lmtptcp", command: lmtpd), .init("lmtpstrict", command: lmtpd),
            ],
            options: [
                "unixhierarchysep: yes", "altnamespace: yes", "autocreate_quota: 0", "sasl_mech_list: PLAIN LOGIN",
                "lmtpstrict_lmtp_over_quota_perm_failure: yes",
            ],
            users: Self.users, programs: OurPrograms.folder)
        for user in Self.users { _ = try login(user) }
        try writeConfiguration()
        try shell("postfix -c \(configuration) start")
    }

    deinit {
        _ = try? shell("postfix -c \(configuration) stop")
        cyrus.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func writeConfiguration() throws {
        let tcp = "lmtp:inet:127.0.0.1:\(cyrus.port("lmtptcp"))"
        try """
        compatibility_level = 3.6
        queue_directory = \(folder)/queue
        data_directory = \(folder)/data
        maillog_file = \(folder)/log
        maillog_file_prefixes = \(folder)
        inet_interfaces = 127.0.0.1
        inet_protocols = ipv4
        mynetworks = 127.0.0.0/8
        smtpd_peername_lookup = no
        smtpd_recipient_restrictions = permit_mynetworks, reject
        myhostname = mx.local.example
        mydestination = local.example
        alias_maps =
        local_recipient_maps =
        local_transport = lmtp:unix:\(socket)
        virtual_mailbox_domains = virtual.example
        virtual_mailbox_maps =
        virtual_transport = \(tcp)
        relay_domains = relay.example, strict.example
        relay_transport = \(tcp)
        transport_maps = inline:{ strict.example=lmtp:inet:127.0.0.1:\(cyrus.port("lmtpstrict")) }
        notify_classes =
        # Mail that was deferred is tried again as soon as it is asked for.
        minimal_backoff_time = 1s
        maximal_backoff_time = 2s

        """.write(toFile: "\(configuration)/main.cf", atomically: false, encoding: .utf8)
        let services = [
            "127.0.0.1:\(port) inet n - n - - smtpd", "pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup",
            "qmgr unix n - n 300 1 qmgr", "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce",
            "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "flush unix n - n 1000 0 flush",
            "proxymap unix - - n - - proxymap",
            "lmtp unix - - n - - lmtp", "error unix - - n - - error", "retry unix - - n - - error", "anvil unix - - n - 1 anvil",
            "showq unix n - n - - showq", "postlog unix-dgram n - n - 1 postlogd",
        ]
        try (services.joined(separator: "\n") + "\n").write(
            toFile: "\(configuration)/master.cf", atomically: false, encoding: .utf8)
    }

    /// Runs a command; what it printed.
    @discardableResult
    func shell(_ command: String, input: String = "") throws -> String {
        let client = try Client()
        let outcome = try client.run(command, input: input)
        guard outcome.status == 0 else {
            throw DebianCyrus.Failure(description: "\(command) ended with \(outcome.status): \(outcome.text)\(log)")
        }
        return outcome.text
    }

    /// Submits a message by SMTP.
    func submit(_ subject: String, from sender: String, to recipients: [String]) throws {
        try shell(
            "python3 -c 'import smtplib, sys; smtplib.SMTP(\"127.0.0.1\", \(port)).sendmail(sys.argv[1], sys.argv[2:], sys.stdin.buffer.read())'"
                + " \(sender) \(recipients.joined(separator: " "))", input: Server.message(subject))
    }

    /// Submits a message by the sendmail command.
    func sendmail(_ subject: String, from sender: String, to recipients: [String]) throws {
        try shell(
            "sendmail -C \(configuration) -i -f \(sender) \(recipients.joined(separator: " "))",
            input: Server.message(subject).replacingOccurrences(of: "\r\n", with: "\n"))
    }

    /// Has all that is in the queue tried at once.
    func flush() throws { try shell("postqueue -c \(configuration) -f") }

    var isQueueEmpty: Bool {
        get throws { try shell("postqueue -c \(configuration) -j").isEmpty }
    }

    var log: String { (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? "" }

    /// Waits until it is so, for a minute at most.
    func wait(_ what: String, until condition: () throws -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: 60)
        while try !condition() {
            guard Date() < deadline else { throw DebianCyrus.Failure(description: "\(what) did not come: \(log.suffix(3000))") }
            usleep(20_000)
        }
    }

    /// Waits for a line of Postfix's log with all the words.
    func waitForLog(_ words: String...) throws {
        try wait("\(words) in the log") {
            log.split(separator: "\n").contains { line in words.allSatisfy { line.contains($0) } }
        }
    }

    func login(_ user: String) throws -> IMAPConnection {
        let connection = try IMAPConnection(port: cyrus.port("mail"))
        try connection.login(user)
        return connection
    }

    /// Subjects in a mailbox, sorted.
    func subjects(_ user: String, _ mailbox: String = "INBOX") throws -> [String] {
        let connection = try login(user)
        if try connection.expectOK("EXAMINE \(mailbox)").contains(Array("* 0 EXISTS".utf8)) { return [] }
        return try connection.expectOK("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]").compactMap { line in
            let text = String(decoding: line, as: UTF8.self)
            return text.range(of: "Subject: ").map { String(text[$0.upperBound...].prefix { !$0.isNewline }) }
        }.sorted()
    }

    /// The whole text of a mailbox's only message.
    func text(_ user: String) throws -> String {
        let connection = try login(user)
        try connection.expectOK("EXAMINE INBOX")
        return String(decoding: try connection.expectOK("FETCH 1 BODY.PEEK[]")[0], as: UTF8.self)
    }

    /// The processes of our lmtpd.
    func deliverers() -> [pid_t] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { pid_t($0) }.filter { pid in
            let words = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            let text = String(decoding: words, as: UTF8.self)
            return text.hasPrefix(OurPrograms.path("lmtpd")) && text.contains(cyrus.configuration)
        }
    }

    /// Takes lmtpd out of cyrus.conf, or puts it in again.
    func setDelivery(_ isOn: Bool) throws {
        let path = "\(cyrus.folder)/cyrus.conf"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard line.contains("lmtp"), line.contains("cmd=") else { return String(line) }
            let bare = line.hasPrefix("#") ? line.dropFirst() : line
            return isOn ? String(bare) : "#\(bare)"
        }
        try lines.joined(separator: "\n").write(toFile: path, atomically: false, encoding: .utf8)
        cyrus.reload()
    }
}
