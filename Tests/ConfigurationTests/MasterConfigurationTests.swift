import Configuration
import Testing

@Suite struct MasterConfigurationTests {
    @Test func everyAttributeIsRead() throws {
        let c = try masterConfiguration(
            """
            START {
              one   cmd="ctl_cyrusdb -r"
            }
            # a comment
            services {
              imap  cmd="imapd -U 30" listen="[::1]:imap" proto=tcp6 prefork=2 maxchild=5 maxforkrate=7 maxfds=256
              lmtp cmd="lmtpd"   listen="/run/lmtp"  babysit=yes
              notify cmd=notifyd listen="/run/notify" proto="udp" prefork=1
            }
            EVENTS {
              a cmd="x" period=30 # every half hour
              b cmd="y" at=0401
              c cmd="z"
              d cmd="w" cron="*/15 3 * * 1-5"
            }
            DAEMON {
              idled cmd="idled" wait=y maxfds=12
              other cmd="other" maxforkrate=3
            }
            """)
        #expect(c.warnings == [])
        #expect(c.starts.map(\.command.words) == [["ctl_cyrusdb", "-r"]])
        let imap = c.services[0]
        #expect(imap.command.words == ["imapd", "-U", "30"])
        #expect((imap.listen, imap.proto) == ("[::1]:imap", "tcp6"))
        #expect((imap.prefork, imap.maxChildren, imap.maxForkRate, imap.maxDescriptors) == (2, 5, 7, 256))
        let lmtp = c.services[1]
        #expect((lmtp.babysit, lmtp.prefork, lmtp.maxForkRate, lmtp.maxChildren) == (true, 1, 10, -1))
        #expect(!lmtp.isDatagram && c.services[2].isDatagram)
        #expect(c.events.map(\.schedule).prefix(3) == [.every(minutes: 30), .daily(hour: 4, minute: 1), .once])
        #expect(c.events[3].schedule == CronSchedule("*/15 3 * * 1-5").map { .cron($0) })
        #expect(c.daemons.map(\.wait) == [true, false])
        #expect(c.daemons.map(\.maxForkRate) == [10, 3])
    }

    @Test(arguments: [
        ("START {\n a-b cmd=x\n}", "configuration file cyrus.conf: bad character '-' in name on line 2"),
        ("START {\n ab cmd=\"x\n}", "configuration file cyrus.conf: missing \" on line 2"),
        ("START {\n ab cmd=\"x #y\"\n}", "configuration file cyrus.conf: missing \" on line 2"),
        ("START {\n ab\n}", "unable to find command for ab (line 2 of cyrus.conf)"),
        ("START {\n ab CMD=x\n}", "unable to find command for ab (line 2 of cyrus.conf)"),
        ("START {\n ab cmd=x }\n", "configuration file cyrus.conf: bad character '}' in argument on line 2"),
        ("START {\n ab cmd =x\n}", "configuration file cyrus.conf: bad character ' ' in argument on line 2"),
        ("START {\n ab cmd=x foo\n}", "configuration file cyrus.conf: bad character '\n' in argument on line 2"),
        ("START {\n {\n}", "unable to find command for  (line 2 of cyrus.conf)"),
        ("SERVICES {\n a cmd=x\n}", "unable to find command or port for service 'a' (line 2 of cyrus.conf)"),
        ("SERVICES {\n a cmd=x listen=1\n a cmd=y listen=2\n}", "multiple entries for service 'a' (line 3 of cyrus.conf)"),
        ("DAEMON {\n a cmd=x\n}\nSERVICES {\n a cmd=y listen=2\n}", "multiple entries for service 'a' (line 5 of cyrus.conf)"),
        ("EVENTS {\n a period=3\n}", "unable to find command or port for event 'a' (line 2 of cyrus.conf)"),
    ])
    func refusedWithTheseWords(text: String, message: String) {
        do {
            _ = try masterConfiguration(text)
            Issue.record("accepted: \(text)")
        } catch {
            #expect(error.description == message)
        }
    }

    @Test(arguments: [
        ("SERVICE {\n a cmd=x listen=1\n}", 0, "cyrus.conf, line 1: unknown section SERVICE (did you mean SERVICES?), skipped"),
        ("FOO {\n {\n }\n}\nSTART {\n a cmd=x\n}", 1, "cyrus.conf, line 1: unknown section FOO, skipped"),
        ("START{\n a cmd=x\n}", 0, "cyrus.conf, line 1: START needs white space before its {, skipped"),
        ("START\n{\n a cmd=x\n}", 0, "cyrus.conf, line 1: START has no { on its line, skipped"),
        ("START {\n a cmd=x prefrok=1\n}", 1, "cyrus.conf, line 2: unknown attribute prefrok of a, ignored"),
        (
            "SERVICES {\n a cmd=x listen=1 prefrok=1\n}", 1,
            "cyrus.conf, line 2: unknown attribute prefrok (did you mean prefork?) of a, ignored"
        ),
        (
            "SERVICES {\n a cmd=x listen=1 maxchild=many\n}", 1,
            "cyrus.conf, line 2: maxchild=\"many\" of a is not understood, the default is used"
        ),
        ("SERVICES {\n a cmd=x listen=1 prefork=5x\n}", 1, "cyrus.conf, line 2: prefork=\"5x\" of a is read as 5"),
        (
            "SERVICES {\n a cmd=x listen=1 babysit=zz\n}", 1,
            "cyrus.conf, line 2: babysit=\"zz\" of a is not understood, the default is used"
        ),
        ("SERVICES {\n a cmd=x listen=1 proto=tpc\n}", 1, "cyrus.conf, line 2: unknown proto tpc (did you mean tcp?) of a"),
        ("EVENTS {\n a cmd=x at=2561\n}", 1, "cyrus.conf, line 2: at=\"2561\" of a is not understood, the default is used"),
        (
            "EVENTS {\n a cmd=x cron=\"61 * * * *\"\n}", 1,
            "cyrus.conf, line 2: cron=\"61 * * * *\" of a is not understood, the default is used"
        ),
        ("START {\n a cmd=x cmd=y\n}", 1, "cyrus.conf, line 2: cmd= of a was given twice, the first counts"),
        ("START {\n a cmd=x\n", 1, "cyrus.conf, line 1: section START is not closed"),
    ])
    func oddThingsAreReportedAndTheRestIsTaken(text: String, entries: Int, warning: String) throws {
        let c = try masterConfiguration(text)
        #expect(c.starts.count + c.services.count + c.events.count + c.daemons.count == entries)
        #expect(c.warnings.map(\.description) == [warning])
    }

    @Test func atAReloadASecondEntryIsOnlyIgnored() throws {
        let c = try masterConfiguration("SERVICES {\n a cmd=x listen=1\n a cmd=y listen=2\n}", isReload: true)
        #expect(c.services.map(\.listen) == ["1"])
        #expect(c.warnings.count == 1)
    }

    @Test func programsAreFoundByPathThenInTheDirectories() {
        let directories = ["/lib", "/sbin"]
        #expect(CommandWords("/x/y -a").path(directories: directories) { _ in false } == "/x/y")
        #expect(CommandWords("y").path(directories: directories) { $0 == "/lib/y" } == "/lib/y")
        #expect(CommandWords("y").path(directories: directories) { _ in false } == "/sbin/y")
    }
}
