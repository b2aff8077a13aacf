import Bytes

/// RFC 2231 section 4: the value of a parameter whose name ends in `*`, `charset'language'text` with `%XX` for bytes.
public enum ExtendedValue {
    /// The value as UTF-8. Without two quotes it is taken as UTF-8 text with `%XX`; in an unknown set it stays as it is.
    public static func decoded(_ value: borrowing RawSpan) -> [UInt8] {
        guard let first = value.firstOffset(of: 0x27), let second = value.firstOffset(of: 0x27, from: first + 1) else {
            return percentDecoded(value)
        }
        let bytes = percentDecoded(value.dropping(second + 1))
        if first == 0 { return bytes }
        do {
            return try Charset.utf8(of: bytes.span.bytes, in: value.slice(0, first))
        } catch {
            return bytes
        }
    }

    /// The value as UTF-8 when it names a known set; nil for anything else.
    public static func decodedIfLabelled(_ value: borrowing RawSpan) -> [UInt8]? {
        guard let first = value.firstOffset(of: 0x27), first > 0, let second = value.firstOffset(of: 0x27, from: first + 1) else {
            return nil
        }
        let bytes = percentDecoded(value.dropping(second + 1))
        do { return try Charset.utf8(of: bytes.span.bytes, in: value.slice(0, first)) } catch { return nil }
    }

    private static func percentDecoded(_ text: borrowing RawSpan) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.byteCount)
        var i = 0
        while i < text.byteCount {
            if text[i] == UInt8(ascii: "%"), i + 2 < text.byteCount, let high = text[i + 1].hexValue, let low = text[i + 2].hexValue {
                out.append(high << 4 | low)
                i += 3
            } else {
                out.append(text[i])
                i += 1
            }
        }
        return out
    }
}
