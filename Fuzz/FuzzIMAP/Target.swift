import Bytes

/// A command line, as the reader hands it to the parser.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    var parser = CommandParser(bytes)
    _ = try? parser.sequence("Fetch")
    _ = try? parser.space()
    let middle = parser
    _ = try? FetchItems(&parser)
    parser = middle
    _ = try? SearchParser.parse(&parser)
    parser = CommandParser(bytes)
    while !parser.isAtEnd {
        if (try? parser.astring()) != nil { continue }
        if (try? parser.flags()) != nil { continue }
        if (try? parser.listMailbox()) != nil { continue }
        parser.advance()
    }
    return 0
}
