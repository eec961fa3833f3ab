/*
 * A province's load on a running router and its services: many incidents at once, each with a
 * response and its orders, and reports on all of them.
 *
 *     bench_province ENDPOINT PLANS CITIES COUNTIES INCIDENTS REPORTS_PER_S SECONDS [NAME=PID…]
 *
 * PLANS is what tests/bench/province has written, already adopted. Three phases: (1) the incidents
 * are opened and taken to their orders one after the other; (2) reports on all of them, as many a
 * second as asked for; (3) the same, while ten more incidents are taken to their orders. Printed
 * are latencies, and for each process named the CPU time for an order and for a report, and its
 * memory at the end.
 */
#include <liandong.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include "acting.h"
#include "bench.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include "province_figures.h"

enum { FIRST_CITY = 3341, CITIES_MAX = 20, COUNTIES_MAX = 20, INCIDENTS_MAX = 1000 };
enum { ID_SIZE = 96, NAME_SIZE = 32, MORE = 10, RING = 1 << 16, SAMPLES_MAX = 1 << 18 };
enum { HEALTH, EXPERTS, GOVERNMENT, OFFICES };
static const char *const OFFICE[OFFICES] = {"health", "health-experts", "gov"};

struct actor {
    char unit[NAME_SIZE];
    struct ld_client *client;
    struct ld_producer *producer;
};

struct city {
    char code[8];
    char county[COUNTIES_MAX][8];
    struct actor office[OFFICES];
    struct actor bureau[COUNTIES_MAX];
    size_t orders[COUNTIES_MAX]; /* of an incident there */
};

struct incident {
    char id[ID_SIZE];
    struct city *city;
    size_t county;
    int64_t decided_ns;
};

struct province {
    uv_loop_t loop;
    struct ld_client *watcher;
    struct city city[CITIES_MAX];
    size_t city_count, county_count, ready;
    struct incident incident[INCIDENTS_MAX];
    size_t incident_count;
    struct incident *opening; /* the one that is on its way to its orders */
    size_t orders;            /* of that one, so far */
    bool opened;
    int64_t published_ns[RING]; /* of reports, by number */
    size_t reports, joined;
    int64_t *joined_ns, *ordered_ns; /* samples */
    size_t ordered;
    struct processes processes;
};

/* ---- who acts ---- */

static void on_ready(struct ld_producer *producer, int code, uint64_t last, void *data)
{
    (void)producer, (void)last;
    struct province *province = data;
    if (code != LD_OK)
        bench_die("producer", ld_code_text(code));
    province->ready++;
}

static void actor_open(struct province *province, struct actor *actor, const char *endpoint,
                       const char *area, const char *slug)
{
    struct ld_client_options options;
    struct ld_error error;
    snprintf(actor->unit, sizeof actor->unit, "%s.%s", area, slug);
    ld_client_options_init(&options);
    options.endpoint = endpoint;
    options.identity = actor->unit;
    options.loop = &province->loop;
    if (ld_client_open(&options, &actor->client, &error) != LD_OK ||
        ld_producer_open(actor->client, actor->unit, on_ready, province, &actor->producer,
                         &error) != LD_OK)
        bench_die(actor->unit, error.text);
}

static void city_open(struct province *province, struct city *city, size_t number,
                      const char *endpoint, const char *plans)
{
    char path[512];
    snprintf(city->code, sizeof city->code, "%zu", FIRST_CITY + number);
    snprintf(path, sizeof path, "%s/city-%s-phe.yaml", plans, city->code);
    struct plan *plan = acting_plan(path);
    for (int i = 0; i < OFFICES; i++)
        actor_open(province, &city->office[i], endpoint, city->code, OFFICE[i]);
    for (size_t i = 0; i < province->county_count; i++) {
        snprintf(city->county[i], sizeof city->county[i], "%.4s%02u", city->code,
                 (unsigned)(i + 1) % 100);
        actor_open(province, &city->bureau[i], endpoint, city->county[i], "health");
        city->orders[i] = acting_orders(plan, city->county[i]);
    }
    plan_free(plan);
}

/* ---- what comes ---- */

static struct actor *office_of(const struct province *province, int office)
{
    return &province->opening->city->office[office];
}

static void decide(struct province *province, int office, int act)
{
    struct incident *incident = province->opening;
    struct actor *actor = office_of(province, office);
    if (act == PLAN_DECIDE)
        incident->decided_ns = bench_now_ns();
    acting_decide(actor->producer, actor->unit, incident->city->code, incident->id, act);
}

static void on_joined(struct province *province, const char *report_id)
{
    if (report_id[0] != 'r')
        return;
    size_t number = strtoul(report_id + 1, NULL, 10);
    if (province->joined < SAMPLES_MAX)
        province->joined_ns[province->joined] =
            bench_now_ns() - province->published_ns[number % RING];
    province->joined++;
}

static void on_incident(struct province *province, const struct ld_record *record)
{
    Liandong__V1__Incident *incident =
        liandong__v1__incident__unpack(NULL, record->payload_size, record->payload);
    if (!incident)
        bench_die("incident", "cannot be read");
    if (incident->action == LIANDONG__V1__INCIDENT__ACTION__OPENED)
        snprintf(province->opening->id, ID_SIZE, "%s", incident->context->incident);
    else if (incident->report)
        on_joined(province, incident->report->id);
    liandong__v1__incident__free_unpacked(incident, NULL);
}

static void on_response(struct province *province, const struct ld_record *record)
{
    Liandong__V1__Response *response =
        liandong__v1__response__unpack(NULL, record->payload_size, record->payload);
    if (!response)
        bench_die("response", "cannot be read");
    if (response->state == LIANDONG__V1__RESPONSE__STATE__PROPOSED)
        decide(province, EXPERTS, PLAN_ASSESS);
    else if (response->state == LIANDONG__V1__RESPONSE__STATE__ASSESSED)
        decide(province, GOVERNMENT, PLAN_DECIDE);
    liandong__v1__response__free_unpacked(response, NULL);
}

static void on_order(struct province *province)
{
    struct incident *incident = province->opening;
    if (!incident || ++province->orders < incident->city->orders[incident->county])
        return;
    province->ordered_ns[province->ordered++] = bench_now_ns() - incident->decided_ns;
    province->opening = NULL;
}

static bool begins(const struct ld_record *record, const char *family)
{
    size_t size = strlen(family);
    return record->topic_size > size && memcmp(record->topic, family, size) == 0;
}

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct province *province = data;
    (void)stream;
    if (begins(record, "duty/")) {
        on_order(province);
    } else if (begins(record, "incident/")) {
        on_incident(province, record);
    } else if (begins(record, "response/")) {
        on_response(province, record);
    } else if (province->opening && !province->opened) { /* its first grade */
        province->opened = true;
        decide(province, HEALTH, PLAN_PROPOSE);
    }
}

static void on_stream(struct ld_stream *stream, uint64_t from, uint64_t head, void *data)
{
    (void)stream, (void)from, (void)head;
    ((struct province *)data)->ready++;
}

static void watch(struct province *province, const char *endpoint)
{
    static const char *const FILTERS[] = {"incident/>", "grade/>", "response/>", "duty/>"};
    struct ld_client_options options;
    struct ld_stream_options listen;
    struct ld_stream *stream;
    struct ld_error error;
    ld_client_options_init(&options);
    options.endpoint = endpoint;
    options.identity = "watcher";
    options.loop = &province->loop;
    ld_stream_options_init(&listen);
    listen.from = LD_FROM_NOW;
    listen.filters = FILTERS;
    listen.filter_count = sizeof FILTERS / sizeof *FILTERS;
    listen.opened = on_stream;
    listen.event = on_event;
    listen.data = province;
    if (ld_client_open(&options, &province->watcher, &error) != LD_OK ||
        ld_stream_open(province->watcher, &listen, &stream, &error) != LD_OK)
        bench_die(endpoint, error.text);
}

/* ---- what is done ---- */

static int64_t clock_us(void)
{
    uv_timeval64_t now;
    uv_gettimeofday(&now);
    return now.tv_sec * 1000000 + now.tv_usec;
}

static void open_incident(struct province *province)
{
    char id[NAME_SIZE];
    size_t number = province->incident_count++;
    struct incident *incident = &province->incident[number];
    incident->city = &province->city[number % province->city_count];
    incident->county = number / province->city_count % province->county_count;
    province->opening = incident;
    province->opened = false;
    province->orders = 0;
    snprintf(id, sizeof id, "o%zu-%lld", number, (long long)clock_us());
    struct actor *bureau = &incident->city->bureau[incident->county];
    struct acting_report report = {.unit = bureau->unit,
                                   .county = incident->city->county[incident->county],
                                   .id = id,
                                   .measure = "cases",
                                   .value = 60,
                                   .time_us = clock_us()};
    acting_report(bureau->producer, &report);
}

static void report_on(struct province *province, const struct incident *incident)
{
    char id[NAME_SIZE];
    size_t number = province->reports++;
    struct actor *bureau = &incident->city->bureau[incident->county];
    snprintf(id, sizeof id, "r%zu", number);
    struct acting_report report = {.unit = bureau->unit,
                                   .county = incident->city->county[incident->county],
                                   .id = id,
                                   .incident = incident->id,
                                   .measure = "tests",
                                   .value = 10,
                                   .time_us = clock_us()};
    province->published_ns[number % RING] = bench_now_ns();
    acting_report(bureau->producer, &report);
}

static void turn(struct province *province, int64_t until_ns)
{
    do
        uv_run(&province->loop, UV_RUN_NOWAIT);
    while (bench_now_ns() < until_ns);
}

static void open_all(struct province *province, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        open_incident(province);
        while (province->opening)
            uv_run(&province->loop, UV_RUN_ONCE);
    }
}

/* So many reports a second on the first known incidents; more are opened on the way. */
static void report_all(struct province *province, size_t rate, size_t seconds, size_t known,
                       size_t more)
{
    size_t steps = seconds * 1000, opened = 0, before = province->reports;
    int64_t start_ns = bench_now_ns();
    province->joined = 0;
    for (size_t step = 1; step <= steps; step++) {
        while (province->reports - before < rate * step / 1000)
            report_on(province, &province->incident[province->reports % known]);
        if (!province->opening && opened < more * step / steps) {
            open_incident(province);
            opened++;
        }
        turn(province, start_ns + (int64_t)step * 1000000);
    }
    while (province->opening || province->joined < province->reports - before)
        uv_run(&province->loop, UV_RUN_ONCE);
}

/* ---- what is printed ---- */

static void print_latency(const char *what, int64_t *samples_ns, size_t count)
{
    struct latency latency = bench_latency(samples_ns, count);
    printf("    %-44s p50 %7.2f ms   p99 %7.2f ms\n", what, latency.p50_us / 1e3,
           latency.p99_us / 1e3);
}

static void print_cpu(const struct processes *processes, const char *what, size_t count)
{
    double total_us = 0;
    printf("    %-44s", what);
    for (size_t i = 0; i < processes->count; i++) {
        double each_us = processes_cpu_us(processes, i) / (double)count;
        total_us += each_us;
        printf(" %s %.1f", processes->all[i].name, each_us);
    }
    printf(" all %.1f\n", total_us);
}

static void print_memory(const struct processes *processes)
{
    double total_mib = 0;
    printf("    %-44s", "memory, MiB:");
    for (size_t i = 0; i < processes->count; i++) {
        double mib = processes_memory_mib(processes, i);
        total_mib += mib;
        printf(" %s %.0f", processes->all[i].name, mib);
    }
    printf(" all %.0f\n", total_mib);
}

static size_t number(const char *text, size_t most)
{
    size_t value = strtoul(text, NULL, 10);
    if (value < 1 || value > most)
        bench_die(text, "not in the range of what is possible");
    return value;
}

static void open_province(struct province *province, char **argv)
{
    uv_loop_init(&province->loop);
    province->city_count = number(argv[3], CITIES_MAX);
    province->county_count = number(argv[4], COUNTIES_MAX);
    province->joined_ns = bench_allocate(SAMPLES_MAX * sizeof *province->joined_ns);
    province->ordered_ns = bench_allocate(INCIDENTS_MAX * sizeof *province->ordered_ns);
    for (size_t i = 0; i < province->city_count; i++)
        city_open(province, &province->city[i], i, argv[1], argv[2]);
    watch(province, argv[1]);
    while (province->ready < province->city_count * (OFFICES + province->county_count) + 1)
        uv_run(&province->loop, UV_RUN_ONCE);
}

static void phase(struct province *province, const char *name)
{
    bench_phase(name);
    wait_until_all_have_read(province->watcher, &province->loop);
    processes_mark(&province->processes);
    province->ordered = 0;
}

int main(int argc, char **argv)
{
    static struct province province;
    if (argc < 8)
        bench_die("usage", "bench_province ENDPOINT PLANS CITIES COUNTIES INCIDENTS REPORTS_PER_S "
                           "SECONDS [NAME=PID…]");
    for (int i = 8; i < argc; i++)
        processes_add(&province.processes, argv[i]);
    size_t incidents = number(argv[5], INCIDENTS_MAX - MORE), rate = number(argv[6], 100000);
    size_t seconds = number(argv[7], 600);
    bench_phase("opening");
    open_province(&province, argv);
    size_t each = province.city[0].orders[0];
    printf("T11 %zu plans, %zu incidents, %zu orders each, %zu reports/s\n", province.city_count,
           incidents, each, rate);
    phase(&province, "orders");
    open_all(&province, incidents);
    wait_until_all_have_read(province.watcher, &province.loop);
    print_latency("decision to the last order", province.ordered_ns, province.ordered);
    print_cpu(&province.processes, "CPU, µs an order:", incidents * each);
    phase(&province, "reports");
    report_all(&province, rate, seconds, incidents, 0);
    wait_until_all_have_read(province.watcher, &province.loop);
    print_latency("report to incident", province.joined_ns, province.joined);
    print_cpu(&province.processes, "CPU, µs a report:", rate * seconds);
    phase(&province, "both");
    report_all(&province, rate, seconds, incidents, MORE);
    print_latency("both: decision to the last order", province.ordered_ns, province.ordered);
    print_latency("both: report to incident", province.joined_ns, province.joined);
    print_memory(&province.processes);
    return 0;
}
