import Bytes

/// The one-letter directories that spread users, domains and quota roots (Cyrus `dir_hash_c`).
public enum DirectoryHash {
    /// The directory of a name. `full` is option `fulldirhash`; without it the first letter counts.
    public static func letter(_ name: borrowing RawSpan, full: Bool) -> UInt8 {
        if full {
            var n: UInt32 = 0
            for i in 0..<name.byteCount {
                let byte = name[i]
                if byte == UInt8(ascii: ".") { break }
                n = ((n << 3) ^ (n >> 5)) ^ UInt32(byte)
            }
            return UInt8(ascii: "A") + UInt8(n % 23)
        }
        guard name.byteCount > 0 else { return UInt8(ascii: "q") }
        let first = name[0].asciiLowercased
        return first.isASCIILower ? first : UInt8(ascii: "q")
    }

    /// As text, for paths.
    public static func text(_ name: [UInt8], full: Bool) -> String {
        String(UnicodeScalar(letter(name.span.bytes, full: full)))
    }
}
