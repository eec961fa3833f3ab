/* Reports and the plan, published into a simulator. */
#include "reports.h"

#include <stdio.h>
#include <stdlib.h>
#include "bench.h"
#include "context.h"
#include "timefmt.h"
#include "liandong/v1/plan.pb-c.h"
#include "liandong/v1/report.pb-c.h"

static void publish(struct sv_sim *sim, const char *producer, const char *topic,
                    const ProtobufCMessage *message)
{
    struct ld_error error;
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *payload = malloc(size + 1);
    if (!payload)
        abort();
    protobuf_c_message_pack(message, payload);
    if (sv_sim_publish(sim, producer, topic, payload, size, 0, NULL, &error) != LD_OK)
        bench_die(topic, error.text);
    free(payload);
}

void reports_adopt(struct sv_sim *sim)
{
    struct plan_bundle bundle;
    struct ld_error error;
    if (plan_bundle_read(ld_context_system(), LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", &bundle,
                         &error) != LD_OK)
        bench_die("plan", error.text);
    Liandong__V1__PlanAdoption adoption = LIANDONG__V1__PLAN_ADOPTION__INIT;
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.author = sv_borrow("3303.gov");
    Liandong__V1__PlanAdoption__File files[32], *list[32];
    for (size_t i = 0; i < bundle.count && i < 32; i++) {
        list[i] = &files[i];
        liandong__v1__plan_adoption__file__init(&files[i]);
        files[i].name = sv_borrow(bundle.files[i].name);
        files[i].content.data = (uint8_t *)sv_borrow(bundle.files[i].content);
        files[i].content.len = bundle.files[i].size;
    }
    adoption.context = &context;
    adoption.n_files = bundle.count;
    adoption.files = list;
    publish(sim, "3303.gov", "plan/wenzhou-phe", &adoption.base);
    plan_bundle_free(&bundle);
}

static unsigned chance(unsigned *random, unsigned of)
{
    *random = *random * 1664525u + 1013904223u;
    return (*random >> 10) % of;
}

void reports_publish(struct sv_sim *sim, const struct shape *shape, unsigned *random, size_t number)
{
    static const char *const counties[] = {"330302", "330303", "330304", "330305", "330324",
                                           "330326", "330327", "330328", "330329", "330381"};
    const char *county = counties[chance(random, shape->counties)];
    char id[24], unit[24], topic[96], old[24];
    snprintf(id, sizeof id, "%zu", number);
    snprintf(old, sizeof old, "%zu", number - 1);
    snprintf(unit, sizeof unit, "%s.health", county);
    snprintf(topic, sizeof topic, "report/%s/%s/%s", county, shape->hazard, unit);
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.author = unit;
    Liandong__V1__Measure measures[2] = {LIANDONG__V1__MEASURE__INIT, LIANDONG__V1__MEASURE__INIT};
    Liandong__V1__Measure *list[] = {&measures[0], &measures[1]};
    measures[0].measure = sv_borrow("cases");
    measures[0].value = 1 + (double)chance(random, 3);
    measures[1].measure = sv_borrow("deaths");
    measures[1].value = chance(random, 10) == 0;
    Liandong__V1__Report report = LIANDONG__V1__REPORT__INIT;
    report.context = &context;
    report.id = id;
    report.kind = LIANDONG__V1__REPORT__KIND__PROGRESS;
    report.means = LIANDONG__V1__REPORT__MEANS__NETWORK;
    report.area = sv_borrow(county);
    report.hazard = sv_borrow(shape->hazard);
    report.place = sv_borrow("Wuma street 12");
    report.occurred_at_us = sv_sim_now(sim) - (chance(random, 100) < shape->late_percent
                                                   ? (int64_t)chance(random, 86400) * LD_US_SECOND
                                                   : 0);
    report.received_at_us = sv_sim_now(sim);
    report.n_measures = 2;
    report.measures = list;
    report.channel = sv_borrow("");
    if (number > 1 && shape->counties == 1 && chance(random, 100) < shape->corrected_percent)
        report.revises = old;
    publish(sim, unit, topic, &report.base);
}
