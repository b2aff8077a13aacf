import Message

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    Fuzzing.parseAndReadBack(bytes)
    Fuzzing.readCache(bytes)
    return 0
}
