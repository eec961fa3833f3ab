/*
 * The outbox's file: opening, checking, closing, and SQLite's errors in our words.
 *
 * Opening to publish: take the lock beside the file (flock on "<path>-lock"; SQLite's own locks
 * would also keep readers out), make the file if there is none, look whether it is an outbox, of
 * this version, undamaged and of this identity; only then is anything written (write-ahead log).
 * A file that fails one of these is closed without a change to it, its write-ahead log included.
 *
 * Codes: a full disk or quota is LD_NOSPACE and a reader that holds the file for too long LD_BUSY:
 * the same may succeed later. Damage is LD_CORRUPT, any other failure of the disk LD_IO: final.
 * A failed sync is final whatever its errno: nobody knows what is on the disk then.
 */
#include "outbox_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "context.h"
#include "sql/sql.h"

enum {
    APPLICATION = 0x4c444f42, /* "LDOB" */
    FORMAT = 1,
    BUSY_MS = 2000,
    PATH_MAX_BYTES = 4000,
};

static const char SCHEMA[] = "BEGIN;"
                             "CREATE TABLE outbox("
                             " producer TEXT NOT NULL,"
                             " log BLOB,"
                             " given INTEGER NOT NULL,"
                             " answered INTEGER NOT NULL);"
                             "CREATE TABLE event("
                             " sequence INTEGER PRIMARY KEY,"
                             " put_us INTEGER NOT NULL,"
                             " record BLOB NOT NULL,"
                             " code INTEGER NOT NULL DEFAULT 0,"
                             " reason TEXT);"
                             "PRAGMA application_id = 1279545154;"
                             "PRAGMA user_version = 1;";

/* ---- errors ---- */

static struct sql_file sql_of(const struct outbox_file *file)
{
    return (struct sql_file){file->db, "outbox", file->path};
}

int outbox_fail(const struct outbox_file *file, const char *what, struct ld_error *error)
{
    return sql_fail(sql_of(file), what, error);
}

int outbox_execute(struct outbox_file *file, const char *sql, const char *what,
                   struct ld_error *error)
{
    return sql_execute(sql_of(file), sql, what, error);
}

/* ---- looking ---- */

/* What kind of file it is; *empty: SQLite's, with nothing in it. */
static int check_kind(struct outbox_file *file, bool *empty, struct ld_error *error)
{
    int64_t application = 0, version = 0, tables = 0;
    int code = sql_ask_number(sql_of(file), "PRAGMA application_id", &application, error);
    if (code == LD_OK)
        code = sql_ask_number(sql_of(file), "PRAGMA user_version", &version, error);
    if (code == LD_OK)
        code = sql_ask_number(sql_of(file), "SELECT count(*) FROM sqlite_master", &tables, error);
    if (code == LD_INVALID)
        return ld_fail(error, LD_INVALID, "%s is no outbox: expected one, or no file", file->path);
    if (code != LD_OK)
        return code;
    *empty = application == 0 && tables == 0;
    if (!*empty && application != APPLICATION)
        return ld_fail(error, LD_INVALID, "%s is a database, but no outbox", file->path);
    if (!*empty && version != FORMAT)
        return ld_fail(error, LD_VERSION,
                       "outbox %s has format %lld, this libliandong knows %d: open it with the "
                       "version that made it",
                       file->path, (long long)version, FORMAT);
    return LD_OK;
}

static int check_whole(struct outbox_file *file, struct ld_error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = LD_OK;
    const char *said = NULL;
    if (sqlite3_prepare_v2(file->db, "PRAGMA quick_check(1)", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        said = (const char *)sqlite3_column_text(statement, 0);
    if (said == NULL)
        code = outbox_fail(file, "check it", error);
    else if (strcmp(said, "ok") != 0)
        code = ld_fail(error, LD_CORRUPT, "outbox %s is damaged: %s", file->path, said);
    sqlite3_finalize(statement);
    if (code == LD_CORRUPT)
        (void)ld_wrap(error, code,
                      "keep the file, start with another one, and see \"liandong outbox list\" for "
                      "what can still be read");
    return code;
}

static int check_identity(struct outbox_file *file, const char *identity, struct ld_error *error)
{
    struct outbox_head head;
    size_t size = strlen(identity);
    int code = outbox_file_head(file, &head, error);
    if (code == LD_OK &&
        (strncmp(head.producer, identity, size) != 0 || head.producer[size] != '#'))
        return ld_fail(error, LD_REFUSED, "outbox %s belongs to %.*s, not to %s", file->path,
                       (int)strcspn(head.producer, "#"), head.producer, identity);
    return code;
}

/* ---- making ---- */

void outbox_new_name(const char *identity, size_t identity_size, char name[128])
{
    const struct ld_context *context = ld_context_system();
    uint8_t random[6];
    context->random(context->self, random, sizeof random);
    snprintf(name, 128, "%.*s#outbox-%02x%02x%02x%02x%02x%02x", (int)identity_size, identity,
             random[0], random[1], random[2], random[3], random[4], random[5]);
}

static int make_tables(struct outbox_file *file, const char *identity, struct ld_error *error)
{
    char name[128], sql[256];
    outbox_new_name(identity, strlen(identity), name);
    sqlite3_snprintf(sizeof sql, sql, "INSERT INTO outbox VALUES(%Q, NULL, 0, 0); COMMIT", name);
    int code = outbox_execute(file, SCHEMA, "make it", error);
    if (code == LD_OK)
        code = outbox_execute(file, sql, "make it", error);
    return code;
}

/* The directory entry is on the disk before anything in the file counts. */
static int make_file(const char *path, struct ld_error *error)
{
    const struct ld_context *context = ld_context_system();
    const struct ld_files *files = &context->files;
    char directory[PATH_MAX_BYTES + 1];
    const char *slash = strrchr(path, '/');
    int descriptor;
    int code = files->open(context->self, path, LD_OPEN_CREATE, &descriptor, error);
    if (code != LD_OK)
        return code;
    code = files->close(context->self, descriptor);
    snprintf(directory, sizeof directory, "%.*s", slash != NULL ? (int)(slash - path + 1) : 1,
             slash != NULL ? path : ".");
    return code != LD_OK ? ld_fail(error, code, "cannot close %s", path)
                         : files->sync_directory(context->self, directory, error);
}

/* Never opened and closed here: that would end the locks that SQLite has on it in this process. */
static int find_file(const char *path, bool make, struct ld_error *error)
{
    struct stat status;
    if (stat(path, &status) == 0)
        return LD_OK;
    if (errno == ENOENT && make)
        return make_file(path, error);
    return ld_fail(error, errno == ENOENT ? LD_NOTFOUND : LD_IO, "outbox %s: %s", path,
                   strerror(errno));
}

static int take_lock(struct outbox_file *file, struct ld_error *error)
{
    const struct ld_context *context = ld_context_system();
    char path[PATH_MAX_BYTES + 8];
    snprintf(path, sizeof path, "%s-lock", file->path);
    int code = context->files.open(context->self, path, LD_OPEN_LOCK, &file->lock, error);
    if (code == LD_LOCKED)
        return ld_fail(error, code, "outbox %s is open in another process: one at a time may",
                       file->path);
    return code;
}

/* ---- opening ---- */

static int open_database(struct outbox_file *file, int flags, struct ld_error *error)
{
    if (sqlite3_open_v2(file->path, &file->db, flags | SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK) {
        if (file->db == NULL)
            return ld_fail(error, LD_NOMEM, "cannot allocate a database");
        return outbox_fail(file, "open it", error);
    }
    sqlite3_busy_timeout(file->db, BUSY_MS);
    sqlite3_db_config(file->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(file->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return outbox_execute(file, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON",
                          "open it", error);
}

static int open_reading(struct outbox_file *file, struct ld_error *error)
{
    bool empty;
    int code = find_file(file->path, false, error);
    if (code == LD_OK)
        code = open_database(file, SQLITE_OPEN_READONLY, error);
    if (code == LD_OK)
        code = check_kind(file, &empty, error);
    if (code == LD_OK && empty)
        code = ld_fail(error, LD_INVALID, "%s is no outbox: it is empty", file->path);
    return code;
}

static int open_writing(struct outbox_file *file, const char *identity, struct ld_error *error)
{
    bool empty;
    int code = open_database(file, SQLITE_OPEN_READWRITE, error);
    if (code == LD_OK && sqlite3_db_readonly(file->db, "main") == 1)
        code =
            ld_fail(error, LD_IO, "outbox %s cannot be written: see its permissions", file->path);
    if (code == LD_OK)
        code = check_kind(file, &empty, error);
    if (code != LD_OK)
        return code;
    if (empty && identity == NULL)
        return ld_fail(error, LD_INVALID, "%s is no outbox: it is empty", file->path);
    code = empty ? make_tables(file, identity, error) : check_whole(file, error);
    if (code == LD_OK && identity != NULL)
        code = check_identity(file, identity, error);
    if (code == LD_OK)
        code = outbox_execute(file,
                              "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                              "PRAGMA journal_size_limit = 1048576",
                              "open it for writing", error);
    if (code == LD_OK)
        sqlite3_db_config(file->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return code;
}

int outbox_file_open(const char *path, enum outbox_access access, const char *identity,
                     struct outbox_file **out, struct ld_error *error)
{
    if (path == NULL || path[0] == '\0' || strlen(path) > PATH_MAX_BYTES)
        return ld_fail(error, LD_INVALID, "expected the path of an outbox, of at most %d bytes",
                       PATH_MAX_BYTES);
    struct outbox_file *file = calloc(1, sizeof *file);
    if (file == NULL || (file->path = strdup(path)) == NULL) {
        free(file);
        return ld_fail(error, LD_NOMEM, "cannot allocate an outbox");
    }
    file->lock = -1;
    int code;
    if (access == OUTBOX_READ) {
        code = open_reading(file, error);
    } else {
        code = access == OUTBOX_AMEND ? find_file(path, false, error) : LD_OK;
        if (code == LD_OK)
            code = take_lock(file, error);
        if (code == LD_OK)
            code = find_file(path, access == OUTBOX_PUBLISH, error);
        if (code == LD_OK)
            code = open_writing(file, access == OUTBOX_PUBLISH ? identity : NULL, error);
    }
    if (code != LD_OK) {
        outbox_file_close(file);
        return code;
    }
    *out = file;
    return LD_OK;
}

void outbox_file_close(struct outbox_file *file)
{
    if (file == NULL)
        return;
    outbox_finish_statements(file);
    sqlite3_close(file->db);
    if (file->lock >= 0)
        (void)ld_context_system()->files.close(ld_context_system()->self, file->lock);
    free(file->path);
    free(file);
}
