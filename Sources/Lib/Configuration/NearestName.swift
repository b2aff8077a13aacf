/// The candidate that `name` was most likely meant to be, or nil when none is near.
///
/// Distance counts insertions, deletions, replacements and swaps of neighbours; up to a third of the name may be wrong.
func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    let word = Array(name.utf8)
    let occurring = letters(name.utf8)
    let limit = max(1, word.count / 3)
    var best: (name: String, distance: Int)?
    for candidate in candidates {
        // Each edit changes at most two of the letters that occur: most candidates need no distance.
        guard abs(candidate.utf8.count - word.count) <= limit,
            (occurring ^ letters(candidate.utf8)).nonzeroBitCount <= 2 * limit
        else { continue }
        let other = Array(candidate.utf8)
        let distance = editDistance(word, other)
        if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
}

/// Which letters occur, one bit for each class of bytes equal modulo 64.
private func letters(_ bytes: String.UTF8View) -> UInt64 {
    var occurring: UInt64 = 0
    for byte in bytes { occurring |= 1 << UInt64(byte & 63) }
    return occurring
}

/// Optimal string alignment distance.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        row.reserveCapacity(b.count + 1)
        for j in b.indices {
            var distance = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { distance = min(distance, beforeLast[j - 1] + 1) }
            row.append(distance)
        }
        beforeLast = last
        last = row
    }
    return last[b.count]
}
