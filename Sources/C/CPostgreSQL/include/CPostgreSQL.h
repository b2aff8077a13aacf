/* libpq, PostgreSQL's own client library. */
#pragma once
#include <postgresql/libpq-fe.h>

/* Error fields are named by characters (macros that Swift cannot see). */
static inline const char *cy_pq_state(const PGresult *result) { return PQresultErrorField(result, PG_DIAG_SQLSTATE); }
static inline const char *cy_pq_message(const PGresult *result) { return PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY); }
