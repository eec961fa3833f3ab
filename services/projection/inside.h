/* What the files of services/projection share with each other and with nobody else. */
#ifndef PROJECTION_INSIDE_H
#define PROJECTION_INSIDE_H

#include <sqlite3.h>

#include "arena.h"
#include "projection.h"
#include "services/common/core.h"

#include "schema.h"

/* ---- statements.c: what an event changes, as SQL ---- */
enum projection_write {
    WRITE_INCIDENT,
    WRITE_GRADE,
    WRITE_GRADE_CRITERIA,
    WRITE_WARNING,
    WRITE_WARNING_CRITERIA,
    WRITE_CRITERION,
    WRITE_RESPONSE,
    WRITE_CLOCK_HEARD,
    WRITE_CLOCK,
    WRITE_DUTY,
    WRITE_NOTICE,
    WRITE_SUPPLY_FROM,
    WRITE_SUPPLY_TO,
    WRITE_SUPPLY_BATCH,
    WRITE_SUPPLY_BATCH_GONE,
    WRITE_SUPPLY_MOVEMENT,
    WRITE_RESERVE,
    WRITE_RESERVE_LACKING,
    WRITE_LACKING,
    WRITE_HEARD_REPORT,
    WRITE_HEARD_DECISION,
    WRITE_HEARD_REPLY,
    WRITE_HEARD_BULLETIN,
    WRITE_HEARD_NEED,
    WRITE_COUNT
};
struct projection_statement {
    const ProtobufCMessageDescriptor *descriptor; /* of the message whose fields it names */
    const char *sql;
};
/* Parameters are named after what is put in: a field of the message (a Text with _zh or _en
 * behind), a field of its context, or one of exercise, sequence, time_us, topic_area, and for what
 * belongs to another message: subject, of_area, place, holds. */
const struct projection_statement *projection_statement(enum projection_write write);

/* ---- bind.c: a message's fields as parameters ---- */
struct projection_values {
    const struct ld_record *record;
    const ProtobufCMessage *message; /* of the event: its context */
    const ProtobufCMessage *of;      /* whose fields they are; mostly the same */
    const char *subject, *area;      /* subject, of_area */
    int64_t place;
    bool holds;
};
struct projection_parameter;
struct projection_prepared {
    sqlite3_stmt *statement;
    struct projection_parameter *parameters;
    int count;
};
/* SQLITE_OK or SQLite's code. */
int projection_prepare(sqlite3 *db, const struct projection_statement *what,
                       struct projection_prepared *prepared) LD_MUST_USE;
int projection_write(struct projection_prepared *prepared,
                     const struct projection_values *values) LD_MUST_USE;
void projection_finalize(struct projection_prepared *prepared);
/* An empty one if it was left out. */
struct Liandong__V1__Context;
const struct Liandong__V1__Context *projection_context(const ProtobufCMessage *message);

/* ---- file.c ---- */
struct projection {
    sqlite3 *db;
    char *path; /* NULL: in memory */
    int lock;   /* descriptor, -1: none */
    uint64_t position;
    int64_t time_us;
    size_t pending;
    struct projection_prepared writes[WRITE_COUNT];
    struct ld_arena arena; /* of the message under way */
};
/* What SQLite says last, in our words; code and text. */
int projection_fail(const struct projection *projection, const char *what, struct ld_error *error);
int projection_execute(struct projection *projection, const char *sql, const char *what,
                       struct ld_error *error) LD_MUST_USE;

/* ---- adopt.c ---- */
/* Holds a plan and the units of its vocabulary; one that is refused holds nothing. */
int projection_adopt(struct projection *projection, const struct projection_values *values,
                     struct ld_error *error) LD_MUST_USE;

#endif
