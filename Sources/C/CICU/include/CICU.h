#pragma once
// ICU's functions carry the library's version in their names through macros, which Swift does not see:
// each wrapper gives one a plain name.
#define U_SHOW_CPLUSPLUS_API 0
#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/unorm2.h>

static inline UConverter *cicu_open(const char *name) {
    UErrorCode error = U_ZERO_ERROR;
    UConverter *converter = ucnv_open(name, &error);
    return U_SUCCESS(error) ? converter : 0;
}

static inline void cicu_close(UConverter *converter) { ucnv_close(converter); }

static inline void cicu_reset(UConverter *converter) { ucnv_resetToUnicode(converter); }

/// Converts until the source is used up or the target is full; both cursors move. 1: call again with a fresh target.
static inline int cicu_to_unicode(UConverter *converter, UChar **target, const UChar *target_end, const char **source,
                                  const char *source_end, int flush) {
    UErrorCode error = U_ZERO_ERROR;
    ucnv_toUnicode(converter, target, target_end, source, source_end, 0, (UBool)flush, &error);
    return error == U_BUFFER_OVERFLOW_ERROR;
}


static inline UChar32 cicu_title(UChar32 scalar) { return u_totitle(scalar); }

/// One step of a scalar's compatibility decomposition: its length in UTF-16 units, or a negative number when it has none.
static inline int32_t cicu_decompose(UChar32 scalar, UChar *target, int32_t capacity) {
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *form = unorm2_getNFKCInstance(&error);
    if (U_FAILURE(error)) return -1;
    UErrorCode failure = U_ZERO_ERROR;
    int32_t count = unorm2_getRawDecomposition(form, scalar, target, capacity, &failure);
    return U_SUCCESS(failure) ? count : -1;
}
