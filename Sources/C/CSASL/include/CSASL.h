/* Cyrus SASL (libsasl2). Its callbacks are function pointers of several types behind one: they are put together here. */
#pragma once
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <sasl/saslutil.h>

/* What the library asks of us; `context` is handed back. */
typedef int (*cy_sasl_getopt)(void *context, const char *plugin, const char *option, const char **result, unsigned *length);
typedef int (*cy_sasl_log)(void *context, int level, const char *message);
typedef int (*cy_sasl_canon)(sasl_conn_t *connection, void *context, const char *in, unsigned inLength, unsigned flags,
                             const char *realm, char *out, unsigned outMax, unsigned *outLength);
typedef int (*cy_sasl_proxy)(sasl_conn_t *connection, void *context, const char *requested, unsigned requestedLength,
                             const char *authenticated, unsigned authenticatedLength, const char *realm, unsigned realmLength,
                             struct propctx *properties);

/* Both return arrays that live as long as the process. */
const sasl_callback_t *cy_sasl_global_callbacks(cy_sasl_getopt getopt, cy_sasl_log log, void *context);
const sasl_callback_t *cy_sasl_connection_callbacks(cy_sasl_canon canon, cy_sasl_proxy proxy, void *context);
