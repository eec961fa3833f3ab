/* Random inputs; see inputs.h. */
#include "inputs.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "liandong/v1/bulletin.pb-c.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/duty.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include "liandong/v1/supply.pb-c.h"
#include "timefmt.h"

static const char *const COUNTIES[] = {"330302", "330303", "330304", "330381"};
static const char *const HAZARDS[] = {"cholera",         "cholera",
                                      "plague.bubonic",  "poisoning.occupational",
                                      "unknown-illness", "no-such-hazard"};
static const char *const DECIDERS[] = {
    "3303.health", "3303.health", "3303.health-experts", "3303.health-experts", "3303.gov",
    "3303.gov",    "33.gov",      "3303.education"};

#define PICK(generator, list) list[generator_below(generator, sizeof list / sizeof *list)]

void generator_open(struct generator *generator, uint64_t seed)
{
    memset(generator, 0, sizeof *generator);
    generator->state = seed * 2654435761u + 1;
}

/* xorshift64* (Vigna 2016). */
uint64_t generator_below(struct generator *generator, uint64_t bound)
{
    generator->state ^= generator->state >> 12;
    generator->state ^= generator->state << 25;
    generator->state ^= generator->state >> 27;
    return (generator->state * UINT64_C(2685821657736338717) >> 16) % bound;
}

static char *text(const char *constant)
{
    union {
        const char *constant;
        char *plain;
    } either = {constant};
    return either.plain;
}

static void pack(struct input *input, const ProtobufCMessage *message)
{
    input->payload_size = protobuf_c_message_get_packed_size(message);
    assert(input->payload_size <= sizeof input->payload);
    protobuf_c_message_pack(message, input->payload);
}

static const char *some_incident(struct generator *generator)
{
    if (generator->incident_count == 0 || generator_below(generator, 20) == 0) {
        return "3303-cholera-20200101-9";
    }
    return generator->incident[generator_below(generator, generator->incident_count)];
}

static void make_report(struct generator *generator, struct input *input)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Report report = LIANDONG__V1__REPORT__INIT;
    Liandong__V1__Measure cases = LIANDONG__V1__MEASURE__INIT, deaths = cases;
    Liandong__V1__Measure *measures[] = {&cases, &deaths};
    char *signs[] = {text("spreading")};
    char id[32], revises[32], reporter[32];
    const char *county = PICK(generator, COUNTIES), *hazard = PICK(generator, HAZARDS);
    snprintf(reporter, sizeof reporter, "%s.health", county);
    snprintf(id, sizeof id, "r%llu", (unsigned long long)generator->made);
    snprintf(revises, sizeof revises, "r%llu",
             (unsigned long long)generator_below(generator, generator->made + 1));
    context.author = reporter;
    report.context = &context;
    report.id = id;
    report.kind = (Liandong__V1__Report__Kind)(1 + generator_below(generator, 4));
    report.means = (Liandong__V1__Report__Means)(1 + generator_below(generator, 3));
    report.area = text(county);
    report.hazard = text(hazard);
    report.occurred_at_us =
        generator->now_us - (int64_t)generator_below(generator, 9 * 24) * LD_US_HOUR;
    report.received_at_us =
        generator->now_us - (int64_t)generator_below(generator, 180) * LD_US_MINUTE;
    cases.measure = text("cases");
    cases.value = (double)generator_below(generator, 12) - (generator_below(generator, 30) == 0);
    deaths.measure = text("deaths");
    deaths.value = (double)generator_below(generator, 3);
    bool zero = report.kind == LIANDONG__V1__REPORT__KIND__ZERO;
    report.n_measures = zero ? 0 : 2;
    report.measures = measures;
    report.n_signs = generator_below(generator, 6) == 0;
    report.signs = signs;
    report.revises = generator_below(generator, 8) == 0 ? revises : text("");
    snprintf(input->producer, sizeof input->producer, "%s", reporter);
    snprintf(input->topic, sizeof input->topic, "report/%s/%s/%s", county, hazard, reporter);
    pack(input, &report.base);
}

static void put_decision(struct input *input, const char *by, const char *incident,
                         const char *area, Liandong__V1__Decision *decision)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.author = text(by);
    context.incident = text(incident);
    decision->context = &context;
    decision->area = text(area);
    snprintf(input->producer, sizeof input->producer, "%s", by);
    snprintf(input->topic, sizeof input->topic, "decision/%s/%s/%s", area, incident, by);
    pack(input, &decision->base);
}

/* The next step of a procedure done right: propose, assess, decide, file; then another one. */
static void make_step(struct generator *generator, struct input *input)
{
    static const struct {
        int act;
        const char *by;
    } STEPS[] = {{1, "3303.health"}, {2, "3303.health-experts"}, {3, "3303.gov"}, {5, "3303.gov"}};
    if (generator->procedure.step == 0) {
        snprintf(generator->procedure.incident, sizeof generator->procedure.incident, "%s",
                 some_incident(generator));
        generator->procedure.level = (int)generator_below(generator, 5);
    }
    int step = generator->procedure.step;
    Liandong__V1__Decision decision = LIANDONG__V1__DECISION__INIT;
    decision.act = (Liandong__V1__Decision__Act)STEPS[step].act;
    decision.level = (Liandong__V1__Level)generator->procedure.level;
    decision.in_favour = true;
    decision.filed_with = text(step == 3 ? "33.gov" : "");
    generator->procedure.step = (step + 1) % 4;
    put_decision(input, STEPS[step].by, generator->procedure.incident, "3303", &decision);
}

static void make_decision(struct generator *generator, struct input *input)
{
    Liandong__V1__Decision decision = LIANDONG__V1__DECISION__INIT;
    const char *by = PICK(generator, DECIDERS), *incident = some_incident(generator);
    const char *area = generator_below(generator, 5) == 0 ? PICK(generator, COUNTIES) : "3303";
    decision.act = (Liandong__V1__Decision__Act)(1 + generator_below(generator, 8));
    decision.level = (Liandong__V1__Level)generator_below(generator, 5);
    decision.in_favour = generator_below(generator, 5) != 0;
    decision.filed_with = text(generator_below(generator, 2) == 0 ? "33.gov" : "");
    put_decision(input, by, incident, area, &decision);
}

static void make_reply(struct generator *generator, struct input *input)
{
    if (generator->order_count == 0) {
        make_decision(generator, input);
        return;
    }
    size_t which = generator_below(generator, generator->order_count);
    const char *unit = generator->order[which].unit, *order = generator->order[which].order;
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__DutyReply reply = LIANDONG__V1__DUTY_REPLY__INIT;
    context.author = text(unit);
    reply.context = &context;
    reply.order = text(order);
    reply.action = (Liandong__V1__DutyReply__Action)(1 + generator_below(generator, 7));
    reply.reason = text(generator_below(generator, 3) == 0 ? "" : "short of people");
    reply.help_from = text("3303.public-security");
    const char *slug = strchr(unit, '.');
    snprintf(input->producer, sizeof input->producer, "%s", unit);
    snprintf(input->topic, sizeof input->topic, "reply/%.*s/%s/%s", (int)(slug - unit), unit,
             slug + 1, order);
    pack(input, &reply.base);
}

static void make_need(struct generator *generator, struct input *input)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__SupplyAct act = LIANDONG__V1__SUPPLY_ACT__INIT;
    const char *area = PICK(generator, COUNTIES);
    char holder[32], id[32];
    snprintf(holder, sizeof holder, "%s.%s", area,
             generator_below(generator, 2) == 0 ? "depot" : "hospital");
    snprintf(id, sizeof id, "n%llu", (unsigned long long)generator->made);
    context.author = holder;
    act.context = &context;
    act.id = id;
    act.verb = (Liandong__V1__SupplyAct__Verb)(1 + generator_below(generator, 8));
    act.item = text("mask.n95");
    act.quantity = (int64_t)generator_below(generator, 500);
    act.area = text(area);
    act.from = holder;
    act.to = text("330302.hospital");
    snprintf(input->producer, sizeof input->producer, "%s", holder);
    snprintf(input->topic, sizeof input->topic, "need/%s/mask.n95/%s", area, holder);
    pack(input, &act.base);
}

static void make_bulletin(struct generator *generator, struct input *input)
{
    static const char *const UNITS[] = {"3303.publicity", "3303.health", "3303.gov", "330302.gov"};
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Bulletin bulletin = LIANDONG__V1__BULLETIN__INIT;
    const char *incident = some_incident(generator);
    const char *unit = PICK(generator, UNITS);
    context.author = text(unit);
    context.incident = text(incident);
    bulletin.context = &context;
    bulletin.kind = (Liandong__V1__Bulletin__Kind)generator_below(generator, 9);
    bulletin.link = text("https://example.org/");
    bulletin.entry = text(generator_below(generator, 4) == 0 ? "evaluation" : "");
    snprintf(input->producer, sizeof input->producer, "%s", unit);
    snprintf(input->topic, sizeof input->topic, "bulletin/%.*s/%s/%s", (int)strcspn(unit, "."),
             unit, incident, unit);
    pack(input, &bulletin.base);
}

/* Bytes that are no message, on a topic where one is expected. */
static void spoil(struct generator *generator, struct input *input)
{
    for (size_t i = 0; i < 1 + generator_below(generator, 4) && input->payload_size > 0; i++) {
        size_t at = generator_below(generator, input->payload_size);
        input->payload[at] = (uint8_t)generator_below(generator, 256);
    }
    if (generator_below(generator, 4) == 0) {
        input->payload_size = generator_below(generator, input->payload_size + 1);
    }
}

void generator_next(struct generator *generator, struct input *input)
{
    generator->made++;
    uint64_t kind = generator_below(generator, 100);
    if (kind < 35) {
        make_report(generator, input);
    } else if (kind < 45) {
        make_decision(generator, input);
    } else if (kind < 60) {
        make_step(generator, input);
    } else if (kind < 85) {
        make_reply(generator, input);
    } else if (kind < 90) {
        make_bulletin(generator, input);
    } else {
        make_need(generator, input);
    }
    if (generator_below(generator, 40) == 0) {
        spoil(generator, input);
    }
}

void generator_saw_incident(struct generator *generator, const char *incident)
{
    size_t slot = generator->incident_count < 16 ? generator->incident_count++
                                                 : generator_below(generator, 16);
    snprintf(generator->incident[slot], sizeof generator->incident[slot], "%s", incident);
}

void generator_saw_order(struct generator *generator, const char *unit, const char *order)
{
    size_t slot = generator->order_count < ORDERS_KNOWN_MAX
                      ? generator->order_count++
                      : generator_below(generator, ORDERS_KNOWN_MAX);
    snprintf(generator->order[slot].unit, sizeof generator->order[slot].unit, "%s", unit);
    snprintf(generator->order[slot].order, sizeof generator->order[slot].order, "%s", order);
}
