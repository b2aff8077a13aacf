/* zlib: crc32 and deflate. */
#pragma once
#include <zlib.h>
