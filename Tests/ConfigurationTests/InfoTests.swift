import Configuration
import Foundation
import Posix
import Testing

/// cyr_info and cyr_buildinfo beside Debian's.
@Suite(.enabled(if: FileSystem.isExecutable("/usr/lib/cyrus/bin/cyr_info") || ProcessInfo.processInfo.environment["CI"] != nil))
struct InfoTests {
    static let files = [
        "",
        """
        # switches, numbers, lengths of time, words
        allowplaintext: t
        timeout: 1h2m3
        conversations: 0
        admins: cyrus  murder  # c
        maxliteral: 0x10
        event_groups: quota   message
        caldav_allowscheduling: 1
        idlesocket: {configDirectory}/foo/{configdirectory}
        tls_versions: tls1_0 \\
          tls1_3
        defaultpartition: DeFault
        partition-default: {configdirectory}/p
        imap_timeout: 5h
        imap_zzz: v
        """,
        """
        archive_days: 3
        tls_ca_file: /foo
        autocreatequota: 010
        flushseenstate: no
        timeoutt: 3
        newsspool: /x
        sasl_pwcheck_method: auxprop
        sasl_minimum_layer: 5
        partition-a: /a
        metapartition-a: /b
        archivepartition-a: /c
        backuppartition-a: /d
        t1searchpartition-a: /e
        metadir-foo-a: /f
        xlist-drafts: Drafts
        host1_password: x
        foo_timeout: 5
        """,
    ]

    private func both(_ program: String, _ arguments: [String]) throws -> (ours: RunningProgram.Result, theirs: RunningProgram.Result) {
        let theirs = try RunningProgram.run("/usr/lib/cyrus/bin/\(program)", arguments)
        let ours = try RunningProgram.run("\(RunningProgram.programs)/\(program)", arguments)
        return (ours, theirs)
    }

    /// Settings without a record come in the order of a hash table there and of the file here; options of later versions are ours alone.
    private func lines(_ text: String) -> [String] {
        let ours = OptionRecord.namesOfOurs
        return text.split(separator: "\n").map(String.init).filter { line in !ours.contains { line.contains("\($0):") } }.sorted()
    }

    @Test(arguments: ["conf", "conf-all", "conf-default", "conf-lint"], files.indices)
    func listsWhatDebiansLists(command: String, file: Int) throws {
        let folder = try Folder()
        try folder.write("imapd.conf", "configdirectory: \(folder.path)\n\(Self.files[file])\n")
        try folder.write("cyrus.conf", "SERVICES {\n foo cmd=\"x\" listen=33\n}\n")
        for more in [[], ["-n", "imap"], ["-s", "2.5.0"], ["-s", "3.1.8"], ["-s", "3.6.0"]] {
            let arguments = ["-C", "\(folder.path)/imapd.conf", "-M", "\(folder.path)/cyrus.conf"] + more + [command]
            let (ours, theirs) = try both("cyr_info", arguments)
            #expect(lines(ours.output) == lines(theirs.output), "\(more)")
            #expect(ours.status == theirs.status, "\(more) \(theirs.errors)")
        }
    }

    @Test func knownOptionsComeInDebiansOrder() throws {
        let folder = try Folder()
        try folder.write("imapd.conf", "configdirectory: \(folder.path)\n")
        let (ours, theirs) = try both("cyr_info", ["-C", "\(folder.path)/imapd.conf", "conf-default"])
        #expect(ours.output.hasPrefix(theirs.output))
        #expect(ours.output.split(separator: "\n").count == theirs.output.split(separator: "\n").count + OptionRecord.namesOfOurs.count)
    }

    @Test func sessionsAreListedFromTheirFiles() throws {
        let folder = try Folder()
        try folder.write("imapd.conf", "configdirectory: \(folder.path)\n")
        try folder.write("proc/123", "imap\tlocalhost [127.0.0.1]\talice\tuser.alice.Sub\t\n")
        try folder.write("proc/124", "pop3\tlocalhost [127.0.0.1]\t\t\t\n")
        try folder.write("proc/125", "imap\thost\talice\tuser.alice\tFetch\n")
        let (ours, theirs) = try both("cyr_info", ["-C", "\(folder.path)/imapd.conf", "proc"])
        #expect(ours.output == theirs.output)
        #expect(ours.output.split(separator: "\n").count == 3)
    }

    @Test func wrongUseIsAnsweredAlike() throws {
        let cases = [[], ["bogus"], ["-x", "conf"], ["-C"], ["-C", "/nonexistent", "conf"]]
        for arguments in cases {
            let (ours, theirs) = try both("cyr_info", arguments)
            #expect(ours.status == theirs.status, "\(arguments)")
            func body(_ text: String) -> String {
                text.split(separator: "\n").filter { !$0.contains("/cyr_info: ") }.joined(separator: "\n")
            }
            #expect(body(ours.errors) == body(theirs.errors), "\(arguments)")
        }
    }

    @Test func lintSaysWhatWasProbablyMeant() throws {
        let folder = try Folder()
        try folder.write("imapd.conf", "configdirectory: \(folder.path)\ntimeoutt: 3\n")
        try folder.write("cyrus.conf", "SERVICES {\n foo cmd=\"x\" listen=33 prefrok=1\n}\n")
        let arguments = ["-C", "\(folder.path)/imapd.conf", "-M", "\(folder.path)/cyrus.conf", "conf-lint"]
        let ours = try RunningProgram.run("\(RunningProgram.programs)/cyr_info", arguments)
        #expect(ours.output == "timeoutt: 3\n")
        #expect(ours.errors.contains("imapd.conf, line 2: unknown option timeoutt (did you mean timeout?), ignored"))
        #expect(ours.errors.contains("cyrus.conf, line 2: unknown attribute prefrok (did you mean prefork?) of foo, ignored"))
    }

    @Test func theVersionNamesBoth() throws {
        let ours = try RunningProgram.run("\(RunningProgram.programs)/cyr_info", ["version"])
        #expect(ours.output == "cyrus-imapd 3.6.1-cyrus-swift-0.1.0\n")
        let master = try RunningProgram.run("\(RunningProgram.programs)/master", ["-V"])
        #expect(master.output == ours.output)
    }

    @Test(arguments: [[], ["pretty"], ["dense"], ["flat"], ["bogus"], ["-C", "/x", "flat"], ["-h"]])
    func buildInformationHasDebiansShape(arguments: [String]) throws {
        let (ours, theirs) = try both("cyr_buildinfo", arguments)
        func shape(_ text: String) -> String {
            text.replacingOccurrences(of: "false", with: "true").replacingOccurrences(of: "ngrams", with: "none")
        }
        #expect(shape(ours.output) == shape(theirs.output))
        #expect(ours.status == theirs.status)
    }
}
