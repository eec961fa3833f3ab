/* What the tests of command share: incidents and grades as others would say them, acts in short
 * words, and the receipts that answer them. */
#ifndef TESTS_COMMAND_WORLD_H
#define TESTS_COMMAND_WORLD_H

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/report.pb-c.h"

typedef Liandong__V1__Response response;
typedef Liandong__V1__Receipt receipt;

#define HAZARD      "cholera"
#define CITY        "3303"
#define COUNTY      "330302"
#define STATE(name) LIANDONG__V1__RESPONSE__STATE__##name

static struct world world;
static int incidents_made;
static const char *plan_of_incidents = "wenzhou-phe", *city_of_incidents = CITY;

static inline int setup(void **state)
{
    (void)state;
    incidents_made = 0;
    world_open(&world, &command_class);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

/* ---- what comes from elsewhere ---- */

static inline Liandong__V1__Context context_of(const char *incident, const char *author)
{
    const struct plan *plan =
        sv_plans_current(sv_host_plans(sv_sim_host(world.sim), false), plan_of_incidents);
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.incident = sv_borrow(incident);
    context.plan = sv_borrow(plan->id);
    context.plan_hash = sv_borrow(plan->hash);
    context.author = sv_borrow(author);
    return context;
}

static inline size_t say_incident(const char *id, int action, uint16_t flags)
{
    Liandong__V1__Context context = context_of(id, "reporting");
    Liandong__V1__Incident message = LIANDONG__V1__INCIDENT__INIT;
    char *counties[] = {sv_borrow(COUNTY), sv_borrow("330381")};
    char topic[256];
    message.context = &context;
    message.action = (Liandong__V1__Incident__Action)action;
    message.area = sv_borrow(city_of_incidents);
    message.hazard = sv_borrow(HAZARD);
    message.counties = counties;
    message.n_counties = 2;
    snprintf(topic, sizeof topic, "incident/%s/%s", city_of_incidents, id);
    return world_publish(&world, "reporting", topic, &message.base, flags);
}

static inline void say_grade(const char *id, int level, uint16_t flags)
{
    Liandong__V1__Context context = context_of(id, "grading");
    Liandong__V1__Grade message = LIANDONG__V1__GRADE__INIT;
    char topic[256];
    message.context = &context;
    message.level = (Liandong__V1__Level)level;
    snprintf(topic, sizeof topic, "grade/%s/%s", city_of_incidents, id);
    world_publish(&world, "grading", topic, &message.base, flags);
}

static inline void say_warning(const char *id, int state, int colour, int merged)
{
    Liandong__V1__Context context = context_of(id, "grading");
    Liandong__V1__Warning message = LIANDONG__V1__WARNING__INIT;
    char topic[256];
    message.context = &context;
    message.state = (Liandong__V1__Warning__State)state;
    message.level = (Liandong__V1__Level)colour;
    message.merged = (Liandong__V1__Level)merged;
    snprintf(topic, sizeof topic, "warning/%s/%s", city_of_incidents, id);
    world_publish(&world, "grading", topic, &message.base, 0);
}

#define SUGGESTED LIANDONG__V1__WARNING__STATE__SUGGESTED

static inline const char *open_flagged(int grade, uint16_t flags)
{
    static char id[64];
    snprintf(id, sizeof id, CITY "-" HAZARD "-20260101-%d", ++incidents_made);
    say_incident(id, LIANDONG__V1__INCIDENT__ACTION__OPENED, flags);
    say_grade(id, grade, flags);
    return id;
}

static inline const char *open_incident(int grade)
{
    return open_flagged(grade, 0);
}

/* ---- acts ---- */

struct act {
    int act, level;
    const char *unit, *area, *filed_with, *signed_by;
    bool against, of_warning;
    const char *person;
    int64_t effective_at_us;
    uint64_t amends;
    uint16_t flags;
};

static inline size_t decide(const char *incident, struct act act)
{
    Liandong__V1__Context context = context_of(incident, act.signed_by ? act.signed_by : act.unit);
    Liandong__V1__Decision message = LIANDONG__V1__DECISION__INIT;
    char topic[256];
    const char *area = act.area ? act.area : city_of_incidents;
    message.context = &context;
    message.act = (Liandong__V1__Decision__Act)act.act;
    message.level = (Liandong__V1__Level)act.level;
    message.area = sv_borrow(area);
    message.in_favour = !act.against;
    message.subject = act.of_warning ? LIANDONG__V1__DECISION__SUBJECT__WARNING
                                     : LIANDONG__V1__DECISION__SUBJECT__RESPONSE;
    message.filed_with = sv_borrow(act.filed_with);
    message.person = sv_borrow(act.person);
    message.effective_at_us = act.effective_at_us;
    message.amends = act.amends;
    snprintf(topic, sizeof topic, "decision/%s/%s/%s", area, incident, act.unit);
    return world_publish(&world, act.unit, topic, &message.base, act.flags);
}

static const char letters[] = " PADVFOG"; /* by number of the act */

/* The act of a word such as "P2" (propose II) or "a3" (assess III, against), by who may. */
static inline struct act act_of(const char *word)
{
    bool against = word[0] == 'a';
    struct act act = {.level = word[1] - '0', .against = against};
    act.act = against ? PLAN_ASSESS : (int)(strchr(letters, word[0]) - letters);
    switch (act.act) {
    case PLAN_PROPOSE:
        act.unit = "3303.health";
        break;
    case PLAN_ASSESS:
        act.unit = "3303.health-experts";
        break;
    case PLAN_ORDER:
        act.unit = "33.gov";
        break;
    default:
        act.unit = "3303.gov";
    }
    act.filed_with = "33.gov";
    if (word[2] == 'h') { /* level IV is the health commission's */
        act.unit = "3303.health";
        act.filed_with = "3303.gov";
    }
    return act;
}

static inline const receipt *receipt_after(size_t index)
{
    const receipt *found = (const void *)world_after(&world, index, SV_RECEIPT, 0);
    assert_non_null(found);
    assert_int_equal(world_count_after(&world, index, SV_RECEIPT), 1);
    return found;
}

/* Plays words such as "P2 A2 D2"; each must be taken. Returns the index of the last. */
static inline size_t play(const char *incident, const char *words)
{
    size_t last = world.count;
    for (; *words; words += strcspn(words, " "), words += strspn(words, " ")) {
        last = decide(incident, act_of(words));
        if (!receipt_after(last)->accepted)
            fail_msg("%s: %s", words, receipt_after(last)->reason->en);
    }
    return last;
}

static inline void expect_receipt(size_t index, const char *topic, bool accepted, const char *code,
                                  const char *section, const char *zh, const char *en)
{
    const receipt *found = receipt_after(index);
    size_t at = index + 1;
    while (world.all[at].family != SV_RECEIPT)
        at++;
    assert_int_equal(world.all[at].record.topic_size, strlen(topic));
    assert_memory_equal(world.all[at].record.topic, topic, strlen(topic));
    assert_int_equal(found->accepted, accepted);
    assert_string_equal(found->code, code);
    assert_string_equal(found->section, section);
    assert_string_equal(found->reason->zh, zh);
    assert_string_equal(found->reason->en, en);
    assert_string_equal(found->context->author, "command");
    assert_int_equal(found->context->causation, world.all[index].record.sequence);
    assert_int_equal(strlen(found->subject), world.all[index].record.topic_size);
    assert_memory_equal(found->subject, world.all[index].record.topic, strlen(found->subject));
}

static inline void minute_passes(void)
{
    sv_sim_advance(world.sim, sv_sim_now(world.sim) + 60000000);
}

#endif
