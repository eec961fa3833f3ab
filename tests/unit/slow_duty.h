/*
 * Orders told again, slowly: the rules of docs/events.md and of the domain in plain words, beside
 * the table, timers and hashes of services/duty. It keeps no timer: whenever time has passed it
 * looks at every order for what is due. What it says are lines, one for each event that duty must
 * have put out.
 */
#ifndef TESTS_SLOW_DUTY_H
#define TESTS_SLOW_DUTY_H

#include "duty_world.h"

enum { SLOW_ORDERS_MAX = 16384, SLOW_INCIDENTS_MAX = 64, SLOW_SIGNS_MAX = 16 };

struct slow_incident {
    char id[64];
    bool closed, affected[512];   /* by unit: its county */
    int city_level, county_level; /* county: 330302 */
    size_t signs[SLOW_SIGNS_MAX]; /* that stand, of 330302 */
    size_t sign_count;
};
struct slow_order {
    char id[160];
    struct slow_incident *in;
    size_t member, duty;
    int asker; /* a member; -1: the unit's own */
    bool applies;
    int said;         /* the furthest state that the unit itself has come to */
    int shown;        /* the last that was told of it */
    const char *late; /* "", "acknowledge", "done", "problem" */
    bool gone_up, reminded;
    int64_t issued_us, delivered_us, problem_by_us, acknowledge_by_us, done_by_us, up_us, again_us;
};
struct slow_said { /* an event that others may have to act on */
    size_t member, duty;
    struct slow_incident *in;
    int state, helper; /* helper: a member asked for help; -1 */
    char id[160];
};
struct slow {
    const struct plan *plan;
    struct slow_incident incidents[SLOW_INCIDENTS_MAX];
    size_t incident_count;
    struct slow_order orders[SLOW_ORDERS_MAX];
    size_t order_count;
    struct slow_said said[SLOW_ORDERS_MAX];
    size_t said_count, said_done;
    char *lines[SLOW_ORDERS_MAX]; /* since slow_begin */
    size_t line_count;
    int64_t now_us;
};

/* From here on lines are counted anew; time has come to now_us. */
void slow_begin(struct slow *slow, int64_t now_us);
struct slow_incident *slow_incident(struct slow *slow, const char *id);
/* county: 330302's own response, else the city's. */
void slow_response(struct slow *slow, const char *incident, bool county, int level);
void slow_sign(struct slow *slow, const char *incident, const char *sign, bool stands);
void slow_affected(struct slow *slow, const char *incident, const char *county);
void slow_closed(struct slow *slow, const char *incident);
/* What the unit answers is judged by; "accepted" or the code of the refusal. */
const char *slow_answer(struct slow *slow, const struct answer *answer);
void slow_free(struct slow *slow);

/* One event as a line: the order's number, and what stands in it. */
void slow_line(char *line, size_t size, const duty_order *order);

#endif
