import Bytes
import DList

/// A value; what is read is printed, and must read the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    guard let value = try? DList(parsing: bytes) else { return 0 }
    var printed: [UInt8] = []
    printed.append(value)
    precondition((try? DList(parsing: printed)) == value, "what was printed reads otherwise")
    return 0
}
