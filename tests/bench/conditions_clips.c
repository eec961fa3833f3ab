/* The forty conditions in CLIPS: one template, one rule each; a fact is asserted, run, retracted.
 */
#include "conditions.h"

#include <stdio.h>
#include <time.h>
#include "bench.h"

#ifndef LIANDONG_PEERS

double rules_clips(const struct rule_set *set, size_t *held)
{
    (void)set;
    *held = 0;
    return 0;
}

#else

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wredundant-decls"
#include <clips/clips.h>
#pragma GCC diagnostic pop

static void build(void *environment, const char *construct)
{
    if (!EnvBuild(environment, construct))
        bench_die("clips", construct);
}

static void define(void *environment, const struct rule_set *set)
{
    char text[2048];
    int at = snprintf(text, sizeof text, "(deftemplate report");
    for (size_t k = 0; k < RULE_FIELDS; k++)
        at += snprintf(text + at, sizeof text - (size_t)at, " (slot f%zu (type INTEGER))", k);
    snprintf(text + at, sizeof text - (size_t)at, ")");
    build(environment, "(defglobal ?*held* = 0)");
    build(environment, text);
    for (size_t i = 0; i < RULES; i++) {
        at = snprintf(text, sizeof text, "(defrule rule-%zu (report", i);
        for (size_t k = 0; k < RULE_CONDITIONS; k++) {
            const struct comparison *one = &set->rules[i].all[k];
            at += snprintf(text + at, sizeof text - (size_t)at, " (f%u ?x%zu&:(%s ?x%zu %d))",
                           one->field, k, one->above ? ">=" : "<=", k, one->bound);
        }
        snprintf(text + at, sizeof text - (size_t)at, ") => (bind ?*held* (+ ?*held* 1)))");
        build(environment, text);
    }
    EnvReset(environment);
}

static void try_report(void *environment, void *template, const int figures[RULE_FIELDS])
{
    char name[8];
    void *fact = EnvCreateFact(environment, template);
    for (size_t k = 0; k < RULE_FIELDS; k++) {
        DATA_OBJECT value;
        value.type = INTEGER;
        value.value = EnvAddLong(environment, figures[k]);
        snprintf(name, sizeof name, "f%zu", k);
        EnvPutFactSlot(environment, fact, name, &value);
    }
    fact = EnvAssert(environment, fact);
    EnvRun(environment, -1);
    EnvRetract(environment, fact);
}

double rules_clips(const struct rule_set *set, size_t *held)
{
    void *environment = CreateEnvironment();
    struct timespec start, end;
    DATA_OBJECT value;
    define(environment, set);
    void *template = EnvFindDeftemplate(environment, "report");
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    for (size_t i = 0; i < RULE_REPORTS; i++)
        try_report(environment, template, set->figures[i]);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    EnvGetDefglobalValue(environment, "held", &value);
    *held = (size_t)ValueToLong(value.value);
    DestroyEnvironment(environment);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

#endif
