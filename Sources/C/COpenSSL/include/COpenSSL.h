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

static inline void cy_ssl_server_options(SSL_CTX *context, int preferServer) {
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | (preferServer ? SSL_OP_CIPHER_SERVER_PREFERENCE : 0));
    SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_ENABLE_PARTIAL_WRITE);
}
static inline int cy_ssl_versions(SSL_CTX *context, int low, int high) {
    return SSL_CTX_set_min_proto_version(context, low) && SSL_CTX_set_max_proto_version(context, high);
}
static inline const char *cy_ssl_cipher_name(const SSL *ssl) { return SSL_get_cipher_name(ssl); }
static inline int cy_ssl_cipher_bits(const SSL *ssl, int *algorithm) { return SSL_CIPHER_get_bits(SSL_get_current_cipher(ssl), algorithm); }
static inline int cy_ssl_peer_name(const SSL *ssl, char *out, int size) {
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    int count = 0;
    if (!certificate) return 0;
    if (SSL_get_verify_result(ssl) == X509_V_OK)
        count = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, out, size);
    X509_free(certificate);
    return count;
}
