import Testing

@testable import CyrusDB

struct ComparatorTests {
    @Test(arguments: [
        (Comparator.raw, ["a", "a-b", "a.b", "ab", "é"]),
        (Comparator.mailbox, ["a", "a\tb", "a.b", "a\u{1}b", "a-b", "ab", "é"]),
        (Comparator.signedBytes, ["é", "a", "a-b", "a.b", "ab"]),
    ])
    func `keys sort in the engine's order`(_ comparator: Comparator, _ sorted: [String]) {
        for (i, a) in sorted.enumerated() {
            for (j, b) in sorted.enumerated() {
                let order = comparator.compare(Array(a.utf8).span.bytes, Array(b.utf8).span.bytes)
                #expect(order.signum() == (i - j).signum(), "\(a) against \(b)")
            }
        }
    }
}
