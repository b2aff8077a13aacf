import Bytes
import CICU

/// A label that names no character set (imapd answers `BAD Unrecognized character set`).
public struct UnknownCharset: Error, Equatable, CustomStringConvertible {
    public let label: [UInt8]

    public var description: String { "unrecognized character set \(label.text)" }
}

/// A character set by the label that mail and IMAP name it with: decodes bytes to UTF-8 (ICU; Cyrus `charset_t`).
///
/// Bytes that are wrong in the set become U+FFFD, never an error. UTF-8 is read without ICU, as Cyrus reads it: an unfinished character at
/// the end is dropped and overlong forms are taken for what they say (nothing here looks at paths or markup).
public struct Charset: ~Copyable {
    private enum Form { case utf8, ascii, converter }

    private let form: Form
    private let converter: OpaquePointer?
    /// The unfinished UTF-8 character, kept between pieces: continuation bytes to come, and what there is of it.
    private var missing = 0
    private var scalar: UInt32 = 0

    /// The set that `label` names, in any case (`utf-8`, `ISO-8859-1`, `cp1252`, `gb2312` …).
    public init(named label: borrowing RawSpan) throws(UnknownCharset) {
        if Charset.isUTF8(label) {
            form = .utf8
            converter = nil
        } else if Charset.isASCII(label) {
            form = .ascii
            converter = nil
        } else {
            guard let opened = Charset.open(label) else { throw UnknownCharset(label: label.array) }
            form = .converter
            converter = opened
        }
    }

    /// Whether the set is UTF-8.
    public var isUTF8: Bool { form == .utf8 }

    private init(form: Form) {
        self.form = form
        converter = nil
    }

    deinit {
        if let converter { cicu_close(converter) }
    }

    public static var utf8: Charset { Charset(form: .utf8) }
    public static var usASCII: Charset { Charset(form: .ascii) }

    /// Whether `label` names a set at all.
    public static func isKnown(_ label: borrowing RawSpan) -> Bool {
        if isUTF8(label) || isASCII(label) { return true }
        // The sets nearly all other mail names, without opening a converter.
        if label.equalsIgnoringCase("iso-8859-1") || label.equalsIgnoringCase("windows-1252") { return true }
        guard let opened = open(label) else { return false }
        cicu_close(opened)
        return true
    }

    private static func isUTF8(_ label: borrowing RawSpan) -> Bool {
        label.equalsIgnoringCase("utf-8") || label.equalsIgnoringCase("utf8") || label.equalsIgnoringCase("unicode-1-1-utf-8")
    }

    private static func isASCII(_ label: borrowing RawSpan) -> Bool {
        label.equalsIgnoringCase("us-ascii") || label.equalsIgnoringCase("ascii")
    }

    /// A converter of ICU's for a label, looked up among Cyrus's own names first. An empty label would be ICU's default: it is no name in mail.
    private static func open(_ label: borrowing RawSpan) -> OpaquePointer? {
        guard label.byteCount > 0, label.byteCount < 60 else { return nil }
        for alias in aliases where label.equalsIgnoringCase(alias.label) { return open(name: alias.name) }
        var name: [CChar] = []
        name.reserveCapacity(label.byteCount + 1)
        for i in 0..<label.byteCount {
            let byte = label[i]
            if byte == 0 { return nil }
            name.append(CChar(bitPattern: byte))
        }
        name.append(0)
        return name.withUnsafeBufferPointer { buffer in
            // The buffer holds at least its final NUL.
            buffer.baseAddress.flatMap { cicu_open($0) }
        }
    }

    private static func open(name: StaticString) -> OpaquePointer? {
        name.withUTF8Buffer { buffer in
            // A StaticString ends in a NUL.
            UnsafeRawPointer(buffer.baseAddress).flatMap { cicu_open($0.assumingMemoryBound(to: CChar.self)) }
        }
    }

    /// Appends the UTF-8 of `bytes`. Without `final` an unfinished character at the end waits for the next piece.
    public mutating func decode(_ bytes: borrowing RawSpan, final: Bool = true, into out: inout [UInt8]) {
        switch form {
        case .ascii:
            for i in 0..<bytes.byteCount {
                let byte = bytes[i]
                if byte < 0x80 { out.append(byte) } else { out.appendReplacement() }
            }
        case .utf8:
            decodeUTF8(bytes, final: final, into: &out)
        case .converter:
            convert(bytes, final: final, into: &out)
        }
    }

    private mutating func decodeUTF8(_ bytes: borrowing RawSpan, final: Bool, into out: inout [UInt8]) {
        for i in 0..<bytes.byteCount {
            let byte = bytes[i]
            if byte < 0x80 {
                if missing > 0 {
                    out.appendReplacement()
                    missing = 0
                }
                out.append(byte)
            } else if byte < 0xc0 {
                guard missing > 0 else {
                    out.appendReplacement()
                    continue
                }
                scalar = scalar << 6 | UInt32(byte & 0x3f)
                missing -= 1
                if missing == 0 { out.append(scalar: scalar) }
            } else {
                if missing > 0 { out.appendReplacement() }
                switch byte {
                case 0xc2...0xdf: (missing, scalar) = (1, UInt32(byte & 0x1f))
                case 0xe0...0xef: (missing, scalar) = (2, UInt32(byte & 0x0f))
                case 0xf0...0xf4: (missing, scalar) = (3, UInt32(byte & 0x07))
                default:
                    missing = 0
                    out.appendReplacement()
                }
            }
        }
        if final { missing = 0 }
    }

    private func convert(_ bytes: borrowing RawSpan, final: Bool, into out: inout [UInt8]) {
        guard let converter else { return }
        bytes.withUnsafeBytes { raw in
            withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 1024) { units in
                // An empty source still flushes; any valid address will do for it.
                guard let unitBase = units.baseAddress else { return }
                let base = raw.bindMemory(to: CChar.self).baseAddress
                var source: UnsafePointer<CChar>? = base ?? UnsafeRawPointer(unitBase).assumingMemoryBound(to: CChar.self)
                let end = source.map { $0 + raw.count }
                var high: UInt32 = 0
                while true {
                    var target: UnsafeMutablePointer<UInt16>? = unitBase
                    let more = cicu_to_unicode(converter, &target, unitBase + units.count, &source, end, final ? 1 : 0)
                    let count = target.map { $0 - unitBase } ?? 0
                    for i in 0..<count { out.append(utf16: units[i], pendingHigh: &high) }
                    if more == 0 { break }
                }
                if final { cicu_reset(converter) }
            }
        }
    }

    /// All of `bytes` as UTF-8.
    public static func utf8(of bytes: borrowing RawSpan, in label: borrowing RawSpan) throws(UnknownCharset) -> [UInt8] {
        var charset = try Charset(named: label)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.byteCount)
        charset.decode(bytes, into: &out)
        return out
    }
}
