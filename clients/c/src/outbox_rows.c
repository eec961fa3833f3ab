/*
 * The outbox's rows: putting, settling, reading, the first word with a log, and what operators do.
 *
 * Each change is one transaction: it fails as a whole and leaves the file as it was. Sequences rise
 * for ever, also over rows that are gone: "given" is in the file, in the same transaction as the
 * event that got it.
 */
#include "outbox_file.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum outbox_statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    PUT,
    REFUSE,
    REMOVE,
    MOVE,
    READ,
    OLDEST,
    HEAD,
    COUNTS,
    IS_THERE,
    BIND,
    RENAME,
    SET_ASIDE,
    EACH,
    REFUSED,
    RETRY,
    DROP,
    REBIND,
    STATEMENT_COUNT
};
_Static_assert((int)STATEMENT_COUNT <= (int)OUTBOX_STATEMENTS, "room for every statement");

static const char *const SQL[] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [PUT] = "INSERT INTO event(sequence, put_us, record) VALUES(?1, ?2, ?3)",
    [REFUSE] = "UPDATE event SET code = ?2, reason = ?3 WHERE sequence = ?1",
    [REMOVE] = "DELETE FROM event WHERE sequence > ?1 AND sequence <= ?2 AND code = 0",
    [MOVE] = "UPDATE outbox SET given = max(given, ?1), answered = max(answered, ?2)",
    [READ] = "SELECT sequence, put_us, record FROM event WHERE sequence > ?1 AND code = 0 "
             "ORDER BY sequence",
    [OLDEST] = "SELECT put_us FROM event WHERE sequence > ?1 AND code = 0 ORDER BY sequence "
               "LIMIT 1",
    [HEAD] = "SELECT producer, log, given, answered FROM outbox",
    [COUNTS] = "SELECT total(code = 0), total(code <> 0), total(length(record)) FROM event",
    [IS_THERE] = "SELECT 1 FROM event WHERE sequence = ?1",
    [BIND] = "UPDATE outbox SET log = ?1",
    [RENAME] = "UPDATE outbox SET producer = ?1, answered = 0",
    [SET_ASIDE] = "UPDATE event SET code = ?2, reason = ?3 WHERE sequence <= ?1 AND code = 0",
    [EACH] = "SELECT sequence, put_us, code, reason, record FROM event ORDER BY sequence",
    [REFUSED] = "SELECT sequence FROM event WHERE code <> 0 AND (?1 = 0 OR sequence = ?1) "
                "ORDER BY sequence",
    [RETRY] = "UPDATE event SET sequence = ?2, code = 0, reason = NULL WHERE sequence = ?1",
    [DROP] = "DELETE FROM event WHERE sequence = ?1",
    [REBIND] = "UPDATE outbox SET log = NULL",
};

/* ---- items ---- */

struct outbox_item *outbox_item_new(size_t size)
{
    struct outbox_item *item = calloc(1, sizeof *item + size);
    if (item != NULL)
        item->size = (uint32_t)size;
    return item;
}

void outbox_item_free_all(struct outbox_item *list)
{
    while (list != NULL) {
        struct outbox_item *item = list;
        list = item->next;
        free(item);
    }
}

/* ---- statements ---- */

/* Ready to be bound and stepped; NULL: SQLite has the reason. */
static sqlite3_stmt *take(struct outbox_file *file, enum outbox_statement which)
{
    sqlite3_stmt **statement = &file->statements[which];
    if (*statement == NULL)
        (void)sqlite3_prepare_v3(file->db, SQL[which], -1, SQLITE_PREPARE_PERSISTENT, statement,
                                 NULL);
    return *statement;
}

static void give_back(sqlite3_stmt *statement)
{
    if (statement == NULL)
        return;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

void outbox_finish_statements(struct outbox_file *file)
{
    for (size_t i = 0; i < OUTBOX_STATEMENTS; i++)
        sqlite3_finalize(file->statements[i]);
}

/* Steps a statement that returns nothing. */
static int finish(struct outbox_file *file, sqlite3_stmt *statement, const char *what,
                  struct ld_error *error)
{
    int code = sqlite3_step(statement) == SQLITE_DONE ? LD_OK : outbox_fail(file, what, error);
    give_back(statement);
    return code;
}

static int do_plain(struct outbox_file *file, enum outbox_statement which, struct ld_error *error)
{
    sqlite3_stmt *statement = take(file, which);
    return statement != NULL ? finish(file, statement, "write", error)
                             : outbox_fail(file, "write", error);
}

/* With up to two numbers. */
static int do_numbers(struct outbox_file *file, enum outbox_statement which, uint64_t first,
                      uint64_t second, struct ld_error *error)
{
    sqlite3_stmt *statement = take(file, which);
    if (statement == NULL)
        return outbox_fail(file, "write", error);
    sqlite3_bind_int64(statement, 1, (int64_t)first);
    if (sqlite3_bind_parameter_count(statement) > 1)
        sqlite3_bind_int64(statement, 2, (int64_t)second);
    return finish(file, statement, "write", error);
}

static int do_refuse(struct outbox_file *file, enum outbox_statement which, uint64_t sequence,
                     int code, const char *reason, struct ld_error *error)
{
    sqlite3_stmt *statement = take(file, which);
    if (statement == NULL)
        return outbox_fail(file, "write", error);
    sqlite3_bind_int64(statement, 1, (int64_t)sequence);
    sqlite3_bind_int(statement, 2, code);
    sqlite3_bind_text(statement, 3, reason, -1, SQLITE_STATIC);
    return finish(file, statement, "write", error);
}

/* The end of a transaction: all of it, or nothing. */
static int end(struct outbox_file *file, int code, struct ld_error *error)
{
    if (code == LD_OK)
        code = do_plain(file, COMMIT, error);
    if (code != LD_OK && sqlite3_get_autocommit(file->db) == 0)
        (void)do_plain(file, ROLLBACK, NULL);
    return code;
}

/* ---- putting and settling ---- */

static int put(struct outbox_file *file, const struct outbox_item *item, struct ld_error *error)
{
    sqlite3_stmt *statement = take(file, PUT);
    if (statement == NULL)
        return outbox_fail(file, "write", error);
    sqlite3_bind_int64(statement, 1, (int64_t)item->sequence);
    sqlite3_bind_int64(statement, 2, item->put_us);
    sqlite3_bind_blob64(statement, 3, item->record, item->size, SQLITE_STATIC);
    return finish(file, statement, "write", error);
}

static int change_rows(struct outbox_file *file, const struct outbox_write *write,
                       struct ld_error *error)
{
    int code = LD_OK;
    for (const struct outbox_item *at = write->puts; at != NULL && code == LD_OK; at = at->next)
        code = put(file, at, error);
    for (const struct outbox_refusal *at = write->refusals; at != NULL && code == LD_OK;
         at = at->next)
        code = do_refuse(file, REFUSE, at->sequence, at->code, at->reason, error);
    if (code == LD_OK && write->settled_to > write->settled_from)
        code = do_numbers(file, REMOVE, write->settled_from, write->settled_to, error);
    if (code == LD_OK)
        code = do_numbers(file, MOVE, write->given, write->answered, error);
    return code;
}

static int set_lazy(struct outbox_file *file, bool lazy, struct ld_error *error)
{
    if (file->lazy == lazy)
        return LD_OK;
    int code = outbox_execute(
        file, lazy ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", "write", error);
    if (code == LD_OK)
        file->lazy = lazy;
    return code;
}

int outbox_file_write(struct outbox_file *file, const struct outbox_write *write,
                      struct ld_error *error)
{
    int code = set_lazy(file, write->puts == NULL && write->refusals == NULL, error);
    if (code == LD_OK)
        code = do_plain(file, BEGIN, error);
    if (code != LD_OK)
        return code;
    return end(file, change_rows(file, write, error), error);
}

/* ---- reading ---- */

static void copy_text(char *to, size_t size, const unsigned char *text)
{
    snprintf(to, size, "%s", text != NULL ? (const char *)text : "");
}

static int read_counts(struct outbox_file *file, struct outbox_head *head, struct ld_error *error)
{
    sqlite3_stmt *statement = take(file, COUNTS);
    if (statement == NULL || sqlite3_step(statement) != SQLITE_ROW)
        return outbox_fail(file, "read", error);
    head->waiting = (uint64_t)sqlite3_column_int64(statement, 0);
    head->refused = (uint64_t)sqlite3_column_int64(statement, 1);
    head->bytes = (uint64_t)sqlite3_column_int64(statement, 2);
    give_back(statement);
    head->oldest_us = outbox_file_oldest(file, 0);
    return LD_OK;
}

int outbox_file_head(struct outbox_file *file, struct outbox_head *head, struct ld_error *error)
{
    *head = (struct outbox_head){.given = 0};
    sqlite3_stmt *statement = take(file, HEAD);
    int status = statement != NULL ? sqlite3_step(statement) : SQLITE_ERROR;
    if (status != SQLITE_ROW) {
        int code = status == SQLITE_DONE
                       ? ld_fail(error, LD_CORRUPT, "outbox %s: its row is gone", file->path)
                       : outbox_fail(file, "read", error);
        give_back(statement);
        return code;
    }
    copy_text(head->producer, sizeof head->producer, sqlite3_column_text(statement, 0));
    head->bound = sqlite3_column_bytes(statement, 1) == (int)sizeof head->log_id;
    if (head->bound)
        memcpy(head->log_id, sqlite3_column_blob(statement, 1), sizeof head->log_id);
    head->given = (uint64_t)sqlite3_column_int64(statement, 2);
    head->answered = (uint64_t)sqlite3_column_int64(statement, 3);
    give_back(statement);
    return read_counts(file, head, error);
}

int64_t outbox_file_oldest(struct outbox_file *file, uint64_t after)
{
    int64_t put_us = 0;
    sqlite3_stmt *statement = take(file, OLDEST);
    if (statement == NULL)
        return 0;
    sqlite3_bind_int64(statement, 1, (int64_t)after);
    if (sqlite3_step(statement) == SQLITE_ROW)
        put_us = sqlite3_column_int64(statement, 0);
    give_back(statement);
    return put_us;
}

static bool is_good(const uint8_t *bytes, size_t size, struct ld_record *record,
                    struct ld_error *error)
{
    return ld_record_decode(bytes, size, record, error) == LD_OK &&
           ld_record_check(record, error) == LD_OK;
}

/* The row as an item, or as a refusal when its record is damaged. False: out of memory. */
static bool take_row(sqlite3_stmt *row, struct outbox_item ***items,
                     struct outbox_refusal ***refusals)
{
    struct ld_record record;
    struct ld_error error;
    const uint8_t *bytes = sqlite3_column_blob(row, 2);
    size_t size = (size_t)sqlite3_column_bytes(row, 2);
    uint64_t sequence = (uint64_t)sqlite3_column_int64(row, 0);
    if (!is_good(bytes, size, &record, &error)) {
        struct outbox_refusal *refusal = calloc(1, sizeof *refusal);
        if (refusal == NULL)
            return false;
        refusal->sequence = sequence;
        refusal->code = LD_CORRUPT;
        snprintf(refusal->reason, sizeof refusal->reason, "damaged in the outbox: %.200s",
                 error.text);
        **refusals = refusal;
        *refusals = &refusal->next;
        return true;
    }
    struct outbox_item *item = outbox_item_new(size);
    if (item == NULL)
        return false;
    item->sequence = sequence;
    item->put_us = sqlite3_column_int64(row, 1);
    memcpy(item->record, bytes, size);
    **items = item;
    *items = &item->next;
    return true;
}

int outbox_file_read(struct outbox_file *file, uint64_t after, size_t bytes,
                     struct outbox_item **items, struct outbox_refusal **refusals, bool *end_found,
                     struct ld_error *error)
{
    int status = SQLITE_ROW;
    size_t taken = 0;
    sqlite3_stmt *row = take(file, READ);
    *items = NULL;
    *refusals = NULL;
    if (row == NULL)
        return outbox_fail(file, "read", error);
    sqlite3_bind_int64(row, 1, (int64_t)after);
    while (taken < bytes && (status = sqlite3_step(row)) == SQLITE_ROW) {
        if (!take_row(row, &items, &refusals))
            break; /* out of memory: the rest comes with the next read */
        taken += (size_t)sqlite3_column_bytes(row, 2);
    }
    *end_found = status == SQLITE_DONE;
    int code = LD_OK;
    if (status != SQLITE_ROW && status != SQLITE_DONE)
        code = outbox_fail(file, "read", error);
    else if (status == SQLITE_ROW && taken == 0)
        code = ld_fail(error, LD_NOMEM, "cannot allocate an event");
    give_back(row);
    return code;
}

/* ---- the first word with a log ---- */

static int is_there(struct outbox_file *file, uint64_t sequence, bool *there,
                    struct ld_error *error)
{
    sqlite3_stmt *statement = take(file, IS_THERE);
    if (statement == NULL)
        return outbox_fail(file, "read", error);
    sqlite3_bind_int64(statement, 1, (int64_t)sequence);
    int status = sqlite3_step(statement);
    *there = status == SQLITE_ROW;
    int code =
        status == SQLITE_ROW || status == SQLITE_DONE ? LD_OK : outbox_fail(file, "read", error);
    give_back(statement);
    return code;
}

static int bind_log(struct outbox_file *file, const uint8_t log_id[16], struct ld_error *error)
{
    sqlite3_stmt *statement = take(file, BIND);
    if (statement == NULL)
        return outbox_fail(file, "write", error);
    sqlite3_bind_blob(statement, 1, log_id, 16, SQLITE_STATIC);
    return finish(file, statement, "write", error);
}

static int rename_producer(struct outbox_file *file, const char *producer, struct ld_error *error)
{
    char name[128];
    outbox_new_name(producer, strcspn(producer, "#"), name);
    sqlite3_stmt *statement = take(file, RENAME);
    if (statement == NULL)
        return outbox_fail(file, "write", error);
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    return finish(file, statement, "write", error);
}

/* What the log has from a copy of this file may be these events or others; not those that were
 * never sent. */
static int part_from_copy(struct outbox_file *file, const struct outbox_head *head,
                          const struct outbox_meeting *meeting, struct ld_error *error)
{
    char reason[512];
    uint64_t up_to = meeting->exposed < meeting->last ? meeting->exposed : meeting->last;
    snprintf(reason, sizeof reason,
             "the log has events of %s up to %" PRIu64 " that came from a copy of this outbox; "
             "whether this is one of them is not known: look in the log, then retry or drop it",
             head->producer, meeting->last);
    int code = do_refuse(file, SET_ASIDE, up_to, LD_UNKNOWN, reason, error);
    return code == LD_OK ? rename_producer(file, head->producer, error) : code;
}

static int write_contact(struct outbox_file *file, const struct outbox_head *head,
                         const struct outbox_meeting *meeting, enum outbox_contact contact,
                         struct ld_error *error)
{
    int code = set_lazy(file, false, error);
    if (code == LD_OK)
        code = do_plain(file, BEGIN, error);
    if (code != LD_OK)
        return code;
    code = bind_log(file, meeting->log_id, error);
    if (code == LD_OK && contact == OUTBOX_OLD_COPY)
        code = part_from_copy(file, head, meeting, error);
    return end(file, code, error);
}

int outbox_file_contact(struct outbox_file *file, const struct outbox_meeting *meeting,
                        enum outbox_contact *contact, struct outbox_head *head,
                        struct ld_error *error)
{
    bool there = false;
    int code = outbox_file_head(file, head, error);
    if (code == LD_OK)
        code = is_there(file, meeting->last, &there, error);
    if (code != LD_OK)
        return code;
    *contact = OUTBOX_GO_ON;
    if (head->bound && memcmp(head->log_id, meeting->log_id, sizeof head->log_id) != 0)
        *contact = OUTBOX_OTHER_LOG;
    else if (meeting->last > head->answered && !there)
        *contact = OUTBOX_OLD_COPY;
    if (*contact == OUTBOX_OTHER_LOG || (*contact == OUTBOX_GO_ON && head->bound))
        return LD_OK;
    code = write_contact(file, head, meeting, *contact, error);
    if (code == LD_NOSPACE && *contact == OUTBOX_GO_ON)
        return LD_OK; /* a full disk does not stop publishing: bound at the next meeting */
    return code == LD_OK ? outbox_file_head(file, head, error) : code;
}

/* ---- what operators do ---- */

int outbox_file_each(struct outbox_file *file, ld_outbox_item_fn *each, void *data,
                     struct ld_error *error)
{
    int status;
    sqlite3_stmt *row = take(file, EACH);
    if (row == NULL)
        return outbox_fail(file, "read", error);
    while ((status = sqlite3_step(row)) == SQLITE_ROW) {
        struct ld_record record = {.size = 0};
        struct ld_error damage = {.text = ""};
        const char *reason = (const char *)sqlite3_column_text(row, 3);
        bool good = is_good(sqlite3_column_blob(row, 4), (size_t)sqlite3_column_bytes(row, 4),
                            &record, &damage);
        struct ld_outbox_item item = {
            .producer_sequence = (uint64_t)sqlite3_column_int64(row, 0),
            .put_us = sqlite3_column_int64(row, 1),
            .code = good ? sqlite3_column_int(row, 2) : LD_CORRUPT,
            .reason = reason != NULL ? reason : "",
            .record = good ? &record : NULL,
        };
        if (!good)
            item.reason = damage.text;
        each(&item, data);
    }
    int code = status == SQLITE_DONE ? LD_OK : outbox_fail(file, "read", error);
    give_back(row);
    return code;
}

/* The sequences of the refused events, one or all: malloc'ed. */
static int list_refused(struct outbox_file *file, uint64_t sequence, uint64_t **out, size_t *count,
                        struct ld_error *error)
{
    int status;
    size_t capacity = 0;
    sqlite3_stmt *row = take(file, REFUSED);
    *out = NULL;
    *count = 0;
    if (row == NULL)
        return outbox_fail(file, "read", error);
    sqlite3_bind_int64(row, 1, (int64_t)sequence);
    while ((status = sqlite3_step(row)) == SQLITE_ROW) {
        if (*count == capacity) {
            capacity = capacity * 2 + 64;
            uint64_t *grown = realloc(*out, capacity * sizeof *grown);
            if (grown == NULL)
                break;
            *out = grown;
        }
        (*out)[(*count)++] = (uint64_t)sqlite3_column_int64(row, 0);
    }
    int code = LD_OK;
    if (status == SQLITE_ROW)
        code = ld_fail(error, LD_NOMEM, "cannot allocate a list of %zu events", *count);
    else if (status != SQLITE_DONE)
        code = outbox_fail(file, "read", error);
    give_back(row);
    return code;
}

static int amend_rows(struct outbox_file *file, enum ld_outbox_amendment what, uint64_t sequence,
                      size_t *count, struct ld_error *error)
{
    struct outbox_head head;
    uint64_t *list = NULL;
    int code = outbox_file_head(file, &head, error);
    if (code == LD_OK)
        code = list_refused(file, sequence, &list, count, error);
    if (code == LD_OK && *count == 0 && sequence != 0)
        code = ld_fail(error, LD_NOTFOUND, "outbox %s has no refused event %" PRIu64, file->path,
                       sequence);
    for (size_t i = 0; i < *count && code == LD_OK; i++)
        code = what == LD_OUTBOX_DROP ? do_numbers(file, DROP, list[i], 0, error)
                                      : do_numbers(file, RETRY, list[i], ++head.given, error);
    if (code == LD_OK)
        code = do_numbers(file, MOVE, head.given, head.answered, error);
    free(list);
    return code;
}

int outbox_file_amend(struct outbox_file *file, enum ld_outbox_amendment what, uint64_t sequence,
                      size_t *count, struct ld_error *error)
{
    *count = 0;
    int code = do_plain(file, BEGIN, error);
    if (code != LD_OK)
        return code;
    if (what == LD_OUTBOX_REBIND)
        code = do_plain(file, REBIND, error);
    else
        code = amend_rows(file, what, sequence, count, error);
    return end(file, code, error);
}
