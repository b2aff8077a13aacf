import Foundation

/// What the rows of the benchmark are made of.
enum Work {
    static func body(_ size: Int, _ id: String) -> [UInt8] {
        var text = "From: Sender Name <sender@example.com>\r\nTo: Bench User <bench1@example.com>\r\nSubject: benchmark message \(id)\r\n"
        text +=
            "Date: Sat, 21 Nov 2026 08:00:00 +0000\r\nMessage-ID: <\(id)@bench.example>\r\nX-Bench: number \(id)\r\nMIME-Version: 1.0\r\n"
        text += "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        let line = "The quick brown fox jumps over the lazy dog while mail is being delivered.\r\n"
        while text.utf8.count + line.utf8.count < size { text += line }
        return Array((text + "unique\(id)end\r\n").utf8)
    }

    static func deliver(_ count: Int, _ size: Int, _ name: String, user: String, port: Int) throws {
        let peer = try Peer(port: port)
        _ = try peer.reply()
        try peer.send("LHLO bench\r\n")
        _ = try peer.reply()
        for number in 0..<count {
            try peer.send("MAIL FROM:<sender@example.com>\r\nRCPT TO:<\(user)>\r\nDATA\r\n")
            guard try peer.reply() == 250, try peer.reply() == 250, try peer.reply() == 354 else {
                throw Peer.Failure("refused before DATA")
            }
            try peer.send(body(size, "\(name)-\(number)") + Array(".\r\n".utf8))
            guard try peer.reply() == 250 else { throw Peer.Failure("not delivered") }
        }
        try peer.send("QUIT\r\n")
    }

    static func login(_ user: String, port: Int) throws -> Peer {
        let peer = try Peer(port: port)
        _ = try peer.line()
        _ = try peer.command("l", "LOGIN \(user) secret")
        return peer
    }
}
