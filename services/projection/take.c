/*
 * One event into the tables.
 *
 * Happy path: decode by family, then the statements of that family, in the transaction that the
 * first event after a commit has begun. An event without an incident that it should name, one that
 * makes no message, and one of no interest hold nothing; the position moves all the same.
 *
 * Ways it fails: SQLite (disk, memory, damage): the transaction is given up by projection_close.
 */
#include "inside.h"

#include <string.h>

#include "liandong/v1/duty.pb-c.h"
#include "liandong/v1/common.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/supply.pb-c.h"

static int write_one(struct projection *projection, enum projection_write write,
                     const struct projection_values *values)
{
    return projection_write(&projection->writes[write], values);
}

/* ---- grades and warnings, with their criteria ---- */

static int write_criteria(struct projection *projection, const struct projection_values *values,
                          Liandong__V1__Criterion *const *criteria, size_t count)
{
    struct projection_values one = *values;
    int status = SQLITE_OK;
    for (size_t i = 0; i < count && status == SQLITE_OK; i++) {
        one.of = &criteria[i]->base;
        one.place = (int64_t)i + 1;
        status = write_one(projection, WRITE_CRITERION, &one);
    }
    return status;
}

static int write_both(struct projection *projection, struct projection_values *values,
                      Liandong__V1__Criterion *const *holding, size_t holding_count,
                      Liandong__V1__Criterion *const *missing, size_t missing_count)
{
    values->holds = true;
    int status = write_criteria(projection, values, holding, holding_count);
    values->holds = false;
    return status != SQLITE_OK ? status
                               : write_criteria(projection, values, missing, missing_count);
}

static int write_grade(struct projection *projection, struct projection_values *values)
{
    const Liandong__V1__Grade *grade = (const void *)values->message;
    int status = write_one(projection, WRITE_GRADE, values);
    if (status == SQLITE_OK)
        status = write_one(projection, WRITE_GRADE_CRITERIA, values);
    values->subject = "grade";
    values->area = grade->area;
    return status != SQLITE_OK ? status
                               : write_both(projection, values, grade->holding, grade->n_holding,
                                            grade->missing, grade->n_missing);
}

static int write_warning(struct projection *projection, struct projection_values *values)
{
    const Liandong__V1__Warning *warning = (const void *)values->message;
    int status = write_one(projection, WRITE_WARNING, values);
    if (status != SQLITE_OK || warning->state != LIANDONG__V1__WARNING__STATE__SUGGESTED)
        return status; /* steps of the procedure have no criteria */
    status = write_one(projection, WRITE_WARNING_CRITERIA, values);
    values->subject = "warning";
    values->area = warning->area;
    return status != SQLITE_OK
               ? status
               : write_both(projection, values, warning->holding, warning->n_holding,
                            warning->missing, warning->n_missing);
}

/* ---- by family ---- */

static int write_batches(struct projection *projection, struct projection_values values,
                         const Liandong__V1__SupplyMovement *movement, bool comes)
{
    int status = SQLITE_OK;
    values.subject = movement->item;
    values.area = comes ? movement->to : movement->from;
    values.place = comes ? 1 : -1;
    for (size_t i = 0; i < movement->n_batches && status == SQLITE_OK; i++) {
        values.of = &movement->batches[i]->base;
        status = write_one(projection, WRITE_SUPPLY_BATCH, &values);
    }
    return status != SQLITE_OK || movement->n_batches == 0
               ? status
               : write_one(projection, WRITE_SUPPLY_BATCH_GONE, &values);
}

static int write_supply(struct projection *projection, const struct projection_values *values)
{
    const Liandong__V1__SupplyMovement *movement = (const void *)values->message;
    int status = write_one(projection, WRITE_SUPPLY_MOVEMENT, values);
    if (status == SQLITE_OK)
        status = write_one(projection, WRITE_SUPPLY_FROM, values);
    if (status == SQLITE_OK)
        status = write_one(projection, WRITE_SUPPLY_TO, values);
    if (status == SQLITE_OK)
        status = write_batches(projection, *values, movement, false);
    return status != SQLITE_OK ? status : write_batches(projection, *values, movement, true);
}

static int write_reserve(struct projection *projection, const struct projection_values *values)
{
    const Liandong__V1__SupplyReserve *reserve = (const void *)values->message;
    struct projection_values one = *values;
    int status = write_one(projection, WRITE_RESERVE, values);
    if (status == SQLITE_OK)
        status = write_one(projection, WRITE_RESERVE_LACKING, values);
    one.subject = reserve->holder;
    one.area = reserve->rule;
    for (size_t i = 0; i < reserve->n_lacking && status == SQLITE_OK; i++) {
        one.of = &reserve->lacking[i]->base;
        status = write_one(projection, WRITE_LACKING, &one);
    }
    return status;
}

static int write_clock(struct projection *projection, struct projection_values *values)
{
    int status = write_one(projection, WRITE_CLOCK_HEARD, values);
    return status != SQLITE_OK ? status : write_one(projection, WRITE_CLOCK, values);
}

/* A reminder says what is there already. */
static int write_duty(struct projection *projection, struct projection_values *values)
{
    const Liandong__V1__DutyOrder *order = (const void *)values->message;
    return order->reminder ? SQLITE_OK : write_one(projection, WRITE_DUTY, values);
}

static int write_family(struct projection *projection, enum sv_family family,
                        struct projection_values *values)
{
    switch (family) {
    case SV_INCIDENT:
        return write_one(projection, WRITE_INCIDENT, values);
    case SV_GRADE:
        return write_grade(projection, values);
    case SV_WARNING:
        return write_warning(projection, values);
    case SV_RESPONSE:
        return write_one(projection, WRITE_RESPONSE, values);
    case SV_CLOCK:
        return write_clock(projection, values);
    case SV_DUTY:
        return write_duty(projection, values);
    case SV_NOTICE:
        return write_one(projection, WRITE_NOTICE, values);
    case SV_SUPPLY:
        return write_supply(projection, values);
    case SV_RESERVE:
        return write_reserve(projection, values);
    case SV_REPORT:
        return write_one(projection, WRITE_HEARD_REPORT, values);
    case SV_DECISION:
        return write_one(projection, WRITE_HEARD_DECISION, values);
    case SV_REPLY:
        return write_one(projection, WRITE_HEARD_REPLY, values);
    case SV_BULLETIN:
        return write_one(projection, WRITE_HEARD_BULLETIN, values);
    case SV_NEED:
        return write_one(projection, WRITE_HEARD_NEED, values);
    default:
        return SQLITE_OK;
    }
}

static bool of_interest(enum sv_family family)
{
    return sv_family_descriptor(family) != NULL && family != SV_RECEIPT;
}

/* What a service derives belongs to an incident. */
static bool without_incident(enum sv_family family, const ProtobufCMessage *message)
{
    bool derived = family == SV_INCIDENT || family == SV_GRADE || family == SV_WARNING ||
                   family == SV_RESPONSE || family == SV_CLOCK || family == SV_DUTY ||
                   family == SV_NOTICE;
    return derived && projection_context(message)->incident[0] == '\0';
}

static int hold(struct projection *projection, const struct ld_record *record,
                struct ld_error *error)
{
    enum sv_family family = sv_family_of(record->topic, record->topic_size);
    ProtobufCMessage *message = NULL;
    if (!of_interest(family))
        return LD_OK;
    ld_arena_reset(&projection->arena);
    if (sv_decode(family, record->payload, record->payload_size, &projection->arena, &message,
                  error) != LD_OK)
        return LD_OK; /* whoever sent it was told by its receipt */
    struct projection_values values = {.record = record, .message = message, .of = message};
    if (family == SV_PLAN)
        return projection_adopt(projection, &values, error);
    if (without_incident(family, message))
        return LD_OK;
    return write_family(projection, family, &values) == SQLITE_OK
               ? LD_OK
               : projection_fail(projection, "hold an event", error);
}

int projection_take(struct projection *projection, const struct ld_record *record,
                    struct ld_error *error)
{
    if (record->sequence <= projection->position)
        return ld_fail(error, LD_INVALID, "event %llu comes after event %llu was taken",
                       (unsigned long long)record->sequence,
                       (unsigned long long)projection->position);
    int code = projection->pending == 0
                   ? projection_execute(projection, "BEGIN IMMEDIATE", "begin to write", error)
                   : LD_OK;
    if (code == LD_OK) {
        projection->pending++;
        code = hold(projection, record, error);
    }
    if (code != LD_OK)
        return code;
    projection->position = record->sequence;
    projection->time_us = record->time_us;
    return LD_OK;
}
