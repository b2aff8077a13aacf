/* zlib: crc32 and deflate. */
#pragma once
#include <zlib.h>

/* Raw deflate, as COMPRESS=DEFLATE wants it (macros that Swift cannot see). */
static inline int cy_inflate_init(z_stream *stream) { return inflateInit2(stream, -MAX_WBITS); }
static inline int cy_deflate_init(z_stream *stream) {
    return deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY);
}
