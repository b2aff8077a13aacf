import Bytes

/// The form of a subject by which conversations are told apart: not RFC 5256's base subject, but Cyrus's own.
enum ConversationSubject {
    /// From a decoded (UTF-8) subject: without what stands in square brackets (even if they do not match), without words at the start
    /// that end in a colon, and without white space and no-break spaces. Letters keep their case.
    static func normalized(_ subject: [UInt8]) -> [UInt8] {
        let text = withoutBrackets(Array(subject.prefix { $0 != 0 }))
        var at = 0
        while let end = label(text, from: at) { at = end }
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        while at < text.count {
            let byte = text[at]
            if byte == 0xc2, at + 1 < text.count, text[at + 1] == 0xa0 {
                at += 2
                continue
            }
            if byte != 0x20 && byte != 0x09 && byte != 0x0d && byte != 0x0a { out.append(byte) }
            at += 1
        }
        return out
    }

    /// Without matching brackets and what they hold, without everything up to a `]` that nothing opened, and from a `[` that nothing closes.
    private static func withoutBrackets(_ text: [UInt8]) -> [UInt8] {
        var open: [Int] = []
        var start = 0
        var pairs: [Int: Int] = [:]
        for (place, byte) in text.enumerated() {
            if byte == UInt8(ascii: "[") { open.append(place) }
            if byte == UInt8(ascii: "]") {
                if let from = open.popLast() { pairs[from] = place } else { start = place + 1 }
            }
        }
        let end = open.first ?? text.count
        var out: [UInt8] = []
        var at = start
        while at < end {
            if let close = pairs[at] {
                at = close + 1
            } else {
                out.append(text[at])
                at += 1
            }
        }
        return out
    }

    /// Behind the last colon of the first word (`Re:`, `AW:Fwd:`), which must not be its first character.
    private static func label(_ text: [UInt8], from first: Int) -> Int? {
        let start = text[first...].firstIndex { $0 != 0x20 && $0 != 0x09 } ?? text.count
        let end = text[start...].firstIndex { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d || $0 == 0x0a || $0 == 0x0c } ?? text.count
        guard let colon = text[start..<end].lastIndex(of: UInt8(ascii: ":")), colon > start else { return nil }
        return colon + 1
    }
}
