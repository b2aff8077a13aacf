import Bytes
import Posix

/// Which file of the quota tree holds a quota root (internal form, `.` between levels, `domain!` before).
struct QuotaLegacyPaths {
    /// The directory that holds `quota/` and `domain/`: the configured path without its last element.
    let base: String
    let fullHash: Bool
    let virtualDomains: Bool

    func path(_ root: [UInt8]) -> String {
        if virtualDomains, let mark = root.firstIndex(of: UInt8(ascii: "!")) {
            let domain = Array(root[..<mark])
            let rest = Array(root[(mark + 1)...])
            let directory = "\(base)/domain/\(DirectoryHash.text(domain, full: fullHash))/\(domain.text)/quota"
            return rest.isEmpty ? "\(directory)/root" : "\(directory)/\(hash(rest))/\(rest.text)"
        }
        return "\(base)/quota/\(hash(root))/\(root.text)"
    }

    /// The letter of the part after the first dot; of all when there is none.
    private func hash(_ root: [UInt8]) -> String {
        let part = root.firstIndex(of: UInt8(ascii: ".")).map { Array(root[($0 + 1)...]) } ?? root
        return DirectoryHash.text(part, full: fullHash)
    }

    /// All quota roots there are, unsorted.
    func allRoots() throws(PosixError) -> [[UInt8]] {
        var roots = try roots(in: base + "/quota")
        guard virtualDomains else { return roots }
        for letter in try names(base + "/domain") {
            for domain in try names("\(base)/domain/\(letter)") {
                let directory = "\(base)/domain/\(letter)/\(domain)/quota"
                let prefix = Array(domain.utf8) + [UInt8(ascii: "!")]
                if try FileSystem.status(directory + "/root")?.kind == .regular { roots.append(prefix) }
                for root in try self.roots(in: directory) { roots.append(prefix + root) }
            }
        }
        return roots
    }

    private func roots(in directory: String) throws(PosixError) -> [[UInt8]] {
        var roots: [[UInt8]] = []
        for letter in try names(directory) where letter.utf8.count == 1 {
            for name in try names("\(directory)/\(letter)") where !name.hasSuffix(".NEW") { roots.append(Array(name.utf8)) }
        }
        return roots
    }

    private func names(_ directory: String) throws(PosixError) -> [String] {
        do throws(PosixError) {
            return try FileSystem.list(directory)
        } catch {
            if error.isMissing { return [] }
            throw error
        }
    }
}
