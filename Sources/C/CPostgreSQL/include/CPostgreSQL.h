/* libpq, PostgreSQL's own client library.

   It is loaded when it is first used, not linked: it brings twenty libraries with it, and loading them doubled the time that every program
   needed to start, also where no option names a server. The functions are libpq's with `cy_` before their names. */
#pragma once
#include <postgresql/libpq-fe.h>

/* 1 when the library is there, now or already. Nothing else here may be called before. */
int cy_pq_load(void);

PGconn *cy_PQconnectdbParams(const char *const *keywords, const char *const *values, int expand);
void cy_PQfinish(PGconn *connection);
ConnStatusType cy_PQstatus(const PGconn *connection);
char *cy_PQerrorMessage(const PGconn *connection);
int cy_PQsetnonblocking(PGconn *connection, int on);
int cy_PQsocket(const PGconn *connection);
int cy_PQflush(PGconn *connection);
int cy_PQconsumeInput(PGconn *connection);
int cy_PQisBusy(PGconn *connection);
int cy_PQsendQuery(PGconn *connection, const char *sql);
int cy_PQsendPrepare(PGconn *connection, const char *name, const char *sql, int count, const Oid *types);
int cy_PQsendQueryPrepared(PGconn *connection, const char *name, int count, const char *const *values, const int *lengths,
                           const int *formats, int resultFormat);
PGresult *cy_PQgetResult(PGconn *connection);

void cy_PQclear(PGresult *result);
ExecStatusType cy_PQresultStatus(const PGresult *result);
int cy_PQntuples(const PGresult *result);
int cy_PQgetisnull(const PGresult *result, int row, int column);
char *cy_PQgetvalue(const PGresult *result, int row, int column);
int cy_PQgetlength(const PGresult *result, int row, int column);
char *cy_PQresultErrorMessage(const PGresult *result);
/* Error fields are named by characters: here SQLSTATE and the message. */
const char *cy_pq_state(const PGresult *result);
const char *cy_pq_message(const PGresult *result);
