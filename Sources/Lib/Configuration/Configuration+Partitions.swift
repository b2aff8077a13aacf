extension Configuration {
    /// What a partition keeps in a directory.
    public enum PartitionKind: String, Sendable, CaseIterable {
        case data = "partition-"
        case metadata = "metapartition-"
        case archive = "archivepartition-"
    }

    /// The directory of a partition, or nil when it is not configured.
    public func partition(_ name: String, _ kind: PartitionKind = .data) -> String? {
        overflow(kind.rawValue + name).map { Self.replacingDirectory(in: $0, by: directory) }
    }

    /// The directory of one kind of meta file of a partition (`metadir-FILE-NAME`).
    public func metadataDirectory(file: String, partition: String) -> String? {
        overflow("metadir-\(file)-\(partition)").map { Self.replacingDirectory(in: $0, by: directory) }
    }

    /// The directory of a search tier's partition (`TIERsearchpartition-NAME`).
    public func searchPartition(tier: String, partition: String) -> String? {
        overflow("\(tier)searchpartition-\(partition)").map { Self.replacingDirectory(in: $0, by: directory) }
    }

    /// Names and directories of all configured partitions, in the file's order.
    public var partitions: [(name: String, directory: String)] {
        overflow.compactMap {
            guard $0.name.hasPrefix(PartitionKind.data.rawValue) else { return nil }
            let name = String($0.name.dropFirst(PartitionKind.data.rawValue.count))
            return partition(name).map { (name, $0) }
        }
    }

    /// Programs that need partitions call this: `defaultpartition`'s directory must be named.
    public func checkDefaultPartition() throws(ConfigurationError) {
        guard let name = self[.defaultpartition] else { return }
        guard partition(name) != nil else { throw .missing(name: "partition-\(name)") }
    }

    /// Data of two partitions in one directory, or one inside the other, would be taken for each other's mailboxes;
    /// so would meta data of two.
    static func checkPartitions(_ overflow: [Overflow]) throws(ConfigurationError) {
        for group in [[PartitionKind.data, .archive], [.metadata]] {
            let named = overflow.filter { setting in group.contains { setting.name.hasPrefix($0.rawValue) } }
            for (index, one) in named.enumerated() {
                for other in named[..<index] where overlaps(one.value, other.value) {
                    throw .partitionsOverlap(other.name, one.name, path: one.value.count >= other.value.count ? one.value : other.value)
                }
            }
        }
    }

    private static func overlaps(_ one: String, _ other: String) -> Bool {
        let (a, b) = (components(one), components(other))
        let common = min(a.count, b.count)
        return a[..<common] == b[..<common]
    }

    /// A path's names, without what does not change where it leads.
    private static func components(_ path: String) -> ArraySlice<Substring> {
        path.split(separator: "/").filter { $0 != "." }[...]
    }
}
