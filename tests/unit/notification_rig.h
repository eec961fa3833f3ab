/* Events that notification reads, and the notices that follow. */
#ifndef TESTS_NOTIFICATION_RIG_H
#define TESTS_NOTIFICATION_RIG_H

#include "world.h"

#include <stdio.h>
#include <string.h>
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/notice.pb-c.h"
#include "liandong/v1/report.pb-c.h"

#define INCIDENT "3303-cholera-20260101-1"

typedef Liandong__V1__Notice notice;

static inline char *text(const char *constant)
{
    union {
        const char *constant;
        char *plain;
    } either = {constant};
    return either.plain;
}

static inline Liandong__V1__Context context_of(struct world *world)
{
    const struct plan *plan =
        sv_plans_current(sv_host_plans(sv_sim_host(world->sim), false), "wenzhou-phe");
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.incident = text(INCIDENT);
    context.plan = text(plan->id);
    context.plan_hash = text(plan->hash);
    return context;
}

static inline void report_cases(struct world *world, const char *id, const char *revises,
                                double cases, uint16_t flags)
{
    Liandong__V1__Context context = context_of(world);
    Liandong__V1__Measure measure = LIANDONG__V1__MEASURE__INIT, *measures[] = {&measure};
    Liandong__V1__Report report = LIANDONG__V1__REPORT__INIT;
    Liandong__V1__Incident incident = LIANDONG__V1__INCIDENT__INIT;
    measure.measure = text("cases");
    measure.value = cases;
    report.id = text(id);
    report.revises = text(revises);
    report.n_measures = 1;
    report.measures = measures;
    incident.context = &context;
    incident.action = LIANDONG__V1__INCIDENT__ACTION__JOINED;
    incident.reporter = text("330302.health");
    incident.report = &report;
    world_publish(world, "reporting", "incident/3303/" INCIDENT, &incident.base, flags);
}

static inline size_t respond_as(struct world *world, const char *area, int state, int level,
                                int previous, bool follows, uint16_t flags)
{
    Liandong__V1__Context context = context_of(world);
    Liandong__V1__Response response = LIANDONG__V1__RESPONSE__INIT;
    char *counties[] = {text("330302")};
    char topic[128];
    response.context = &context;
    response.area = text(area);
    response.state = (Liandong__V1__Response__State)state;
    response.in_force = (Liandong__V1__Level)level;
    response.previous = (Liandong__V1__Level)previous;
    response.by = text("3303.gov");
    response.hazard = text("cholera");
    response.counties = counties;
    response.n_counties = 1;
    response.follows_city = follows;
    snprintf(topic, sizeof topic, "response/%s/%s", area, INCIDENT);
    return world_publish(world, "command", topic, &response.base, flags);
}

static inline size_t respond(struct world *world, const char *area, int state, int level,
                             int previous, uint16_t flags)
{
    return respond_as(world, area, state, level, previous, false, flags);
}

#define STATE(name) LIANDONG__V1__RESPONSE__STATE__##name
#define KIND(name)  LIANDONG__V1__NOTICE__KIND__##name

/* The first notice to the audience after an event; NULL: none. */
static inline const notice *find_notice(const struct world *world, size_t index,
                                        const char *audience)
{
    const notice *found;
    for (size_t n = 0; (found = (const void *)world_after(world, index, SV_NOTICE, n)) != NULL;
         n++) {
        if (strcmp(found->audience, audience) == 0) {
            return found;
        }
    }
    return NULL;
}

static inline const notice *to_whom(const struct world *world, size_t index, const char *audience)
{
    const notice *found = find_notice(world, index, audience);
    if (found == NULL) {
        fail_msg("no notice to %s", audience);
    }
    return found;
}

#endif
