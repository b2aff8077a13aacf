import Bytes

/// How flat writes bytes that would end a key or a line: FF and the byte with its high bit set; FF itself twice.
enum FlatEscaping {
    static func append(_ bytes: borrowing RawSpan, to out: inout [UInt8]) {
        for i in 0..<bytes.byteCount {
            let byte = bytes[i]
            switch byte {
            case 0x00, 0x09, 0x0a, 0x0d:
                out.append(0xff)
                out.append(byte | 0x80)
            case 0xff:
                out.append(0xff)
                out.append(0xff)
            default: out.append(byte)
            }
        }
    }

    static func escaped(_ bytes: borrowing RawSpan) -> [UInt8] {
        var out: [UInt8] = []
        append(bytes, to: &out)
        return out
    }

    static func appendUnescaped(_ bytes: borrowing RawSpan, to out: inout [UInt8]) {
        guard bytes.firstOffset(of: 0xff) != nil else { return out.append(bytes) }
        var i = 0
        while i < bytes.byteCount {
            if bytes[i] == 0xff, i + 1 < bytes.byteCount {
                i += 1
                out.append(bytes[i] == 0xff ? 0xff : bytes[i] & 0x7f)
            } else {
                out.append(bytes[i])
            }
            i += 1
        }
    }
}
