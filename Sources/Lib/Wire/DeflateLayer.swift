import CZlib

/// Raw deflate both ways (RFC 4978), flushed at the end of each send.
public final class DeflateLayer: ConnectionLayer {
    private let inflater: UnsafeMutablePointer<z_stream>
    private let deflater: UnsafeMutablePointer<z_stream>

    public init() throws(ConnectionError) {
        inflater = .allocate(capacity: 1)
        deflater = .allocate(capacity: 1)
        inflater.initialize(to: z_stream())
        deflater.initialize(to: z_stream())
        guard cy_inflate_init(inflater) == Z_OK, cy_deflate_init(deflater) == Z_OK else { throw .layer("zlib could not be set up") }
    }

    deinit {
        inflateEnd(inflater)
        deflateEnd(deflater)
        inflater.deallocate()
        deflater.deallocate()
    }

    public func receive(_ bytes: [UInt8], into plain: inout [UInt8]) throws(ConnectionError) {
        var bytes = bytes
        var failed = false
        bytes.withUnsafeMutableBufferPointer { input in
            inflater.pointee.next_in = input.baseAddress
            inflater.pointee.avail_in = UInt32(input.count)
            var buffer = [UInt8](repeating: 0, count: 1 << 15)
            repeat {
                let code = buffer.withUnsafeMutableBufferPointer { output -> Int32 in
                    inflater.pointee.next_out = output.baseAddress
                    inflater.pointee.avail_out = UInt32(output.count)
                    return inflate(inflater, Z_SYNC_FLUSH)
                }
                guard code == Z_OK || code == Z_BUF_ERROR else {
                    failed = true
                    return
                }
                plain.append(contentsOf: buffer[..<(buffer.count - Int(inflater.pointee.avail_out))])
            } while inflater.pointee.avail_out == 0
        }
        if failed { throw .layer("compressed data is damaged") }
    }

    public func encode(_ bytes: [UInt8]) throws(ConnectionError) -> [UInt8] {
        var out: [UInt8] = []
        var bytes = bytes
        var failed = false
        bytes.withUnsafeMutableBufferPointer { input in
            deflater.pointee.next_in = input.baseAddress
            deflater.pointee.avail_in = UInt32(input.count)
            var buffer = [UInt8](repeating: 0, count: 1 << 15)
            repeat {
                let code = buffer.withUnsafeMutableBufferPointer { output -> Int32 in
                    deflater.pointee.next_out = output.baseAddress
                    deflater.pointee.avail_out = UInt32(output.count)
                    return deflate(deflater, Z_SYNC_FLUSH)
                }
                guard code == Z_OK || code == Z_BUF_ERROR else {
                    failed = true
                    return
                }
                out.append(contentsOf: buffer[..<(buffer.count - Int(deflater.pointee.avail_out))])
            } while deflater.pointee.avail_out == 0
        }
        if failed { throw .layer("compression failed") }
        return out
    }
}
