/*
 * The read model's file: opening, checking, committing, closing, SQLite's errors in our words.
 *
 * Opening: take the lock beside the file (flock on "<path>-lock": SQLite's own locks would keep
 * readers out), look whether it is a read model of this version, make it if there is none. A file
 * that is none of ours is closed without a change, --rebuild or not.
 *
 * Commits are not synced one by one: after a power cut the file is whole, perhaps a little older,
 * and what is missing is read again from its position. Whatever fails, the program ends and a new
 * start goes on from the last commit.
 */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "sql/sql.h"

enum { BUSY_MS = 5000, PATH_MAX_BYTES = 4000, WAL_KEPT_BYTES = 4 << 20 };

/* ---- errors ---- */

static struct sql_file sql_of(const struct projection *projection)
{
    return (struct sql_file){projection->db, "read model",
                             projection->path != NULL ? projection->path : "in memory"};
}

/* What failed, with what to do about it. */
static int advise(int code, const struct ld_error *reason, struct ld_error *error)
{
    return ld_fail(error, code, "%s%s", reason->text,
                   code == LD_CORRUPT ? "; it can be made anew from the log: --rebuild" : "");
}

int projection_fail(const struct projection *projection, const char *what, struct ld_error *error)
{
    struct ld_error reason;
    return advise(sql_fail(sql_of(projection), what, &reason), &reason, error);
}

int projection_execute(struct projection *projection, const char *sql, const char *what,
                       struct ld_error *error)
{
    return sqlite3_exec(projection->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? LD_OK
               : projection_fail(projection, what, error);
}

/* ---- looking ---- */

static int ask_number(struct projection *projection, const char *sql, int64_t *number,
                      struct ld_error *error)
{
    struct ld_error reason;
    int code = sql_ask_number(sql_of(projection), sql, number, &reason);
    return code == LD_OK ? LD_OK : advise(code, &reason, error);
}

/* Is it ours, or nothing yet? */
static int check_kind(struct projection *projection, bool *empty, int64_t *version,
                      struct ld_error *error)
{
    int64_t application = 0, size = 0;
    int code = ask_number(projection, "PRAGMA application_id", &application, error);
    if (code == LD_OK)
        code = ask_number(projection, "PRAGMA user_version", version, error);
    if (code == LD_OK)
        code = ask_number(projection, "PRAGMA schema_version", &size, error);
    *empty = application == 0 && size == 0;
    if (code == LD_INVALID || (code == LD_OK && !*empty && application != PROJECTION_APPLICATION))
        return ld_fail(error, LD_INVALID,
                       "%s is no read model: name another file, it is left as it is",
                       projection->path);
    return code;
}

static int check_version(const struct projection *projection, int64_t version,
                         struct ld_error *error)
{
    if (version == PROJECTION_VERSION)
        return LD_OK;
    return ld_fail(error, LD_VERSION,
                   "read model %s has schema version %lld, expected %d: make it anew from the log "
                   "with --rebuild",
                   projection->path, (long long)version, PROJECTION_VERSION);
}

/* ---- making ---- */

static int make_tables(struct projection *projection, struct ld_error *error)
{
    char *sql = sqlite3_mprintf("BEGIN IMMEDIATE; %s PRAGMA application_id = %d;"
                                "PRAGMA user_version = %d; COMMIT",
                                projection_schema, PROJECTION_APPLICATION, PROJECTION_VERSION);
    if (sql == NULL)
        abort();
    int code = projection_execute(projection, sql, "make its tables", error);
    sqlite3_free(sql);
    return code;
}

/* Also of a damaged file; readers who have it open see the old content or the new. */
static int make_empty(struct projection *projection, struct ld_error *error)
{
    sqlite3_db_config(projection->db, SQLITE_DBCONFIG_RESET_DATABASE, 1, NULL);
    int code = projection_execute(projection, "VACUUM", "empty it", error);
    sqlite3_db_config(projection->db, SQLITE_DBCONFIG_RESET_DATABASE, 0, NULL);
    return code;
}

/* ---- opening ---- */

static int open_database(struct projection *projection, const char *name, struct ld_error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE;
    int status = sqlite3_open_v2(name, &projection->db, flags, NULL);
    if (projection->db == NULL)
        abort();
    if (status != SQLITE_OK)
        return projection_fail(projection, "open it", error);
    sqlite3_busy_timeout(projection->db, BUSY_MS);
    sqlite3_db_config(projection->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return projection_execute(
        projection, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON", "open it", error);
}

/* The log beside the file stays when it is closed: who may only read can read it then, too. */
static int go_ahead(struct projection *projection, struct ld_error *error)
{
    int keep = 1;
    sqlite3_file_control(projection->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
    char *sql = sqlite3_mprintf("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                                "PRAGMA journal_size_limit = %d",
                                WAL_KEPT_BYTES);
    if (sql == NULL)
        abort();
    int code = projection_execute(projection, sql, "open it for writing", error);
    sqlite3_free(sql);
    return code;
}

static int take_lock(struct projection *projection, struct ld_error *error)
{
    const struct ld_context *context = ld_context_system();
    char *path = sqlite3_mprintf("%s-lock", projection->path);
    if (path == NULL)
        abort();
    int code = context->files.open(context->self, path, LD_OPEN_LOCK, &projection->lock, error);
    sqlite3_free(path);
    if (code != LD_LOCKED)
        return code;
    return ld_fail(error, code, "read model %s is written by another process: one at a time may",
                   projection->path);
}

static int prepare(struct projection *projection, struct ld_error *error)
{
    for (int i = 0; i < WRITE_COUNT; i++)
        if (projection_prepare(projection->db, projection_statement((enum projection_write)i),
                               &projection->writes[i]) != SQLITE_OK)
            return projection_fail(projection, "use its tables", error);
    return LD_OK;
}

/* With the mode of our files; SQLite gives its companions the same. Whether it was there or cannot
 * be made, opening it tells. */
static void make_file(const struct projection *projection)
{
    const struct ld_context *context = ld_context_system();
    int descriptor;
    if (context->files.open(context->self, projection->path, LD_OPEN_CREATE, &descriptor, NULL) ==
        LD_OK)
        (void)context->files.close(context->self, descriptor);
}

static int open_file(struct projection *projection, bool rebuild, struct ld_error *error)
{
    bool empty = false;
    int64_t version = 0;
    int code = take_lock(projection, error);
    if (code == LD_OK) {
        make_file(projection);
        code = open_database(projection, projection->path, error);
    }
    if (code == LD_OK)
        code = check_kind(projection, &empty, &version, error);
    if (code == LD_OK && !empty && !rebuild)
        code = check_version(projection, version, error);
    if (code == LD_OK && !empty && rebuild)
        code = make_empty(projection, error);
    if (code == LD_OK)
        code = go_ahead(projection, error);
    if (code == LD_OK && (empty || rebuild))
        code = make_tables(projection, error);
    return code;
}

static int read_position(struct projection *projection, struct ld_error *error)
{
    int64_t position = 0;
    int code = ask_number(projection, "SELECT position FROM read_model", &position, error);
    if (code == LD_OK)
        code =
            ask_number(projection, "SELECT time_us FROM read_model", &projection->time_us, error);
    projection->position = (uint64_t)position;
    return code;
}

static struct projection *new_projection(void)
{
    struct projection *projection = calloc(1, sizeof *projection);
    if (projection == NULL)
        abort();
    projection->lock = -1;
    return projection;
}

static int finish_opening(struct projection *projection, int code, struct projection **out,
                          struct ld_error *error)
{
    if (code == LD_OK)
        code = prepare(projection, error);
    if (code == LD_OK)
        code = read_position(projection, error);
    if (code == LD_OK)
        *out = projection;
    else
        projection_close(projection);
    return code;
}

int projection_open(const char *path, bool rebuild, struct projection **out, struct ld_error *error)
{
    if (path[0] == '\0' || strlen(path) > PATH_MAX_BYTES)
        return ld_fail(error, LD_INVALID, "expected the path of a file, of at most %d bytes",
                       PATH_MAX_BYTES);
    struct projection *projection = new_projection();
    if ((projection->path = strdup(path)) == NULL)
        abort();
    return finish_opening(projection, open_file(projection, rebuild, error), out, error);
}

int projection_open_memory(struct projection **out, struct ld_error *error)
{
    struct projection *projection = new_projection();
    int code = open_database(projection, ":memory:", error);
    if (code == LD_OK)
        code = make_tables(projection, error);
    return finish_opening(projection, code, out, error);
}

void projection_close(struct projection *projection)
{
    const struct ld_context *context = ld_context_system();
    if (projection == NULL)
        return;
    for (int i = 0; i < WRITE_COUNT; i++)
        projection_finalize(&projection->writes[i]);
    sqlite3_close(projection->db);
    if (projection->lock >= 0)
        (void)context->files.close(context->self, projection->lock);
    ld_arena_free(&projection->arena);
    free(projection->path);
    free(projection);
}

/* ---- the log, the position ---- */

static int store_log(struct projection *projection, const uint8_t log_id[16],
                     struct ld_error *error)
{
    sqlite3_stmt *statement = NULL;
    (void)sqlite3_prepare_v2(projection->db, "UPDATE read_model SET log = ?1", -1, &statement,
                             NULL);
    sqlite3_bind_blob(statement, 1, log_id, 16, SQLITE_STATIC);
    sqlite3_step(statement);
    return sqlite3_finalize(statement) == SQLITE_OK
               ? LD_OK
               : projection_fail(projection, "say which log it is of", error);
}

int projection_bind(struct projection *projection, const uint8_t log_id[16], uint64_t head,
                    struct ld_error *error)
{
    sqlite3_stmt *statement = NULL;
    uint8_t log[16];
    if (sqlite3_prepare_v2(projection->db, "SELECT log FROM read_model", -1, &statement, NULL) !=
            SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        sqlite3_finalize(statement);
        return projection_fail(projection, "read it", error);
    }
    bool bound = sqlite3_column_bytes(statement, 0) == sizeof log;
    if (bound)
        memcpy(log, sqlite3_column_blob(statement, 0), sizeof log);
    sqlite3_finalize(statement);
    if (!bound)
        return store_log(projection, log_id, error);
    if (memcmp(log, log_id, sizeof log) != 0)
        return ld_fail(error, LD_REFUSED,
                       "read model %s is of another log: name another file, or make it anew from "
                       "this log with --rebuild",
                       projection->path);
    if (projection->position > head)
        return ld_fail(error, LD_REFUSED,
                       "read model %s is of event %llu, but the log ends at %llu (an older copy of "
                       "it?): make it anew with --rebuild",
                       projection->path, (unsigned long long)projection->position,
                       (unsigned long long)head);
    return LD_OK;
}

static int store_position(struct projection *projection, struct ld_error *error)
{
    char *sql = sqlite3_mprintf("UPDATE read_model SET position = %lld, time_us = %lld; COMMIT",
                                (long long)projection->position, (long long)projection->time_us);
    if (sql == NULL)
        abort();
    int code = projection_execute(projection, sql, "commit", error);
    sqlite3_free(sql);
    return code;
}

int projection_commit(struct projection *projection, struct ld_error *error)
{
    if (projection->pending == 0)
        return LD_OK;
    int code = store_position(projection, error);
    if (code == LD_OK)
        projection->pending = 0;
    return code;
}

uint64_t projection_position(const struct projection *projection)
{
    return projection->position;
}

size_t projection_pending(const struct projection *projection)
{
    return projection->pending;
}

struct sqlite3 *projection_database(const struct projection *projection)
{
    return projection->db;
}
