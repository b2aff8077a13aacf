/// `MAJOR.MINOR.REVISION`, missing parts zero.
struct VersionNumber: Comparable {
    private let parts: [Int]

    init(_ text: String) {
        var parts = text.split(separator: ".").prefix(3).map { Int($0.prefix(while: \.isNumber)) ?? 0 }
        while parts.count < 3 { parts.append(0) }
        self.parts = parts
    }

    static func < (a: VersionNumber, b: VersionNumber) -> Bool {
        a.parts.lexicographicallyPrecedes(b.parts)
    }
}
