/*
 * Asking the read model. A file is opened read-only and never made; one of another version or log
 * is refused with what to do. Holding is a read transaction: the writer goes on meanwhile.
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sql/sql.h"
#include "services/projection/projection.h"
#include "services/projection/schema.h"

enum { BUSY_MS = 2000 };

struct model {
    sqlite3 *db;
    const char *path;              /* borrowed; NULL: in memory */
    struct projection *projection; /* in memory: owns the database */
};

/* ---- errors ---- */

static struct sql_file sql_of(const struct model *model)
{
    return (struct sql_file){model->db, "read model",
                             model->path != NULL ? model->path : "in memory"};
}

/* SQLite's "not a database" in our words. */
static int told(const struct model *model, int code, struct ld_error *error)
{
    return code == LD_INVALID ? ld_fail(error, code, "%s is no read model", model->path) : code;
}

static int fail(const struct model *model, const char *what, struct ld_error *error)
{
    return told(model, sql_fail(sql_of(model), what, error), error);
}

/* ---- opening ---- */

static int ask_number(const struct model *model, const char *sql, int64_t *number,
                      struct ld_error *error)
{
    return told(model, sql_ask_number(sql_of(model), sql, number, error), error);
}

static int check_kind(struct model *model, struct ld_error *error)
{
    int64_t application = 0, version = 0;
    int code = ask_number(model, "PRAGMA application_id", &application, error);
    if (code == LD_OK)
        code = ask_number(model, "PRAGMA user_version", &version, error);
    if (code != LD_OK)
        return code;
    if (application != PROJECTION_APPLICATION)
        return ld_fail(error, LD_INVALID, "%s is no read model", model->path);
    if (version != PROJECTION_VERSION)
        return ld_fail(error, LD_VERSION,
                       "read model %s has schema version %lld, expected %d: liandong-projection "
                       "--rebuild makes it anew",
                       model->path, (long long)version, PROJECTION_VERSION);
    return LD_OK;
}

static int check_log(struct model *model, const uint8_t *log_id, struct ld_error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = LD_OK;
    if (sqlite3_prepare_v2(model->db, "SELECT log FROM read_model", -1, &statement, NULL) !=
            SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        code = fail(model, "read it", error);
    else if (sqlite3_column_bytes(statement, 0) != 16 ||
             memcmp(sqlite3_column_blob(statement, 0), log_id, 16) != 0)
        code = ld_fail(error, LD_REFUSED, "read model %s is of another log", model->path);
    sqlite3_finalize(statement);
    return code;
}

static struct model *new_model(void)
{
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL)
        abort();
    return model;
}

int model_open_file(const char *path, const uint8_t *log_id, struct model **out,
                    struct ld_error *error)
{
    if (access(path, F_OK) != 0)
        return ld_fail(error, LD_NOTFOUND,
                       "there is no read model %s; liandong-projection --db makes one", path);
    struct model *model = new_model();
    model->path = path;
    int status = sqlite3_open_v2(path, &model->db, SQLITE_OPEN_READONLY, NULL);
    int code = status == SQLITE_OK ? LD_OK : fail(model, "open it", error);
    sqlite3_busy_timeout(model->db, BUSY_MS);
    if (code == LD_OK)
        code = check_kind(model, error);
    if (code == LD_OK && log_id != NULL)
        code = check_log(model, log_id, error);
    if (code == LD_OK)
        *out = model;
    else
        model_close(model);
    return code;
}

int model_open_empty(struct model **out, struct ld_error *error)
{
    struct projection *projection = NULL;
    int code = projection_open_memory(&projection, error);
    if (code != LD_OK)
        return code;
    struct model *model = new_model();
    model->projection = projection;
    model->db = projection_database(projection);
    *out = model;
    return LD_OK;
}

int model_take(struct model *model, const struct ld_record *record, struct ld_error *error)
{
    return projection_take(model->projection, record, error);
}

void model_close(struct model *model)
{
    if (model == NULL)
        return;
    if (model->projection != NULL)
        projection_close(model->projection);
    else
        sqlite3_close(model->db);
    free(model);
}

/* ---- asking ---- */

int model_look(struct model *model, struct model_about *about, struct ld_error *error)
{
    int64_t position = 0;
    int code = ask_number(model, "SELECT position FROM read_model", &position, error);
    if (code == LD_OK)
        code = ask_number(model, "SELECT time_us FROM read_model", &about->time_us, error);
    about->path = model->path;
    about->position = (uint64_t)position;
    return code;
}

int model_hold(struct model *model, struct ld_error *error)
{
    if (model->projection != NULL)
        return projection_commit(model->projection, error);
    return sqlite3_exec(model->db, "BEGIN; SELECT position FROM read_model", NULL, NULL, NULL) ==
                   SQLITE_OK
               ? LD_OK
               : fail(model, "read it", error);
}

static int bind_number(sqlite3_stmt *statement, const char *name, bool given, int64_t value)
{
    int at = sqlite3_bind_parameter_index(statement, name);
    return at == 0 || !given ? SQLITE_OK : sqlite3_bind_int64(statement, at, value);
}

static int bind_text(sqlite3_stmt *statement, const char *name, const char *value)
{
    int at = sqlite3_bind_parameter_index(statement, name);
    return at == 0 || value == NULL ? SQLITE_OK
                                    : sqlite3_bind_text(statement, at, value, -1, SQLITE_TRANSIENT);
}

/* What is not asked for stays NULL. */
static int bind(sqlite3_stmt *statement, const struct model_filter *filter)
{
    int status = bind_text(statement, ":unit", filter->unit);
    status = status != SQLITE_OK ? status : bind_text(statement, ":group", filter->group);
    status = status != SQLITE_OK ? status : bind_text(statement, ":incident", filter->incident);
    status = status != SQLITE_OK ? status : bind_text(statement, ":area", filter->area);
    status = status != SQLITE_OK ? status : bind_text(statement, ":item", filter->item);
    status = status != SQLITE_OK ? status : bind_text(statement, ":state", filter->state);
    status = status != SQLITE_OK
                 ? status
                 : bind_number(statement, ":level", !filter->any_level, filter->level);
    status = status != SQLITE_OK ? status : bind_number(statement, ":open", filter->open, 1);
    return status != SQLITE_OK ? status : bind_number(statement, ":overdue", filter->overdue, 1);
}

static json_t *row_of(sqlite3_stmt *statement)
{
    json_t *row = json_object();
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        const char *name = sqlite3_column_name(statement, i);
        int type = sqlite3_column_type(statement, i);
        if (type == SQLITE_INTEGER)
            json_object_set_new(row, name, json_integer(sqlite3_column_int64(statement, i)));
        else if (type == SQLITE_TEXT)
            json_object_set_new(row, name,
                                json_string((const char *)sqlite3_column_text(statement, i)));
    }
    return row;
}

json_t *model_ask(struct model *model, const char *question, const struct model_filter *filter,
                  struct ld_error *error)
{
    sqlite3_stmt *statement = NULL;
    json_t *rows = json_array();
    int status = sqlite3_prepare_v2(model->db, question, -1, &statement, NULL);
    if (status == SQLITE_OK)
        status = bind(statement, filter);
    while (status == SQLITE_OK && (status = sqlite3_step(statement)) == SQLITE_ROW) {
        json_array_append_new(rows, row_of(statement));
        status = SQLITE_OK;
    }
    if (status != SQLITE_DONE) {
        (void)fail(model, "read it", error);
        json_decref(rows);
        rows = NULL;
    }
    sqlite3_finalize(statement);
    return rows;
}
