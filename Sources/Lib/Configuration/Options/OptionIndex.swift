/// Finds a record by name: an open-addressing table of small integers, a few microseconds to make.
struct OptionIndex: Sendable {
    private var slots: [UInt16]
    private let mask: Int
    private static let empty = UInt16.max

    static let shared = OptionIndex(OptionRecord.all)

    init(_ records: [OptionRecord]) {
        var size = 16
        while size < records.count * 2 { size *= 2 }
        slots = Array(repeating: Self.empty, count: size)
        mask = size - 1
        for (index, record) in records.enumerated() {
            var slot = Self.hash(record.name.utf8) & mask
            while slots[slot] != Self.empty { slot = (slot + 1) & mask }
            slots[slot] = UInt16(index)
        }
    }

    /// The place in `OptionRecord.all` of the option called `name`.
    subscript(name: String) -> Int? {
        var slot = Self.hash(name.utf8) & mask
        while slots[slot] != Self.empty {
            let index = Int(slots[slot])
            if OptionRecord.all[index].name == name { return index }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// FNV-1a.
    private static func hash(_ bytes: String.UTF8View) -> Int {
        var value: UInt32 = 2_166_136_261
        for byte in bytes { value = (value ^ UInt32(byte)) &* 16_777_619 }
        return Int(value)
    }
}

extension OptionRecord {
    /// The option called `name` (lower case).
    public static func named(_ name: String) -> OptionRecord? {
        OptionIndex.shared[name].map { all[$0] }
    }
}
