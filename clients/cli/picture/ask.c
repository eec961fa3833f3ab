/* Asking the picture, and letting it go. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

#include "keep.h"

const struct picture_receipt *picture_receipt_of(const struct picture *picture, uint64_t sequence)
{
    struct picture_receipt *found;
    HASH_FIND(hh, picture->receipts, &sequence, sizeof sequence, found);
    return found;
}

const char *picture_producer_name(const struct picture *picture, uint64_t id)
{
    struct picture_producer *found;
    HASH_FIND(hh, picture->producers, &id, sizeof id, found);
    return found != NULL ? found->name : NULL;
}

const Liandong__V1__Response *picture_response_of(const struct picture_incident *incident,
                                                  const char *area)
{
    struct picture_response *found = NULL;
    if (area == NULL && incident->last != NULL)
        area = incident->last->area;
    if (area != NULL)
        HASH_FIND_STR(incident->responses, area, found);
    return found != NULL ? found->last : NULL;
}

int picture_warning_in_force(const struct picture_incident *incident)
{
    return incident->warning_step != NULL ? (int)incident->warning_step->in_force : 0;
}

double picture_total(const struct picture_incident *incident, const char *measure)
{
    double sum = 0;
    for (const struct picture_report *at = incident->reports; at != NULL; at = at->hh.next) {
        size_t count = at->report != NULL ? at->report->n_measures : 0;
        for (size_t i = 0; i < count; i++)
            if (strcmp(at->report->measures[i]->measure, measure) == 0)
                sum += at->report->measures[i]->value;
    }
    return sum;
}

bool picture_order_open(const DutyOrder *order)
{
    return order->state != LIANDONG__V1__DUTY_ORDER__STATE__DONE &&
           order->state != LIANDONG__V1__DUTY_ORDER__STATE__SUPERSEDED &&
           order->state != LIANDONG__V1__DUTY_ORDER__STATE__WITHDRAWN;
}

/* ---- counting: orders by unit ---- */

struct unit_count {
    const char *unit;
    bool overdue, escalated, unseen;
    UT_hash_handle hh;
};

static struct unit_count *unit_of(struct unit_count **units, const char *unit)
{
    struct unit_count *found;
    HASH_FIND_STR(*units, unit, found);
    if (found != NULL)
        return found;
    found = keep_zeroed(sizeof *found);
    found->unit = unit;
    HASH_ADD_KEYPTR(hh, *units, found->unit, strlen(unit), found);
    return found;
}

static void count_order(const struct picture_order *order, struct unit_count **units,
                        struct picture_matrix *matrix)
{
    const DutyOrder *last = order->last;
    struct unit_count *unit = unit_of(units, last->unit);
    matrix->orders++;
    matrix->open += picture_order_open(last);
    matrix->late += picture_order_open(last) && *last->late_for;
    if ((int)last->state > 0 && (int)last->state < PICTURE_STATES)
        matrix->states[last->state]++;
    unit->overdue |= order->overdue;
    unit->escalated |= order->escalated;
    unit->unseen |= order->acknowledged_at_us == 0;
}

void picture_count(const struct picture_incident *incident, const char *unit,
                   struct picture_matrix *matrix)
{
    struct unit_count *units = NULL, *at, *next;
    memset(matrix, 0, sizeof *matrix);
    for (const struct picture_order *order = incident->orders; order != NULL;
         order = order->hh.next)
        if (unit == NULL || strcmp(order->last->unit, unit) == 0)
            count_order(order, &units, matrix);
    HASH_ITER(hh, units, at, next)
    {
        matrix->units++;
        matrix->overdue_units += at->overdue;
        matrix->escalated_units += at->escalated;
        matrix->acknowledged_units += !at->unseen;
        HASH_DEL(units, at);
        free(at);
    }
}

/* ---- the end ---- */

static void free_orders(struct picture_incident *incident)
{
    struct picture_order *order, *next_order;
    HASH_ITER(hh, incident->orders, order, next_order)
    {
        HASH_DEL(incident->orders, order);
        KEEP_DROP(order->last);
        free(order->key);
        free(order);
    }
    struct picture_clock *clock, *next_clock;
    HASH_ITER(hh, incident->clocks, clock, next_clock)
    {
        HASH_DEL(incident->clocks, clock);
        KEEP_DROP(clock->last);
        free(clock->key);
        free(clock);
    }
}

static void free_incident(struct picture_incident *incident)
{
    struct picture_response *response, *next_response;
    HASH_ITER(hh, incident->responses, response, next_response)
    {
        HASH_DEL(incident->responses, response);
        KEEP_DROP(response->last);
        free(response->area);
        free(response);
    }
    struct picture_report *report, *next_report;
    HASH_ITER(hh, incident->reports, report, next_report)
    {
        HASH_DEL(incident->reports, report);
        KEEP_DROP(report->report);
        free(report->key);
        free(report);
    }
    free_orders(incident);
    for (size_t i = 0; i < incident->notice_count; i++)
        KEEP_DROP(incident->notices[i].notice);
    free(incident->notices);
    KEEP_DROP(incident->last);
    KEEP_DROP(incident->grade);
    KEEP_DROP(incident->warning);
    KEEP_DROP(incident->warning_step);
    free(incident->key);
    free(incident);
}

static void free_ledger(struct picture *picture)
{
    struct picture_balance *balance, *next;
    HASH_ITER(hh, picture->balances, balance, next)
    {
        HASH_DEL(picture->balances, balance);
        free(balance->key);
        free(balance->item);
        free(balance);
    }
    for (size_t i = 0; i < picture->movement_count; i++)
        KEEP_DROP(picture->movements[i].movement);
    free(picture->movements);
}

static void free_small(struct picture *picture)
{
    struct picture_receipt *receipt, *next_receipt;
    HASH_ITER(hh, picture->receipts, receipt, next_receipt)
    {
        HASH_DEL(picture->receipts, receipt);
        KEEP_DROP(receipt->last);
        free(receipt);
    }
    struct picture_bulletin *bulletin, *next_bulletin;
    HASH_ITER(hh, picture->bulletins, bulletin, next_bulletin)
    {
        HASH_DEL(picture->bulletins, bulletin);
        KEEP_DROP(bulletin->bulletin);
        free(bulletin);
    }
    KEEP_DROP(picture->answered);
    struct picture_producer *producer, *next_producer;
    HASH_ITER(hh, picture->producers, producer, next_producer)
    {
        HASH_DEL(picture->producers, producer);
        free(producer->name);
        free(producer);
    }
    struct picture_plan *plan, *next_plan;
    HASH_ITER(hh, picture->plans, plan, next_plan)
    {
        HASH_DEL(picture->plans, plan);
        free(plan->key);
        free(plan->hash);
        free(plan);
    }
}

void picture_free(struct picture *picture)
{
    struct picture_incident *incident, *next;
    HASH_ITER(hh, picture->incidents, incident, next)
    {
        HASH_DEL(picture->incidents, incident);
        free_incident(incident);
    }
    free_ledger(picture);
    free_small(picture);
    ld_arena_free(&picture->arena);
    memset(picture, 0, sizeof *picture);
}
