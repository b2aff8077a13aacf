import Configuration
import Testing

@Suite struct ConfigurationErrorTests {
    @Test(arguments: [
        ("timeout: x", "unparsable duration 'x' for timeout in line 1 of imapd.conf"),
        ("timeout: 5w", "unparsable duration '5w' for timeout in line 1 of imapd.conf"),
        ("timeout: 5 h", "unparsable duration '5 h' for timeout in line 1 of imapd.conf"),
        ("timeout: 1H", "unparsable duration '1H' for timeout in line 1 of imapd.conf"),
        ("timeout: 99999999999999999999d", "unparsable duration '99999999999999999999d' for timeout in line 1 of imapd.conf"),
        ("timeout:", "empty option value on line 1 of configuration file imapd.conf"),
        ("timeout 5", "invalid option name on line 1 of configuration file imapd.conf"),
        ("TimeOut : 5", "invalid option name on line 1 of configuration file imapd.conf"),
        (": foo", "invalid option name on line 1 of configuration file imapd.conf"),
        ("quotawarn: 5x", "non-integer value for quotawarn in line 1 of imapd.conf"),
        ("quotawarn: 0x", "non-integer value for quotawarn in line 1 of imapd.conf"),
        ("quotawarn: --5", "non-integer value for quotawarn in line 1 of imapd.conf"),
        ("allowplaintext: maybe", "non-switch value for allowplaintext in line 1 of imapd.conf"),
        ("allowplaintext: YES", "non-switch value for allowplaintext in line 1 of imapd.conf"),
        ("virtdomains: YES", "invalid value 'YES' for virtdomains in line 1 of imapd.conf"),
        ("smtp_backend: Host", "invalid value 'Host' for smtp_backend in line 1 of imapd.conf"),
        ("event_groups: message foo", "invalid value 'foo' for event_groups in line 1 of imapd.conf"),
        ("timeout: 5\ntimeout: 6", "option 'timeout' was specified twice in config file (second occurrence on line 2 of imapd.conf)"),
        ("zz: 5\nZZ: 6", "option 'zz' was specified twice in config file (second occurrence on line 2 of imapd.conf)"),
        ("@include: /none", "can't open configuration file /none: No such file or directory"),
        ("@foo: bar", "invalid directive on line 1 of configuration file imapd.conf"),
        ("defaultpartition: a-b", "defaultpartition option contains non-alnum character"),
        ("partition-a: /x\npartition-b: /x/", "partition-a and partition-b overlap at /x/: two partitions must not share a directory"),
        ("partition-a: /x\npartition-b: /x//y", "partition-a and partition-b overlap at /x//y: two partitions must not share a directory"),
        (
            "partition-a: /x\narchivepartition-a: /x/a",
            "partition-a and archivepartition-a overlap at /x/a: two partitions must not share a directory"
        ),
    ])
    func refusedWithTheseWords(text: String, message: String) {
        do {
            _ = try configuration(text)
            Issue.record("accepted: \(text)")
        } catch {
            #expect(error.description == message)
        }
    }

    @Test func theConfigurationDirectoryIsRequired() {
        #expect(throws: ConfigurationError.missing(name: "configdirectory")) { try configuration("", directory: nil) }
    }

    @Test func neighbouringPartitionsAndMetadataBesideDataAreFine() throws {
        let c = try configuration("partition-a: /x\npartition-b: /xy\nmetapartition-a: /x/meta\ndefaultpartition: A")
        #expect(c[.defaultpartition] == "a")
        #expect(c.partitions.map(\.name) == ["a", "b"])
        try c.checkDefaultPartition()
        #expect(throws: ConfigurationError.missing(name: "partition-b")) {
            try configuration("defaultpartition: b").checkDefaultPartition()
        }
    }
}
