#include "CPostgreSQL.h"
#include <dlfcn.h>

/* Name, result, parameters, arguments. */
#define FUNCTIONS(F)                                                                                                        \
    F(PQconnectdbParams, PGconn *, (const char *const *k, const char *const *v, int e), (k, v, e))                          \
    F(PQfinish, void, (PGconn * c), (c))                                                                                    \
    F(PQstatus, ConnStatusType, (const PGconn *c), (c))                                                                     \
    F(PQerrorMessage, char *, (const PGconn *c), (c))                                                                       \
    F(PQsetnonblocking, int, (PGconn * c, int on), (c, on))                                                                 \
    F(PQsocket, int, (const PGconn *c), (c))                                                                                \
    F(PQflush, int, (PGconn * c), (c))                                                                                      \
    F(PQconsumeInput, int, (PGconn * c), (c))                                                                               \
    F(PQisBusy, int, (PGconn * c), (c))                                                                                     \
    F(PQsendQuery, int, (PGconn * c, const char *s), (c, s))                                                                \
    F(PQsendPrepare, int, (PGconn * c, const char *n, const char *s, int i, const Oid *t), (c, n, s, i, t))                 \
    F(PQsendQueryPrepared, int,                                                                                             \
      (PGconn * c, const char *n, int i, const char *const *v, const int *l, const int *f, int r), (c, n, i, v, l, f, r))   \
    F(PQgetResult, PGresult *, (PGconn * c), (c))                                                                           \
    F(PQclear, void, (PGresult * r), (r))                                                                                   \
    F(PQresultStatus, ExecStatusType, (const PGresult *r), (r))                                                             \
    F(PQntuples, int, (const PGresult *r), (r))                                                                             \
    F(PQgetisnull, int, (const PGresult *r, int i, int j), (r, i, j))                                                       \
    F(PQgetvalue, char *, (const PGresult *r, int i, int j), (r, i, j))                                                     \
    F(PQgetlength, int, (const PGresult *r, int i, int j), (r, i, j))                                                       \
    F(PQresultErrorMessage, char *, (const PGresult *r), (r))                                                               \
    F(PQresultErrorField, char *, (const PGresult *r, int f), (r, f))

#define DEFINE(name, type, parameters, arguments)                                                                           \
    static type(*real_##name) parameters;                                                                                   \
    type cy_##name parameters;                                                                                              \
    type cy_##name parameters { return real_##name arguments; }
FUNCTIONS(DEFINE)

#define LOAD(name, type, parameters, arguments)                                                                             \
    if (!(real_##name = (type(*) parameters)dlsym(library, #name))) return 0;

static int load(void) {
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!library) return 0;
    FUNCTIONS(LOAD)
    return 1;
}

int cy_pq_load(void) {
    /* Programs have one thread; the tests have several, which may all find it unloaded and load it alike. */
    static int isLoaded;
    if (!__atomic_load_n(&isLoaded, __ATOMIC_ACQUIRE)) __atomic_store_n(&isLoaded, load(), __ATOMIC_RELEASE);
    return isLoaded;
}

const char *cy_pq_state(const PGresult *result) { return real_PQresultErrorField(result, PG_DIAG_SQLSTATE); }
const char *cy_pq_message(const PGresult *result) { return real_PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY); }
