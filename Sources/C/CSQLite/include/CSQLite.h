/* SQLite. SQLITE_STATIC is a cast that Swift cannot see: what is bound here stays the caller's until the statement is reset. */
#pragma once
#include <sqlite3.h>

static inline int cy_sqlite_bind_text(sqlite3_stmt *statement, int index, const void *bytes, int length) {
    return sqlite3_bind_text(statement, index, length ? bytes : "", length, SQLITE_STATIC);
}
static inline int cy_sqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int length) {
    return sqlite3_bind_blob(statement, index, length ? bytes : "", length, SQLITE_STATIC);
}
