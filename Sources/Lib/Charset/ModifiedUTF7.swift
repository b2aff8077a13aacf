import Bytes

/// The encoding of mailbox names in IMAP (RFC 3501 section 5.1.3): printable ASCII as itself, `&` as `&-`, the rest as UTF-16 in
/// base64 (with `,` for `/`) between `&` and `-`.
public enum ModifiedUTF7 {
    /// Why bytes are no modified UTF-7.
    public enum Failure: Error, Equatable {
        /// A byte outside 0x20...0x7e at this offset.
        case byteNotPrintable(at: Int)
        /// The shift that starts at this offset does not end, has a wrong digit, left-over bits, or a lone surrogate.
        case badShift(at: Int)
        /// ASCII inside a shift, or a shift right behind another: another spelling of a name that has a shorter one.
        case notCanonical(at: Int)
        /// The text to encode is not UTF-8 at this offset.
        case notUTF8(at: Int)
    }

    /// The UTF-8 of an encoded name.
    public static func decode(_ name: borrowing RawSpan) throws(Failure) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(name.byteCount)
        var at = 0
        var shiftEnd = -1
        while at < name.byteCount {
            let byte = name[at]
            guard byte >= 0x20 && byte < 0x7f else { throw .byteNotPrintable(at: at) }
            guard byte == UInt8(ascii: "&") else {
                out.append(byte)
                at += 1
                continue
            }
            let start = at
            at += 1
            if at < name.byteCount, name[at] == UInt8(ascii: "-") {
                out.append(byte)
                at += 1
                continue
            }
            if start == shiftEnd { throw .notCanonical(at: start) }
            at = try decodeShift(name, start: start, into: &out)
            shiftEnd = at
        }
        return out
    }

    private static func decodeShift(_ name: borrowing RawSpan, start: Int, into out: inout [UInt8]) throws(Failure) -> Int {
        var at = start + 1
        var (bits, count): (UInt32, Int) = (0, 0)
        var high: UInt32 = 0
        while true {
            guard at < name.byteCount else { throw .badShift(at: start) }
            let byte = name[at]
            at += 1
            if byte == UInt8(ascii: "-") { break }
            guard let digit = digitValue(byte) else { throw .badShift(at: start) }
            bits = bits << 6 | digit
            count += 6
            guard count >= 16 else { continue }
            count -= 16
            let unit = bits >> UInt32(count) & 0xffff
            bits &= (1 << UInt32(count)) - 1
            if unit & 0xfc00 == 0xd800 {
                if high != 0 { throw .badShift(at: start) }
                high = unit
            } else if unit & 0xfc00 == 0xdc00 {
                if high == 0 { throw .badShift(at: start) }
                out.append(scalar: 0x10000 + (high & 0x3ff) << 10 + unit & 0x3ff)
                high = 0
            } else {
                if high != 0 { throw .badShift(at: start) }
                if unit >= 0x20 && unit < 0x7f { throw .notCanonical(at: start) }
                out.append(scalar: unit)
            }
        }
        guard high == 0 && count < 6 && bits == 0 else { throw .badShift(at: start) }
        return at
    }

    private static func digitValue(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x41...0x5a: UInt32(byte - 0x41)
        case 0x61...0x7a: UInt32(byte - 0x61 + 26)
        case 0x30...0x39: UInt32(byte - 0x30 + 52)
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: ","): 63
        default: nil
        }
    }

    /// Whether `name` is the one right spelling of a mailbox name.
    public static func isValid(_ name: borrowing RawSpan) -> Bool {
        do {
            _ = try decode(name)
            return true
        } catch {
            return false
        }
    }

    /// The encoded form of UTF-8 text.
    public static func encode(_ text: borrowing RawSpan) throws(Failure) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.byteCount)
        var (bits, count): (UInt32, Int) = (0, 0)
        var isShifted = false
        func endShift(_ out: inout [UInt8]) {
            if count > 0 { out.append(digit(bits << UInt32(6 - count) & 0x3f)) }
            out.append(UInt8(ascii: "-"))
            (bits, count, isShifted) = (0, 0, false)
        }
        func put(_ unit: UInt32, _ out: inout [UInt8]) {
            bits = bits << 16 | unit
            count += 16
            while count >= 6 {
                count -= 6
                out.append(digit(bits >> UInt32(count) & 0x3f))
            }
            bits &= (1 << UInt32(count)) - 1
        }
        var at = 0
        while at < text.byteCount {
            guard case .whole(let scalar, let length) = UTF8Sequence(text, at: at) else { throw .notUTF8(at: at) }
            at += length
            if scalar >= 0x20 && scalar < 0x7f {
                if isShifted { endShift(&out) }
                out.append(UInt8(scalar))
                if scalar == 0x26 { out.append(UInt8(ascii: "-")) }
                continue
            }
            if !isShifted {
                out.append(UInt8(ascii: "&"))
                isShifted = true
            }
            if scalar >= 0x10000 {
                put(0xd800 | (scalar - 0x10000) >> 10, &out)
                put(0xdc00 | (scalar - 0x10000) & 0x3ff, &out)
            } else {
                put(scalar, &out)
            }
        }
        if isShifted { endShift(&out) }
        return out
    }

    private static func digit(_ value: UInt32) -> UInt8 {
        let low = UInt8(truncatingIfNeeded: value)
        switch low {
        case 0..<26: return 0x41 + low
        case 26..<52: return 0x61 + low - 26
        case 52..<62: return 0x30 + low - 52
        case 62: return UInt8(ascii: "+")
        default: return UInt8(ascii: ",")
        }
    }
}
