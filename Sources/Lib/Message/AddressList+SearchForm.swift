import Bytes
import Charset

extension AddressList {
    /// Appends the list as cache items 5 to 8 hold it: names decoded to UTF-8, addresses in lower case.
    public func appendSearchForm(to out: inout [UInt8]) {
        var needsComma = false
        for address in addresses {
            guard let mailbox = address.mailbox else {
                out.append(UInt8(ascii: ";"))
                needsComma = true
                continue
            }
            if needsComma { out.append(UInt8(ascii: ",")) }
            guard let domain = address.domain else {
                EncodedWords.decode(mailbox.span.bytes, into: &out)
                out.append(UInt8(ascii: ":"))
                needsComma = false
                continue
            }
            if let name = address.name {
                AddressList.append(name: EncodedWords.decoded(name.span.bytes), to: &out)
                out.append(0x20)
            }
            out.append(UInt8(ascii: "<"))
            if let route = address.route {
                for byte in route { out.append(byte.asciiLowercased) }
                out.append(UInt8(ascii: ":"))
            }
            for byte in mailbox { out.append(byte.asciiLowercased) }
            out.append(UInt8(ascii: "@"))
            for byte in domain { out.append(byte.asciiLowercased) }
            out.append(UInt8(ascii: ">"))
            needsComma = true
        }
    }

    private static func append(name: [UInt8], to out: inout [UInt8]) {
        if name.allSatisfy(isBare) {
            out += name
            return
        }
        out.append(UInt8(ascii: "\""))
        for byte in name {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { out.append(UInt8(ascii: "\\")) }
            out.append(byte)
        }
        out.append(UInt8(ascii: "\""))
    }

    /// What a name may have without quotes: RFC 5322's atext and white space.
    private static func isBare(_ byte: UInt8) -> Bool {
        if byte.isASCIIAlphanumeric || byte.isASCIISpace { return true }
        switch byte {
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"), 0x27, UInt8(ascii: "*"),
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "?"), UInt8(ascii: "^"),
            UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"), UInt8(ascii: "~"):
            return true
        default: return false
        }
    }
}
