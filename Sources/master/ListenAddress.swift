/// What `listen=` of a service names: `/path`, `port`, `host:port`, `[ipv6]:port`, `[address]`. Pure.
enum ListenAddress: Equatable {
    case unix(path: String)
    /// host nil: every address of the machine.
    case network(host: String?, port: String)

    init(_ text: String) {
        if text.hasPrefix("/") {
            self = .unix(path: text)
            return
        }
        if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
            let host = String(text[text.index(after: text.startIndex)..<close])
            let rest = text[text.index(after: close)...]
            self = .network(host: host.isEmpty ? nil : host, port: rest.hasPrefix(":") ? String(rest.dropFirst()) : "")
            return
        }
        guard let colon = text.lastIndex(of: ":") else {
            self = .network(host: nil, port: text)
            return
        }
        let host = String(text[..<colon])
        self = .network(host: host.isEmpty ? nil : host, port: String(text[text.index(after: colon)...]))
    }
}

/// The IP type-of-service byte of a `qosmarking` word; nil for one that is not known.
func typeOfService(qosmarking word: String) -> Int32? {
    if word == "ef" { return 0xb8 }
    let digits = word.compactMap(\.wholeNumberValue)
    if word.hasPrefix("cs"), digits.count == 1 { return Int32(digits[0]) << 5 }
    if word.hasPrefix("af"), digits.count == 2 { return Int32(8 * digits[0] + 2 * digits[1]) << 2 }
    return nil
}
