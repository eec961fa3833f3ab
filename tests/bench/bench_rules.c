/*
 * Forty conditions on reports of fifteen figures, the same for all: our grading core, CLIPS, and
 * (rules.mjs) two engines from npm, which read the conditions and figures that this program writes.
 * All must find the same: how many conditions held in how many reports is compared.
 *
 *   bench_rules DIRECTORY [--json]    writes DIRECTORY/rules.json, measures ours and CLIPS in turns
 *
 * All get typed values in memory (ours a report as it was read) and say what holds. The first
 * figure is our whole way beside it: a packed event in, and out a packed one that says which
 * condition came to hold or ceased, and why.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bench.h"
#include "common/sim.h"
#include "context.h"
#include "timefmt.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/plan.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include "conditions.h"
#include "grading/judge.h"

enum { ROUNDS = 5, ALPHABET = 100 };

/* ---- conditions and figures ---- */

static unsigned chance(unsigned *random, unsigned of)
{
    *random = *random * 1664525u + 1013904223u;
    return (*random >> 10) % of;
}

/* Of 100 equally likely values each condition takes 10: about 4 in 100 reports meet a rule. */
static void make_rules(struct rule_set *set)
{
    unsigned random = 7;
    for (size_t i = 0; i < RULES; i++) {
        struct numbered_rule *rule = &set->rules[i];
        rule->level = 1 + (int)(i / (RULES / 4));
        for (size_t k = 0; k < RULE_CONDITIONS; k++) {
            unsigned field = chance(&random, RULE_FIELDS);
            while (k > 0 && (field == rule->all[0].field || field == rule->all[k - 1].field))
                field = chance(&random, RULE_FIELDS);
            bool above = chance(&random, 2) == 0;
            rule->all[k] = (struct comparison){field, above, above ? ALPHABET - 10 : 9};
        }
    }
    for (size_t i = 0; i < RULE_REPORTS; i++)
        for (size_t k = 0; k < RULE_FIELDS; k++)
            set->figures[i][k] = (int)chance(&random, ALPHABET);
}

static void write_rules(const struct rule_set *set, const char *path)
{
    json_t *rules = json_array(), *figures = json_array();
    for (size_t i = 0; i < RULES; i++) {
        json_t *all = json_array();
        for (size_t k = 0; k < RULE_CONDITIONS; k++) {
            const struct comparison *one = &set->rules[i].all[k];
            json_array_append_new(all, json_pack("{s:i,s:b,s:i}", "field", (int)one->field, "above",
                                                 one->above, "bound", one->bound));
        }
        json_array_append_new(rules,
                              json_pack("{s:i,s:o}", "level", set->rules[i].level, "all", all));
    }
    for (size_t i = 0; i < RULE_REPORTS; i++) {
        json_t *row = json_array();
        for (size_t k = 0; k < RULE_FIELDS; k++)
            json_array_append_new(row, json_integer(set->figures[i][k]));
        json_array_append_new(figures, row);
    }
    json_t *whole = json_pack("{s:o,s:o}", "rules", rules, "figures", figures);
    if (json_dump_file(whole, path, JSON_COMPACT) != 0)
        bench_die(path, "cannot be written");
    json_decref(whole);
}

/* ---- as a plan ---- */

static char *text_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = bench_allocate(1 << 20);
    if (!file || fread(text, 1, (1 << 20) - 1, file) == 0)
        bench_die(path, "cannot be read");
    fclose(file);
    return text;
}

static void add_criterion(FILE *out, const struct numbered_rule *rule, size_t number)
{
    fprintf(
        out,
        "  - {id: rule-%zu, level: %s, section: \"%zu\", hazards: [cholera], text: {zh: 第%zu条, "
        "en: Rule %zu}, when: {all: [",
        number, plan_level_name(rule->level), number, number, number);
    for (size_t k = 0; k < RULE_CONDITIONS; k++)
        fprintf(out, "%s{gauge: {measure: figure-%u, over: county, %s: %d}}", k ? ", " : "",
                rule->all[k].field, rule->all[k].above ? "at_least" : "at_most",
                rule->all[k].bound);
    fputs("]}}\n", out);
}

/* The plan of Wenzhou with these forty instead of its own criteria. */
static char *plan_text(const struct rule_set *set)
{
    char *whole = text_of(LIANDONG_SOURCE "/plans/wenzhou-phe.yaml"), *made = NULL;
    char *from = strstr(whole, "\ngrading:\n"), *to = strstr(whole, "\nwarnings:\n");
    size_t size = 0;
    FILE *out = open_memstream(&made, &size);
    if (!from || !to || !out)
        bench_die("wenzhou-phe.yaml", "expected grading: and warnings:");
    *from = 0;
    fprintf(out, "%s\ngrading:\n", whole);
    for (size_t i = 0; i < RULES; i++)
        add_criterion(out, &set->rules[i], i);
    fputs(to, out);
    fclose(out);
    free(whole);
    return made;
}

static char *measures_text(const char *known)
{
    char *made = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&made, &size);
    if (!out)
        bench_die("measures", "no memory");
    fputs(known, out);
    for (size_t k = 0; k < RULE_FIELDS; k++)
        fprintf(out,
                "\n  - {id: figure-%zu, kind: gauge, unit: {zh: 点, en: points}, zh: 指标%zu, en: "
                "Figure %zu}\n",
                k, k, k);
    fclose(out);
    return made;
}

static void publish(struct sv_sim *sim, const char *producer, const char *topic,
                    const ProtobufCMessage *message)
{
    struct ld_error error;
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *payload = bench_allocate(size + 1);
    protobuf_c_message_pack(message, payload);
    if (sv_sim_publish(sim, producer, topic, payload, size, 0, NULL, &error) != LD_OK)
        bench_die(topic, error.text);
    free(payload);
}

static void adopt(struct sv_sim *sim, const struct rule_set *set)
{
    struct plan_bundle bundle;
    struct ld_error error;
    if (plan_bundle_read(ld_context_system(), LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", &bundle,
                         &error) != LD_OK)
        bench_die("plan", error.text);
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__PlanAdoption adoption = LIANDONG__V1__PLAN_ADOPTION__INIT;
    Liandong__V1__PlanAdoption__File files[PLAN_BUNDLE_MAX_FILES], *list[PLAN_BUNDLE_MAX_FILES];
    char *texts[PLAN_BUNDLE_MAX_FILES] = {NULL};
    for (size_t i = 0; i < bundle.count; i++) {
        liandong__v1__plan_adoption__file__init(list[i] = &files[i]);
        if (strstr(bundle.files[i].name, "measures.yaml"))
            texts[i] = measures_text(bundle.files[i].content);
        else if (i + 1 == bundle.count)
            texts[i] = plan_text(set);
        files[i].name = sv_borrow(bundle.files[i].name);
        const char *text = texts[i] ? texts[i] : bundle.files[i].content;
        files[i].content.data = (uint8_t *)sv_borrow(text);
        files[i].content.len = texts[i] ? strlen(text) : bundle.files[i].size;
    }
    context.author = sv_borrow("3303.gov");
    adoption.context = &context;
    adoption.n_files = bundle.count;
    adoption.files = list;
    publish(sim, "3303.gov", "plan/wenzhou-phe", &adoption.base);
    for (size_t i = 0; i < bundle.count; i++)
        free(texts[i]);
    plan_bundle_free(&bundle);
}

static void report(struct sv_sim *sim, const int figures[RULE_FIELDS], size_t number)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Report report = LIANDONG__V1__REPORT__INIT;
    Liandong__V1__Measure measures[RULE_FIELDS], *list[RULE_FIELDS];
    char names[RULE_FIELDS][16], id[24];
    for (size_t k = 0; k < RULE_FIELDS; k++) {
        liandong__v1__measure__init(list[k] = &measures[k]);
        snprintf(names[k], sizeof names[k], "figure-%zu", k);
        measures[k].measure = names[k];
        measures[k].value = figures[k];
    }
    snprintf(id, sizeof id, "%zu", number);
    context.author = sv_borrow("330302.health");
    report.context = &context;
    report.id = id;
    report.kind = LIANDONG__V1__REPORT__KIND__PROGRESS;
    report.means = LIANDONG__V1__REPORT__MEANS__NETWORK;
    report.area = sv_borrow("330302");
    report.hazard = sv_borrow("cholera");
    report.occurred_at_us = report.received_at_us = sv_sim_now(sim);
    report.n_measures = RULE_FIELDS;
    report.measures = list;
    publish(sim, "330302.health", "report/330302/cholera/330302.health", &report.base);
}

/* ---- ours ---- */

static void keep(const struct ld_record *record, void *data)
{
    struct ld_buffer *log = data;
    enum sv_family family = sv_family_of(record->topic, record->topic_size);
    if (family != SV_PLAN && family != SV_INCIDENT)
        return;
    ld_record_encode(ld_buffer_reserve(log, record->size), record);
    log->size += record->size;
}

static struct ld_buffer make_log(const struct rule_set *set)
{
    struct ld_buffer log = {0};
    int64_t start_us = 0;
    if (ld_time_parse("2026-01-01T00:00:00Z", 0, &start_us, NULL) != LD_OK)
        bench_die("clock", "no time");
    struct sv_sim *sim = sv_sim_open(start_us, keep, &log);
    sv_host_add(sv_sim_host(sim), &reporting_class, NULL);
    adopt(sim, set);
    for (size_t i = 0; i < RULE_REPORTS; i++) {
        report(sim, set->figures[i], i + 1);
        sv_sim_advance(sim, sv_sim_now(sim) + LD_US_SECOND);
    }
    sv_sim_close(sim);
    return log;
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What holds is said whenever it changes, and holds until then. */
static size_t holding_after(const struct sv_host *host, size_t holding)
{
    for (size_t i = 0; i < sv_host_output_count(host); i++) {
        const struct sv_output *output = sv_host_output(host, i);
        if (strncmp(output->topic, "grade/", 6) != 0)
            continue;
        Liandong__V1__Grade *grade =
            liandong__v1__grade__unpack(NULL, output->payload_size, output->payload);
        if (!grade)
            bench_die("grade", "cannot be read");
        holding = grade->n_holding;
        liandong__v1__grade__free_unpacked(grade, NULL);
    }
    return holding;
}

/* The whole way once: the seconds that it took, without the plan; held, if given, is counted and
 * takes time of its own. */
static double pass_whole(const struct ld_buffer *log, size_t *held)
{
    struct sv_host *host = sv_host_open();
    struct ld_record record;
    struct ld_error error;
    double start = 0;
    size_t holding = 0;
    sv_host_add(host, &grading_class, NULL);
    for (size_t at = 0; at < log->size; at += record.size) {
        if (ld_record_decode(log->data + at, log->size - at, &record, &error) != LD_OK ||
            sv_host_apply(host, &record, &error) != LD_OK)
            bench_die("ours", error.text);
        if (at == 0)
            start = cpu_seconds();
        else if (held)
            *held += holding = holding_after(host, holding);
    }
    double spent = cpu_seconds() - start;
    sv_host_close(host);
    return spent;
}

/* The conditions alone, on reports that have just been read, a batch at a time, as grading finds
 * them: what was read long ago would have to be fetched from memory first. */
enum { BATCH = 50 };

struct criteria {
    struct plan *plan;
    struct rules *rules;
};
struct batch {
    const Liandong__V1__Incident *reports[BATCH];
    size_t count;
    struct ld_arena arena;
};

static void read_plan(struct criteria *criteria, const struct ld_record *record)
{
    struct ld_error error;
    struct plan_file files[PLAN_BUNDLE_MAX_FILES];
    Liandong__V1__PlanAdoption *adoption =
        liandong__v1__plan_adoption__unpack(NULL, record->payload_size, record->payload);
    if (!adoption || adoption->n_files > PLAN_BUNDLE_MAX_FILES)
        bench_die("plan", "cannot be read");
    for (size_t i = 0; i < adoption->n_files; i++)
        files[i] = (struct plan_file){adoption->files[i]->name,
                                      (const char *)adoption->files[i]->content.data,
                                      adoption->files[i]->content.len};
    if (plan_load(files, adoption->n_files, &criteria->plan, NULL, &error) != LD_OK)
        bench_die("plan", error.text);
    liandong__v1__plan_adoption__free_unpacked(adoption, NULL);
    criteria->rules =
        rules_make(criteria->plan, (size_t)plan_find_hazard(criteria->plan, "cholera"));
}

static size_t record_at(const struct ld_buffer *log, size_t at, struct ld_record *record)
{
    struct ld_error error;
    if (ld_record_decode(log->data + at, log->size - at, record, &error) != LD_OK)
        bench_die("record", error.text);
    return at + record->size;
}

/* Reads on from a place in the log; where it has got to. */
static size_t read_batch(const struct ld_buffer *log, size_t at, struct batch *batch)
{
    struct ld_record record;
    struct ld_error error;
    ld_arena_reset(&batch->arena);
    for (batch->count = 0; batch->count < BATCH && at < log->size; batch->count++) {
        ProtobufCMessage *message = NULL;
        at = record_at(log, at, &record);
        if (sv_decode(SV_INCIDENT, record.payload, record.payload_size, &batch->arena, &message,
                      &error) != LD_OK)
            bench_die("report", error.text);
        batch->reports[batch->count] = (const void *)message;
    }
    return at;
}

static size_t rules_holding(const struct incident *incident)
{
    size_t count = 0;
    for (size_t i = 0; i < incident->rules->count; i++)
        count += incident->verdicts[i].holds;
    return count;
}

/* Seconds; adds up what holds after each report. */
static double judge_batch(struct incident *incident, const struct batch *batch, size_t *holding,
                          size_t *held)
{
    double start = cpu_seconds();
    for (size_t i = 0; i < batch->count; i++) {
        const Liandong__V1__Incident *message = batch->reports[i];
        bool late =
            incident_count(incident, message->report, message->reporter, message->report_sequence);
        if (judge(incident, (struct moment){0}, late).holding)
            *holding = rules_holding(incident);
        *held += *holding;
    }
    return cpu_seconds() - start;
}

static double pass_conditions(const struct ld_buffer *log, size_t *held)
{
    struct ld_record adoption;
    struct criteria criteria;
    static struct batch batch;
    size_t at = record_at(log, 0, &adoption), holding = 0;
    read_plan(&criteria, &adoption);
    struct incident *incident =
        incident_new("3303-cholera", "3303", "cholera", criteria.plan, criteria.rules);
    double spent = 0;
    *held = 0;
    while (at < log->size) {
        at = read_batch(log, at, &batch);
        spent += judge_batch(incident, &batch, &holding, held);
    }
    incident_free(incident);
    rules_free(criteria.rules);
    plan_free(criteria.plan);
    return spent;
}

/* ---- the table ---- */

static void print_rate(const char *name, double *seconds, size_t held, bool as_json)
{
    double rate = RULE_REPORTS / bench_median(seconds, ROUNDS);
    if (as_json)
        printf("{\"bench\":\"rules\",\"name\":\"%s\",\"value\":%.6g,\"unit\":\"reports/s\","
               "\"held\":%zu}\n",
               name, rate, held);
    else
        printf("%-24s %12.0f reports/s   %zu conditions held\n", name, rate, held);
}

int main(int argc, char **argv)
{
    bool as_json = argc == 3 && strcmp(argv[2], "--json") == 0;
    if (argc != 2 && !as_json)
        bench_die("options", "expected DIRECTORY [--json]");
    static struct rule_set set;
    char path[4096];
    double whole[ROUNDS], alone[ROUNDS], clips[ROUNDS];
    size_t held = 0, held_alone = 0, held_by_clips = 0;
    make_rules(&set);
    snprintf(path, sizeof path, "%s/rules.json", argv[1]);
    write_rules(&set, path);
    struct ld_buffer log = make_log(&set);
    (void)pass_whole(&log, &held);
    for (size_t i = 0; i < ROUNDS; i++) {
        whole[i] = pass_whole(&log, NULL);
        clips[i] = rules_clips(&set, &held_by_clips);
        alone[i] = pass_conditions(&log, &held_alone);
    }
    print_rate("liandong, whole way", whole, held, as_json);
    print_rate("liandong", alone, held_alone, as_json);
    if (clips[0] > 0)
        print_rate("clips", clips, held_by_clips, as_json);
    if (held_alone != held || (clips[0] > 0 && held_by_clips != held))
        bench_die("conditions", "not all found the same");
    return 0;
}
