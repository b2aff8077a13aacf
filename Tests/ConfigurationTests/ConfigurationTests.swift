import Configuration
import Testing

@Suite struct ConfigurationTests {
    @Test func defaultsHoldForWhatIsNotSet() throws {
        let c = try configuration("")
        #expect(c[.conversations] == false)
        #expect(c[.altnamespace] == true)
        #expect(c[.timeout] == 32 * 60)
        #expect(c[.quotawarn] == 90)
        #expect(c[.admins] == "")
        #expect(c[.tls_server_cert] == nil)
        #expect(c[.popminpoll] == nil)
        #expect(c[.virtdomains] == "off")
        #expect(c[.event_groups] == ["message", "mailbox"])
        #expect(c[.sieve_extensions].contains("imap4flags"))
        #expect(c[.lmtpsocket] == "/var/lib/cyrus/socket/lmtp")
        #expect(c.directory == "/var/lib/cyrus")
        #expect(c.umask == 0o077)
        #expect(c.warnings.isEmpty)
    }

    @Test(arguments: [
        ("0", false), ("no", false), ("nope", false), ("off", false), ("false", false), ("1", true), ("yes", true), ("onion", true),
        ("t", true),
    ])
    func switchesAreDecidedByTheirFirstLetters(text: String, expected: Bool) throws {
        #expect(try configuration("conversations: \(text)")[.conversations] == expected)
    }

    @Test(arguments: [("010", 8), ("0x1F", 31), ("-3", -3), ("99999999999", 99_999_999_999), ("0", 0)])
    func integersAreReadAsC(text: String, expected: Int) throws {
        #expect(try configuration("maxword: \(text)")[.maxword] == expected)
    }

    @Test(arguments: [("90", 90 * 60), ("1h2m3", 3600 + 120 + 180), ("1d12h", 129_600), ("-5", -300), ("45s", 45)])
    func durationsAreSummedAndTakeTheOptionsUnit(text: String, expected: Int) throws {
        #expect(try configuration("timeout: \(text)")[.timeout] == expected)
    }

    @Test func enumerationsTakeSwitchWordsAndChoicesDoNot() throws {
        #expect(try configuration("virtdomains: 1")[.virtdomains] == "on")
        #expect(try configuration("virtdomains: f")[.virtdomains] == "off")
        #expect(try configuration("smtp_backend: host")[.smtp_backend] == "host")
    }

    @Test func setsAreInTheRecordsOrderAndKnowOtherNames() throws {
        #expect(try configuration("event_groups: quota   message")[.event_groups] == ["message", "quota"])
        #expect(
            try configuration("sieve_extensions: x-cyrus-snooze fileinto imapflags")[.sieve_extensions] == [
                "fileinto", "imap4flags", "snooze",
            ])
    }

    @Test func linesAreTrimmedContinuedAndCommented() throws {
        let c = try configuration("  # nothing: here\n\n   Admins:  a b # c  \r\ntls_versions: tls1_0 \\\n  tls1_3")
        #expect(c[.admins] == "a b # c")
        #expect(c[.tls_versions] == "tls1_0   tls1_3")
    }

    @Test func aBackslashAtTheEndOfTheFileStays() throws {
        #expect(try configuration("configdirectory: /x\nadmins: a b\\", directory: nil)[.admins] == "a b\\")
    }

    @Test func includesAreReadInPlace() throws {
        let files = ["/a": "admins: x\n@include: /b\n", "/b": "timeout: 45"]
        let c = try configuration("@include: /a", files: files)
        #expect(c[.admins] == "x")
        #expect(c[.timeout] == 45 * 60)
        #expect(throws: ConfigurationError.includedTwice(path: "/a", Place(file: "/b", line: 1))) {
            try configuration("@include: /a", files: ["/a": "@include: /b", "/b": "@include: /a"])
        }
    }

    @Test func aServicesOwnSettingWinsInAnyOrder() throws {
        for text in ["imaps_tls_required: yes\ntls_required: no", "tls_required: no\nimaps_tls_required: yes"] {
            #expect(try configuration(text, ident: "imaps")[.tls_required] == true)
            #expect(try configuration(text, ident: "imap")[.tls_required] == false)
        }
    }

    @Test func oldNamesGiveTheirValueToTheNewOneUnlessThatIsSet() throws {
        let c = try configuration("archive_days: 3\ntls_ca_file: /old\ntls_client_ca_file: /new\nautocreatequota: 010")
        #expect(c[.archive_after] == 3 * 86400)
        #expect(c[.tls_client_ca_file] == "/new")
        #expect(c[.autocreate_quota] == 8)
        #expect(
            c.warnings.map(\.description) == [
                "imapd.conf, line 1: option archive_days is deprecated, use archive_after",
                "imapd.conf, line 2: option tls_ca_file is deprecated, use tls_client_ca_file",
                "imapd.conf, line 4: option autocreatequota is deprecated, use autocreate_quota",
            ])
    }

    @Test(arguments: [
        ("timeot: 5", "imapd.conf, line 1: unknown option timeot (did you mean timeout?), ignored"),
        ("\nallowplantext: yes", "imapd.conf, line 2: unknown option allowplantext (did you mean allowplaintext?), ignored"),
        ("conversatoins: 1", "imapd.conf, line 1: unknown option conversatoins (did you mean conversations?), ignored"),
        ("newsspool: /x", "imapd.conf, line 1: unknown option newsspool, ignored"),
        ("zzqqxx: 1", "imapd.conf, line 1: unknown option zzqqxx, ignored"),
    ])
    func unknownOptionsAreReportedWithTheNearestName(text: String, warning: String) throws {
        #expect(try configuration(text).warnings.map(\.description) == [warning])
    }

    @Test(arguments: [
        "partition-a: /x", "metapartition-a: /x", "archivepartition-a: /x", "t1searchpartition-a: /x", "metadir-index-a: /x",
        "sasl_pwcheck_method: auxprop", "imap_sasl_mech_list: PLAIN", "chan_sync_host: x", "imaps_timeout: 5", "host1_password: x",
        "host1_mechs: PLAIN", "xlist-drafts: Drafts",
    ])
    func knownPatternsAreNotReported(text: String) throws {
        #expect(try configuration(text).warnings.isEmpty)
    }

    @Test func settingsWithoutRecordAreLookedUpByTheServiceFirst() throws {
        let c = try configuration(
            "imap_sasl_mech_list: PLAIN\nsasl_mech_list: LOGIN\nsasl_x: 1\nsasl_minimum_layer: 5\nchan_sync_host: h", ident: "imap")
        #expect(c.sasl("mech_list") == "PLAIN")
        #expect(c.sasl("x") == "1")
        #expect(c.sasl("minimum_layer") == "5")
        #expect(c.sasl("y") == nil)
        #expect(c.overflow("CHAN_sync_host") == "h")
    }

    @Test func theDirectoryIsPutInFrontOnly() throws {
        let c = try configuration("idlesocket: {configDirectory}/i/{configdirectory}\npartition-a: {configdirectory}/p")
        #expect(c[.idlesocket] == "/var/lib/cyrus/i/{configdirectory}")
        #expect(c.partition("a") == "/var/lib/cyrus/p")
    }
}
