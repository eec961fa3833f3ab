/* Reports and decisions, packed and published. */
#include "acting.h"

#include <stdio.h>
#include <string.h>
#include "bench.h"
#include "context.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/report.pb-c.h"

static void on_published(const struct ld_published *published, void *data)
{
    (void)data;
    if (published->code != LD_OK && published->code != LD_DUPLICATE)
        bench_die("publish", published->reason);
}

static void publish(struct ld_producer *producer, const char *topic,
                    const ProtobufCMessage *message)
{
    uint8_t payload[1024];
    struct ld_error error;
    if (protobuf_c_message_get_packed_size(message) > sizeof payload)
        bench_die(topic, "too large");
    struct ld_event event = {.topic = topic,
                             .payload = payload,
                             .payload_size = protobuf_c_message_pack(message, payload)};
    if (ld_publish(producer, &event, on_published, NULL, &error) != LD_OK)
        bench_die(topic, error.text);
}

/* protobuf-c's strings are char *, though packing only reads them. */
static char *text(const char *constant)
{
    union {
        const char *constant;
        char *plain;
    } either = {constant ? constant : ""};
    return either.plain;
}

void acting_report(struct ld_producer *producer, const struct acting_report *report)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Report message = LIANDONG__V1__REPORT__INIT;
    Liandong__V1__Measure measure = LIANDONG__V1__MEASURE__INIT, *measures[] = {&measure};
    char topic[128];
    context.author = text(report->unit);
    context.incident = text(report->incident);
    message.context = &context;
    message.id = text(report->id);
    message.kind = report->incident ? LIANDONG__V1__REPORT__KIND__PROGRESS
                                    : LIANDONG__V1__REPORT__KIND__INITIAL;
    message.means = LIANDONG__V1__REPORT__MEANS__NETWORK;
    message.area = text(report->county);
    message.hazard = text(ACTING_HAZARD);
    message.occurred_at_us = message.received_at_us = report->time_us;
    measure.measure = text(report->measure);
    measure.value = report->value;
    message.measures = measures;
    message.n_measures = 1;
    snprintf(topic, sizeof topic, "report/%s/" ACTING_HAZARD "/%s", report->county, report->unit);
    publish(producer, topic, &message.base);
}

void acting_decide(struct ld_producer *producer, const char *unit, const char *city,
                   const char *incident, int act)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Decision message = LIANDONG__V1__DECISION__INIT;
    char topic[256];
    context.author = text(unit);
    context.incident = text(incident);
    message.context = &context;
    message.act = (Liandong__V1__Decision__Act)act;
    message.level = LIANDONG__V1__LEVEL__LEVEL_II;
    message.area = text(city);
    message.in_favour = true;
    snprintf(topic, sizeof topic, "decision/%s/%s/%s", city, incident, unit);
    publish(producer, topic, &message.base);
}

/* ---- what a plan asks for ---- */

static bool applies(const struct plan *plan, const struct plan_member *member,
                    const struct plan_duty *duty, const char *county)
{
    size_t hazard = (size_t)plan_find_hazard(plan, ACTING_HAZARD);
    bool affected = strcmp(plan->units[member->unit].area, county) == 0;
    if (duty->areas != PLAN_AREAS_ALL && (duty->areas == PLAN_AREAS_AFFECTED) != affected)
        return false;
    bool concerns = duty->hazard_count == 0;
    for (size_t i = 0; i < duty->hazard_count; i++)
        concerns = concerns || duty->hazards[i] == hazard;
    return concerns && duty->sign_count == 0 && plan_level_reaches(PLAN_II, (int)duty->from);
}

size_t acting_orders(const struct plan *plan, const char *county)
{
    size_t orders = 0;
    for (size_t m = 0; m < plan->member_count; m++) {
        const struct plan_member *member = &plan->members[m];
        for (size_t d = 0; d < member->duty_count; d++)
            orders += applies(plan, member, &plan->duties[member->duties[d]], county);
    }
    return orders;
}

struct plan *acting_plan(const char *path)
{
    struct plan_bundle bundle;
    struct plan *plan;
    struct ld_error error;
    if (plan_bundle_read(ld_context_system(), path, &bundle, &error) != LD_OK ||
        plan_load(bundle.files, bundle.count, &plan, NULL, &error) != LD_OK)
        bench_die(path, error.text);
    plan_bundle_free(&bundle);
    return plan;
}
