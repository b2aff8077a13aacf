#include "CSASL.h"

#include <stdlib.h>

typedef int (*generic)(void);

static void set(sasl_callback_t *entry, unsigned long id, generic proc, void *context) {
    entry->id = id;
    entry->proc = proc;
    entry->context = context;
}

const sasl_callback_t *cy_sasl_global_callbacks(cy_sasl_getopt getopt, cy_sasl_log log, void *context) {
    sasl_callback_t *list = calloc(3, sizeof *list);
    if (!list) abort();
    set(&list[0], SASL_CB_GETOPT, (generic)getopt, context);
    set(&list[1], SASL_CB_LOG, (generic)log, context);
    set(&list[2], SASL_CB_LIST_END, NULL, NULL);
    return list;
}

const sasl_callback_t *cy_sasl_connection_callbacks(cy_sasl_canon canon, cy_sasl_proxy proxy, void *context) {
    sasl_callback_t *list = calloc(3, sizeof *list);
    if (!list) abort();
    set(&list[0], SASL_CB_CANON_USER, (generic)canon, context);
    set(&list[1], SASL_CB_PROXY_POLICY, (generic)proxy, context);
    set(&list[2], SASL_CB_LIST_END, NULL, NULL);
    return list;
}
