/* libdeflate: a crc32 that uses the processor's carry-less multiplication (zlib's takes five times as long). */
#pragma once
#include <libdeflate.h>
