/* OpenSSL: digests and TLS. Macros that Swift cannot import are given names here. */
#pragma once
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

static inline int cy_digest(const EVP_MD *kind, const void *bytes, size_t count, unsigned char *out, unsigned int *outCount) {
    return EVP_Digest(bytes, count, out, outCount, kind, NULL);
}
