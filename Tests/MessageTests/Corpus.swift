import Foundation

/// Real mail: the folder of .eml files that MAIL_CORPUS names, with CRLF line ends; nothing without it.
enum Corpus {
    static func messages() throws -> [HostileMessages.Sample] {
        guard let folder = ProcessInfo.processInfo.environment["MAIL_CORPUS"] else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".eml") }.sorted().map { name in
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
            var out: [UInt8] = []
            out.reserveCapacity(bytes.count + bytes.count / 32)
            for byte in bytes where byte != 0 {
                if byte == 10, out.last != 13 { out.append(13) }
                out.append(byte)
            }
            return HostileMessages.Sample(name: name, bytes: out)
        }
    }
}
