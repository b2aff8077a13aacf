import Glibc

// libc's memcmp and memchr, usable from inlinable code of this module.

@usableFromInline
func memcmpBytes(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> CInt {
    memcmp(a, b, count)
}

@usableFromInline
func findByte(_ start: UnsafeRawPointer, _ byte: UInt8, _ count: Int) -> UnsafeRawPointer? {
    memchr(start, CInt(byte), count).map { UnsafeRawPointer($0) }
}
