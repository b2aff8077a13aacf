import Bytes

extension ParsedMessage {
    /// Joins RFC 2231 continuations: `NAME*0` takes `NAME*1` … `NAME*99` from anywhere in the list, which leave it.
    ///
    /// When one of them is extended (`NAME*1*`) the whole value becomes extended and is then called `NAME*`.
    /// The list is indexed by name, so that a hostile one costs no more than its length.
    mutating func joinSections(from first: Int) {
        var index: [[UInt8]: [Int]] = [:]
        for i in (first..<parameters.count).reversed() {
            index[text.span(parameters[i].name).array, default: []].append(i)
        }
        var isGone = [Bool](repeating: false, count: parameters.count - first)
        for i in first..<parameters.count where !isGone[i - first] {
            let name = text.span(parameters[i].name).array
            guard let star = name.firstIndex(of: UInt8(ascii: "*")) else { continue }
            let suffix = name[(star + 1)...]
            let isExtended = suffix.elementsEqual([UInt8(ascii: "0"), UInt8(ascii: "*")])
            guard isExtended || suffix.elementsEqual([UInt8(ascii: "0")]) else { continue }
            join(i, base: [UInt8](name[..<star]), isExtended: isExtended, index: &index) { isGone[$0 - first] = true }
        }
        var kept = first
        for i in first..<parameters.count where !isGone[i - first] {
            parameters[kept] = parameters[i]
            kept += 1
        }
        parameters.removeLast(parameters.count - kept)
    }

    private mutating func join(_ at: Int, base: [UInt8], isExtended: Bool, index: inout [[UInt8]: [Int]], remove: (Int) -> Void) {
        var isExtended = isExtended
        var value = text.span(parameters[at].value).array
        for section in 1..<100 {
            var plain = base
            plain.append(UInt8(ascii: "*"))
            plain.append(decimal: section)
            var extended = plain
            extended.append(UInt8(ascii: "*"))
            let plainAt = index[plain]?.last
            let extendedAt = index[extended]?.last
            guard let next = [plainAt, extendedAt].compactMap({ $0 }).min() else { break }
            let piece = text.span(parameters[next].value).array
            if next == plainAt {
                index[plain]?.removeLast()
                if isExtended { Self.appendPercentEncoded(piece, to: &value) } else { value += piece }
            } else {
                index[extended]?.removeLast()
                if !isExtended {
                    var encoded: [UInt8] = [0x27, 0x27]
                    Self.appendPercentEncoded(value, to: &encoded)
                    value = encoded
                    isExtended = true
                }
                value += piece
            }
            remove(next)
        }
        parameters[at].value = text.add(value.span.bytes)
        parameters[at].name = text.add((isExtended ? base + [UInt8(ascii: "*")] : base).span.bytes)
    }

    private static func appendPercentEncoded(_ bytes: [UInt8], to out: inout [UInt8]) {
        for byte in bytes {
            if byte <= 0x20 || byte >= 0x7f || byte == UInt8(ascii: "*") || byte == 0x27 || byte == UInt8(ascii: "%")
                || FieldValue.isSpecial(byte)
            {
                out.append(UInt8(ascii: "%"))
                out.append(hexDigit(byte >> 4).asciiUppercased)
                out.append(hexDigit(byte & 15).asciiUppercased)
            } else {
                out.append(byte)
            }
        }
    }
}
