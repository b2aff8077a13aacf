/* The other libraries on the work of dbbench: Cyrus's own cyrusdb (twoskip, skiplist), LMDB and SQLite.
 *
 * usage: dbpeers ENGINE DIRECTORY RECORDS     prints ROW<TAB>OPERATIONS<TAB>SECONDS<TAB>PROCESSOR-SECONDS lines
 */
#include <lmdb.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#include <cyrusdb.h>
#include <libcyr_cfg.h>

static const char *directory;
static size_t records;
static char value[120];

/* libcyrus asks its program for this. */
void fatal(const char *text, int code) { fprintf(stderr, "fatal: %s\n", text); exit(code); }

static void check(int failed, const char *what) {
    if (failed) { fprintf(stderr, "dbpeers: %s failed: %d\n", what, failed); exit(1); }
}

static clock_t processor;
static double now(void) {
    processor = clock();
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static size_t make_key(char *key, size_t i) { return (size_t)sprintf(key, "Nuser\x1fu%06zu\x1f" "box%02zu", i / 100, i % 100); }
static size_t mixed(size_t i) { return (i * 7919 + 13) % records; }

struct engine {
    const char *name;
    void (*open)(const char *path);
    void (*close)(void);
    void (*begin)(void);          /* write transaction */
    void (*commit)(void);
    void (*store)(const char *key, size_t length);
    void (*begin_read)(void);
    void (*end_read)(void);
    size_t (*fetch)(const char *key, size_t length);
    size_t (*scan)(const char *prefix, size_t length);
};

/* Cyrus */
static const char *backend;
static struct db *cyrus;
static struct txn *transaction;
static int in_transaction;
static void cyrus_open(const char *path) { check(cyrusdb_open(backend, path, CYRUSDB_CREATE, &cyrus), "open"); }
static void cyrus_close(void) { check(cyrusdb_close(cyrus), "close"); libcyrus_run_delayed(); }
static void cyrus_begin(void) { transaction = NULL; in_transaction = 1; }
static void cyrus_commit(void) { if (transaction) check(cyrusdb_commit(cyrus, transaction), "commit"); transaction = NULL; in_transaction = 0; }
static void cyrus_store(const char *key, size_t n) { check(cyrusdb_store(cyrus, key, n, value, sizeof value, in_transaction ? &transaction : NULL), "store"); }
static size_t cyrus_fetch(const char *key, size_t n) {
    const char *data = NULL;
    size_t length = 0;
    check(cyrusdb_fetch(cyrus, key, n, &data, &length, in_transaction ? &transaction : NULL), "fetch");
    return length;
}
static int cyrus_visit(void *rock, const char *key, size_t n, const char *data, size_t length) {
    (void)key; (void)data;
    *(size_t *)rock += n + length > 0;
    return 0;
}
static size_t cyrus_scan(const char *prefix, size_t n) {
    size_t count = 0;
    check(cyrusdb_foreach(cyrus, prefix, n, NULL, cyrus_visit, &count, in_transaction ? &transaction : NULL), "foreach");
    return count;
}

/* LMDB */
static MDB_env *environment;
static MDB_dbi table;
static MDB_txn *lmdb;
static void lmdb_open(const char *path) {
    check(mdb_env_create(&environment), "mdb_env_create");
    check(mdb_env_set_mapsize(environment, (size_t)8 << 30), "mdb_env_set_mapsize");
    check(mdb_env_open(environment, path, MDB_NOSUBDIR, 0644), "mdb_env_open");
    MDB_txn *first;
    check(mdb_txn_begin(environment, NULL, 0, &first), "mdb_txn_begin");
    check(mdb_dbi_open(first, NULL, 0, &table), "mdb_dbi_open");
    check(mdb_txn_commit(first), "mdb_txn_commit");
}
static void lmdb_close(void) { mdb_env_close(environment); }
static void lmdb_begin(void) { check(mdb_txn_begin(environment, NULL, 0, &lmdb), "mdb_txn_begin"); }
static void lmdb_commit(void) { check(mdb_txn_commit(lmdb), "mdb_txn_commit"); lmdb = NULL; }
static void lmdb_store(const char *key, size_t n) {
    MDB_val k = {n, (void *)key}, v = {sizeof value, value};
    int own = !lmdb;
    if (own) lmdb_begin();
    check(mdb_put(lmdb, table, &k, &v, 0), "mdb_put");
    if (own) lmdb_commit();
}
static void lmdb_begin_read(void) { check(mdb_txn_begin(environment, NULL, MDB_RDONLY, &lmdb), "mdb_txn_begin"); }
static void lmdb_end_read(void) { mdb_txn_abort(lmdb); lmdb = NULL; }
static size_t lmdb_fetch(const char *key, size_t n) {
    MDB_val k = {n, (void *)key}, v;
    int own = !lmdb;
    if (own) lmdb_begin_read();
    check(mdb_get(lmdb, table, &k, &v), "mdb_get");
    if (own) lmdb_end_read();
    return v.mv_size;
}
static size_t lmdb_scan(const char *prefix, size_t n) {
    MDB_cursor *cursor;
    MDB_val k = {n, (void *)prefix}, v;
    size_t count = 0;
    int own = !lmdb;
    if (own) lmdb_begin_read();
    check(mdb_cursor_open(lmdb, table, &cursor), "mdb_cursor_open");
    int r = mdb_cursor_get(cursor, &k, &v, n ? MDB_SET_RANGE : MDB_FIRST);
    while (r == 0 && k.mv_size >= n && !memcmp(k.mv_data, prefix, n)) {
        count += k.mv_size + v.mv_size > 0;
        r = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (own) lmdb_end_read();
    return count;
}

/* SQLite, in its safest setting */
static sqlite3 *sql;
static sqlite3_stmt *put, *get, *range;
static void sqlite_do(const char *text) { check(sqlite3_exec(sql, text, NULL, NULL, NULL), text); }
static void sqlite_open(const char *path) {
    check(sqlite3_open(path, &sql), "sqlite3_open");
    sqlite_do("PRAGMA journal_mode=WAL");
    sqlite_do("PRAGMA synchronous=FULL");
    sqlite_do("CREATE TABLE IF NOT EXISTS records (dbkey BLOB NOT NULL PRIMARY KEY, data BLOB) WITHOUT ROWID");
    check(sqlite3_prepare_v2(sql, "INSERT OR REPLACE INTO records VALUES (?, ?)", -1, &put, NULL), "prepare");
    check(sqlite3_prepare_v2(sql, "SELECT data FROM records WHERE dbkey = ?", -1, &get, NULL), "prepare");
    check(sqlite3_prepare_v2(sql, "SELECT dbkey, data FROM records WHERE dbkey >= ? ORDER BY dbkey", -1, &range, NULL), "prepare");
}
static void sqlite_close(void) {
    sqlite3_finalize(put);
    sqlite3_finalize(get);
    sqlite3_finalize(range);
    check(sqlite3_close(sql), "sqlite3_close");
}
static void sqlite_begin(void) { sqlite_do("BEGIN IMMEDIATE"); }
static void sqlite_commit(void) { sqlite_do("COMMIT"); }
static void sqlite_store(const char *key, size_t n) {
    sqlite3_bind_blob(put, 1, key, (int)n, SQLITE_STATIC);
    sqlite3_bind_blob(put, 2, value, sizeof value, SQLITE_STATIC);
    check(sqlite3_step(put) != SQLITE_DONE, "insert");
    sqlite3_reset(put);
}
static void sqlite_begin_read(void) { sqlite_do("BEGIN"); }
static size_t sqlite_fetch(const char *key, size_t n) {
    sqlite3_bind_blob(get, 1, key, (int)n, SQLITE_STATIC);
    check(sqlite3_step(get) != SQLITE_ROW, "select");
    size_t length = (size_t)sqlite3_column_bytes(get, 0);
    sqlite3_reset(get);
    return length;
}
static size_t sqlite_scan(const char *prefix, size_t n) {
    size_t count = 0;
    sqlite3_bind_blob(range, 1, prefix, (int)n, SQLITE_STATIC);
    while (sqlite3_step(range) == SQLITE_ROW) {
        const void *key = sqlite3_column_blob(range, 0);
        if ((size_t)sqlite3_column_bytes(range, 0) < n || memcmp(key, prefix, n)) break;
        count += sqlite3_column_bytes(range, 1) > 0;
    }
    sqlite3_reset(range);
    return count;
}

static const struct engine engines[] = {
    {"twoskip", cyrus_open, cyrus_close, cyrus_begin, cyrus_commit, cyrus_store, cyrus_begin, cyrus_commit, cyrus_fetch, cyrus_scan},
    {"skiplist", cyrus_open, cyrus_close, cyrus_begin, cyrus_commit, cyrus_store, cyrus_begin, cyrus_commit, cyrus_fetch, cyrus_scan},
    {"lmdb", lmdb_open, lmdb_close, lmdb_begin, lmdb_commit, lmdb_store, lmdb_begin_read, lmdb_end_read, lmdb_fetch, lmdb_scan},
    {"sqlite", sqlite_open, sqlite_close, sqlite_begin, sqlite_commit, sqlite_store, sqlite_begin_read, sqlite_commit, sqlite_fetch, sqlite_scan},
};
static const struct engine *e;
static char path[4096];

static double last;
static void row(const char *name, size_t count, double since) {
    clock_t used = clock() - processor;
    last = now() - since;
    printf("%s\t%zu\t%.6f\t%.6f\n", name, count, last, (double)used / CLOCKS_PER_SEC);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 4) { fprintf(stderr, "usage: dbpeers ENGINE DIRECTORY RECORDS\n"); return 64; }
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) if (!strcmp(engines[i].name, argv[1])) e = &engines[i];
    if (!e) { fprintf(stderr, "dbpeers: no engine %s\n", argv[1]); return 64; }
    backend = e->name;
    directory = argv[2];
    records = strtoul(argv[3], NULL, 10);
    memset(value, 'v', sizeof value);
    libcyrus_config_setstring(CYRUSOPT_CONFIG_DIR, directory);
    libcyrus_config_setswitch(CYRUSOPT_SKIPLIST_ALWAYS_CHECKPOINT, 1);
    libcyrus_init();
    char key[64];
    double start;
    size_t few = records < 1000 ? records : 1000, many = records < 200000 ? records : 200000;

    snprintf(path, sizeof path, "%s/%s.seq", directory, e->name);
    e->open(path);
    start = now();
    e->begin();
    for (size_t i = 0; i < records; i++) e->store(key, make_key(key, i));
    e->commit();
    row("sequential writes, one transaction", records, start);
    e->close();
    unlink(path);

    snprintf(path, sizeof path, "%s/%s.db", directory, e->name);
    e->open(path);
    start = now();
    e->begin();
    for (size_t i = 0; i < records; i++) e->store(key, make_key(key, mixed(i)));
    e->commit();
    row("random writes, one transaction", records, start);

    start = now();
    for (size_t i = 0; i < many; i++) check(e->fetch(key, make_key(key, mixed(i * 31 % records))) != sizeof value, "value");
    row("random reads", many, start);
    e->begin_read();
    start = now();
    for (size_t i = 0; i < many; i++) check(e->fetch(key, make_key(key, mixed(i * 31 % records))) != sizeof value, "value");
    row("random reads, one transaction", many, start);
    e->end_read();

    start = now();
    check(e->scan("", 0) != records, "scan");
    row("full scan", records, start);
    e->begin_read();
    start = now();
    check(e->scan("", 0) != records, "scan");
    row("full scan, one transaction", records, start);
    e->end_read();

    start = now();
    size_t users = records / 100;
    for (size_t i = 0; i < 1000; i++) {
        size_t n = (size_t)sprintf(key, "Nuser\x1fu%06zu\x1f", mixed(i * 97 % records) / 100 % users);
        check(e->scan(key, n) != 100, "prefix scan");
    }
    row("prefix scans of 100", 1000, start);

    memset(value, 'w', sizeof value);
    start = now();
    for (size_t i = 0; i < 100; i++) {
        e->begin();
        for (size_t j = 0; j < 100; j++) e->store(key, make_key(key, mixed((i * 100 + j) % records)));
        e->commit();
    }
    row("random writes, 100 a transaction", 10000, start);
    memset(value, 'x', sizeof value);
    start = now();
    for (size_t i = 0; i < few; i++) e->store(key, make_key(key, records + i));
    row("sequential writes, one commit each", few, start);
    start = now();
    for (size_t i = 0; i < few; i++) e->store(key, make_key(key, mixed(i)));
    row("random writes, one commit each", few, start);
    if (!strcmp(e->name, "twoskip")) {
        /* Half of the records anew, so that there is something to leave behind. All of it is under the exclusive lock; a skiplist does it
         * within a commit only. */
        memset(value, 'y', sizeof value);
        e->begin();
        for (size_t i = 0; i < records / 2; i++) e->store(key, make_key(key, mixed(i)));
        e->commit();
        start = now();
        check(cyrusdb_repack(cyrus), "repack");
        row("checkpoint", 1, start);
        printf("checkpoint, others kept out\t1\t%.6f\t0\n", last);
    }
    e->close();

    e->open(path);
    e->close();
    start = now();
    for (size_t i = 0; i < 1000; i++) {
        e->open(path);
        check(e->fetch(key, make_key(key, mixed(i * 31 % records))) != sizeof value, "value");
        e->close();
    }
    row("open, read and close", 1000, start);
    unlink(path);
    return 0;
}
