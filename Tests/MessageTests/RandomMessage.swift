/// Assembles a message from pieces that interfere with one another: boundaries that are beginnings of others, wrong ends, wrong headers.
enum RandomMessage {
    private static let boundaries = ["a", "aa", "b", "a b", "b--", "x=y", "'q'", "", "-", "--", "long-boundary-0123456789", "a:b", "aab"]
    private static let names = [
        "From", "To", "Cc", "Bcc", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "X-Mailer",
        "X-Other",
        "Content-ID", "Content-Description", "Content-MD5", "Content-Location", "Content-Language", "Content-Disposition", "Received",
        "Priority", "List-Id", "MIME-Version", "x-priority", "Comments", "CONTENT-TYPE", "Content-transfer-encoding", "Resent-From", "A",
        "This-Name-Has-Thirty-One-Letters", "This-Name-Has-Thirty-Two-Letters", "X", "X-", "Organi(z)ation", "Na\"me",
    ]
    private static let words = [
        "a@b", "<c@d.e>", "\"q \\\" r\"", "=?utf-8?q?=C3=A9?=", "=?iso-8859-1?b?6Q==?=", "=?nope?q?x?=", "(comment)", "(open", "grp:", ";",
        ",",
        "<@r,@s:u@v>", "@", "<", ">", "\u{e9}", "plain", "=", "?", "\\", "%", "[x]", "..", "a.b.@c..d.", "\t", "  ", "\"open",
        "utf-8''x%20y",
        "text/plain", "text/html", "multipart/mixed", "message/rfc822", "/", "; charset=utf-8", ";boundary=a", ";boundary=\"aa\"",
        "; n*0=a; n*1=b",
        "attachment", "inline", "en,de", "base64", "quoted-printable", "8bit", "Tue, 3 Mar 2020 10:20:30 +0100", "3 Mar 99 1:2:3 PDT", "1",
        ":",
        "\r\n ", "\r\n\t", "\r\n  x", "\r", "\u{1}", "\u{7f}", "=?utf-8?q?a?= =?utf-8?q?b?=", "=?us-ascii*en?q?hi_there?=",
        "=?utf-8?b?w6k?=",
    ]
    private static let encodings = ["7bit", "8bit", "binary", "base64", "quoted-printable", "BASE64", "x-uu", "base64 (c)", ""]
    private static let contents = [
        "text\r\n", "no end", "", "\r\n", "\r\n\r\n", "w6kgYQ==\r\n", "w6\r\nk=gYQ\r\n", "a=C3=A9=\r\nb \r\n", "=", "=4", "--\r\n",
        "- -\r\n",
        "--a\r\n", "--a--\r\n", "--aa\r\n", "--aa--\r\n", "--b \r\n", "--b--x\r\n", "\u{e9}\u{ff}\r\n", "\r \r\n", "--a", "--a--",
        "x--a\r\n", "--ax\r\n",
    ]

    static func make(_ generator: inout SplitMix) -> String {
        entity(&generator, depth: 0)
    }

    private static func pick(_ list: [String], _ generator: inout SplitMix) -> String {
        list[Int(generator.next() % UInt64(list.count))]
    }

    private static func chance(_ percent: UInt64, _ generator: inout SplitMix) -> Bool {
        generator.next() % 100 < percent
    }

    private static func field(_ generator: inout SplitMix) -> String {
        var text = pick(names, &generator) + ":"
        if chance(80, &generator) { text += " " }
        for _ in 0..<(generator.next() % 6) { text += pick(words, &generator) + (chance(50, &generator) ? " " : "") }
        return text + "\r\n"
    }

    private static func entity(_ generator: inout SplitMix, depth: Int) -> String {
        var text = ""
        for _ in 0..<(generator.next() % 5) { text += field(&generator) }
        if chance(25, &generator) { text += "Content-Transfer-Encoding: \(pick(encodings, &generator))\r\n" }
        let kind = depth > 4 ? 9 : generator.next() % 10
        switch kind {
        case 0...4:
            let boundary = pick(boundaries, &generator)
            let subtype = pick(["mixed", "digest", "alternative", "x"], &generator)
            text += "Content-Type: multipart/\(subtype); boundary=\"\(boundary)\"\r\n"
            text += chance(95, &generator) ? "\r\n" : ""
            if chance(40, &generator) { text += pick(contents, &generator) }
            for _ in 0..<(generator.next() % 4) {
                text += "--\(boundary)" + pick(["", "", "", " ", "\t", "x"], &generator) + "\r\n"
                text += entity(&generator, depth: depth + 1)
                if chance(70, &generator), !text.hasSuffix("\r\n") { text += "\r\n" }
            }
            if chance(70, &generator) { text += "--\(boundary)--" + pick(["\r\n", "", "\r\nepilogue\r\n", "z\r\n"], &generator) }
        case 5, 6:
            text += "Content-Type: message/rfc822\r\n" + (chance(90, &generator) ? "\r\n" : "") + entity(&generator, depth: depth + 1)
        default:
            if chance(60, &generator) {
                text +=
                    "Content-Type: "
                    + pick(
                        ["text/plain; charset=utf-8", "text/html", "application/x; name=\"a b\"", "text/plain;charset=", "image/png"],
                        &generator) + "\r\n"
            }
            text += chance(93, &generator) ? "\r\n" : ""
            for _ in 0..<(generator.next() % 5) { text += pick(contents, &generator) }
        }
        return text
    }
}
