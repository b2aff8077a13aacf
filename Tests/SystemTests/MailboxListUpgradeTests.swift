import DebianCyrus
import Foundation
import Testing

/// `ctl_cyrusdb -r` on mailbox lists of earlier versions, beside Debian's.
@Suite(.enabled(if: DebianCyrus.isInstalled))
struct MailboxListUpgradeTests {
    /// As 3.0 wrote it: names as they stand, tombstones, a renamed mailbox, reverse ACLs, a calendar.
    static let form30 = """
        user.alice\t%(A %(alice lrswipkxtecda) I id1 P default V 5 F 7 M 100)
        user.alice.Older\t%(T d I id2 V 6 C 2 F 8 M 80)
        user.alice.Old\t%(T d I id2 V 6 C 2 F 9 M 90)
        user.alice.New\t%(A %(alice lrs) I id2 P default V 6 C 2 F 9 M 101)
        user.alice.gone\t%(T d I id3 V 7 M 95)
        user.cal\t%(T c A %(cal lrs) I id5 P default V 5 M 100)
        News\t%(A %(anyone lrs) I id6 P default V 5 M 100)
        $RACL\t
        $RACL$U$alice$user.alice\t

        """
    /// As 3.4 and later write it, with what a creation left that never came to its end.
    static let form34 = """
        Nuser\u{1f}alice\t%(T e I id1 P default V 5 F 7 M 100 A %(alice lrs bob 0 eve l joe r group:g lrs -neg l))
        Iid1\t%(T e N user\u{1f}alice P default V 5 M 100 A %(alice lrs) H ())
        Nuser\u{1f}inter\t%(T ei I id8 M 5)

        """

    private static func list(_ folders: ToolFolders, _ side: ToolFolders.Side) throws -> [String] {
        try folders.run(.debian, "cyr_dbtool", ["FOLDER/conf/mailboxes.db", "twoskip", "show"], on: side).output.split(separator: "\n")
            .map { String($0).replacing(/\sM\s[0-9]+/, with: "").replacing(" A %()", with: "") }
    }

    private static func prepare(_ folders: ToolFolders, _ text: String, _ engine: String) throws {
        try folders.write("text", text)
        for side in ToolFolders.Side.allCases {
            let words = ["FOLDER/text", "flat", "FOLDER/conf/mailboxes.db", engine]
            // Sorted, as Debian's flat engine wants them.
            _ = try DebianCyrus.run("/bin/sh", ["-c", "LC_ALL=C sort -o \(folders.folder(side))/text \(folders.folder(side))/text"])
            #expect(try folders.run(.debian, "cvt_cyrusdb", words, on: side).output.contains("Converting"))
        }
    }

    @Test(arguments: [(form30, "twoskip"), (form30, "skiplist"), (form34, "twoskip")])
    func `old lists become what Debian's makes of them`(_ form: (text: String, engine: String)) throws {
        let folders = try ToolFolders()
        defer { folders.remove() }
        try Self.prepare(folders, form.text, form.engine)
        for _ in 1...2 {
            #expect(try folders.run(.ours, "ctl_cyrusdb", ["-r"]) == folders.run(.debian, "ctl_cyrusdb", ["-r"]))
            let (ours, theirs) = (try Self.list(folders, .ours), try Self.list(folders, .debian))
            let (surplus, missing) = (Set(ours).subtracting(theirs).sorted(), Set(theirs).subtracting(ours).sorted())
            #expect(surplus == [] && missing == [], "\(surplus) instead of \(missing)")
            #expect(ours.count >= 3)
        }
    }

    @Test
    func `mailboxes of 2.4 get ids and lose nothing`() throws {
        let folders = try ToolFolders()
        defer { folders.remove() }
        let text = """
            shared\t0 default anyone\tlrs\t
            user.alice\t0 default alice\tlrswipkxtecda\t
            user.alice.Sub\t0 default alice\tlrswipkxtecda\tbob\tlrs\t
            user.res\t2 default bob\tlrs\t

            """
        try Self.prepare(folders, text, "skiplist")
        #expect(try folders.run(.ours, "ctl_cyrusdb", ["-r"]).status == 0)
        let list = try Self.list(folders, .ours)
        for name in ["shared", "user\u{1f}alice", "user\u{1f}alice\u{1f}Sub"] {
            let record = try #require(list.first { $0.hasPrefix("N\(name)\t") })
            let id = try #require(record.firstMatch(of: /%\(T el I (\S+) P default/)).1
            #expect(list.contains { $0.hasPrefix("I\(id)\t%(T el N \(name) P default") }, "\(record)")
        }
        #expect(list.count == 6)
        // Debian's tool reads it.
        #expect(try folders.run(.debian, "ctl_mboxlist", ["-d"], on: .ours).output.contains("\"bob\": \"lrs\""))
    }

    @Test
    func `a stray record does not make a list of today an old one`() throws {
        let folders = try ToolFolders()
        defer { folders.remove() }
        try Self.prepare(folders, Self.form34 + "$RACL\t\n", "twoskip")
        let before = try Self.list(folders, .ours).filter { !$0.hasPrefix("$") }
        #expect(try folders.run(.ours, "ctl_cyrusdb", ["-r"]).status == 0)
        #expect(try Set(Self.list(folders, .ours)).isSuperset(of: before))
    }

    @Test
    func `reverse ACLs come and go with their option`() throws {
        let folders = try ToolFolders(options: ["reverseacls: yes"])
        defer { folders.remove() }
        try Self.prepare(folders, Self.form34, "twoskip")
        for side in ToolFolders.Side.allCases { #expect(try folders.run(side, "ctl_cyrusdb", ["-r"]).status == 0) }
        let (ours, theirs) = (try Self.list(folders, .ours), try Self.list(folders, .debian))
        #expect(ours.filter { $0.hasPrefix("A") } == theirs.filter { $0.hasPrefix("A") })
        #expect(ours.count { $0.hasPrefix("A") } == 5)
        for side in ToolFolders.Side.allCases {
            let file = "\(folders.folder(side))/imapd.conf"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try folders.write("imapd.conf", Data(text.replacingOccurrences(of: "reverseacls: yes\n", with: "").utf8), on: side)
            #expect(try folders.run(side, "ctl_cyrusdb", ["-r"]).status == 0)
            // Debian's takes away the mark alone.
            #expect(try !Self.list(folders, side).contains { $0.hasPrefix(side == .ours ? "A" : "AS\u{1e}\t") })
        }
    }
}
