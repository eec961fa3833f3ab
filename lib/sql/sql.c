/* SQLite's results in our codes and words (sql.h). */
#include "sql.h"

#include <errno.h>
#include <string.h>

/* A failed sync is not passing, whatever the system says of it. */
static bool is_full(sqlite3 *db, int status)
{
    int number = sqlite3_system_errno(db);
    if ((status & 0xff) == SQLITE_FULL)
        return true;
    return (status & 0xff) == SQLITE_IOERR && status != SQLITE_IOERR_FSYNC &&
           status != SQLITE_IOERR_DIR_FSYNC && (number == ENOSPC || number == EDQUOT);
}

static int code_of(sqlite3 *db, int status)
{
    if (is_full(db, status))
        return LD_NOSPACE;
    switch (status & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return LD_BUSY;
    case SQLITE_NOMEM:
        return LD_NOMEM;
    case SQLITE_CORRUPT:
        return LD_CORRUPT;
    case SQLITE_NOTADB:
        return LD_INVALID;
    default:
        return LD_IO;
    }
}

int sql_fail(struct sql_file file, const char *what, struct ld_error *error)
{
    int status = sqlite3_extended_errcode(file.db), number = sqlite3_system_errno(file.db);
    bool system = number != 0 && ((status & 0xff) == SQLITE_IOERR ||
                                  (status & 0xff) == SQLITE_CANTOPEN || is_full(file.db, status));
    return ld_fail(error, code_of(file.db, status), "%s %s: cannot %s: %s%s%s", file.kind,
                   file.path, what, sqlite3_errmsg(file.db), system ? ": " : "",
                   system ? strerror(number) : "");
}

int sql_execute(struct sql_file file, const char *sql, const char *what, struct ld_error *error)
{
    return sqlite3_exec(file.db, sql, NULL, NULL, NULL) == SQLITE_OK ? LD_OK
                                                                     : sql_fail(file, what, error);
}

int sql_ask_number(struct sql_file file, const char *sql, int64_t *number, struct ld_error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = LD_OK;
    if (sqlite3_prepare_v2(file.db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        code = sql_fail(file, "read it", error);
    else
        *number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code;
}
