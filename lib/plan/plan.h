/*
 * plan: an emergency plan and its vocabulary, loaded and checked (docs/plan-format.md).
 *
 * A plan is immutable once loaded; everything inside is owned by it and lives as long as it does.
 * Ids (areas, units, hazards, …) are compared as strings by their owners or by index; indexes are
 * positions in the plan's own arrays. Loading never aborts on bad input: it reports every mistake
 * found (file, line, what was expected, what was found), at most PLAN_FINDINGS_MAX of them.
 */
#ifndef LD_PLAN_H
#define LD_PLAN_H

#include <liandong/error.h>
#include <stdint.h>

#define PLAN_FORMAT "1" /* of plan files that can be read */
/* A bundle travels as one event, so it stays a little below the largest payload. */
enum {
    PLAN_FINDINGS_MAX = 100,
    PLAN_HASH_HEX = 64,
    PLAN_BUNDLE_MAX_BYTES = (1 << 20) - (1 << 13),
    PLAN_BUNDLE_MAX_FILES = 32
};

struct plan_text {
    const char *zh, *en;
};

/* Same numbers as liandong.v1.Level: smaller is graver; 0 is none. */
enum plan_level { PLAN_NONE = 0, PLAN_I = 1, PLAN_II = 2, PLAN_III = 3, PLAN_IV = 4 };
enum { PLAN_LEVELS = 5 };
/* Is a at least as grave as b (III is at least as grave as IV; nothing is less grave than NONE)? */
static inline bool plan_level_reaches(int a, int b)
{
    return a != PLAN_NONE && (b == PLAN_NONE || a <= b);
}
static inline int plan_level_graver(int a, int b)
{
    return plan_level_reaches(a, b) ? a : b;
}
const char *plan_level_name(int level);   /* "I" … "IV", "none" */
int plan_level_parse(const char *text);   /* -1: not a level; "none" is PLAN_NONE */
struct plan_text plan_level_colour(int level); /* 红色/red … */
struct plan_text plan_level_grade(int level);  /* 特别重大/especially grave … */

/* ---- vocabulary ---- */
enum plan_area_level { PLAN_NATION, PLAN_PROVINCE, PLAN_CITY, PLAN_COUNTY };
struct plan_area {
    const char *code;
    enum plan_area_level level;
    struct plan_text name;
    const size_t *neighbours; /* indexes of the areas that border on it */
    size_t neighbour_count;
};
struct plan_travel {          /* minutes by road, from every area named to every other */
    size_t *areas;            /* indexes */
    size_t count;
    int *minutes;             /* count x count; -1: no way is known */
};
struct plan_unit {
    const char *id;    /* "3303.health" */
    const char *area;  /* "3303" */
    const char *slug;  /* "health" */
    const char *kind;
    struct plan_text name;
};
enum plan_hazard_kind { PLAN_EPIDEMIC, PLAN_ACCIDENT };
struct plan_hazard {
    const char *id;
    enum plan_hazard_kind kind;
    char class_code;          /* 'A', 'B', 'C' or 0 */
    int64_t incubation_us;    /* 0: none given */
    struct plan_text name;
};
enum plan_measure_kind { PLAN_COUNT_MEASURE, PLAN_GAUGE_MEASURE };
struct plan_measure {
    const char *id;
    enum plan_measure_kind kind;
    struct plan_text unit, name;
};
struct plan_word { /* a sign or a channel */
    const char *id, *section; /* section: "" if no plan is its source */
    const char *const *by;    /* a channel: units and patterns that report through it; none: any */
    size_t by_count;
    struct plan_text name;
};
struct plan_item {
    const char *id, *category, *section; /* section: "" if no plan names it */
    int64_t shelf_life_us;    /* 0: does not expire */
    struct plan_text unit, name;
};
struct plan_reserve {         /* what holders keep in stock at all times */
    const char *id, *section;
    const char *const *of;    /* kinds of units that keep it */
    size_t of_count;
    const char *category;     /* of items */
    int kinds_percent;        /* of the category's items; 0: not said */
    int days, season_days;    /* of their use; 0: not said. season_days: in the season */
    int season_from, season_to; /* months 1 to 12, inclusive, may pass the year's end; 0: none */
    const char *const *act;   /* who produces, buys or moves if it is not kept */
    size_t act_count;
    struct plan_text text;
};

/* ---- criteria ---- */
enum plan_condition_kind {
    PLAN_ALL, PLAN_ANY, PLAN_NOT,                               /* children */
    PLAN_COUNT, PLAN_GAUGE, PLAN_AREAS, PLAN_PLACES,            /* measure, window, bounds */
    PLAN_SIGN,                                                  /* sign */
    PLAN_DESIGNATED                                             /* units */
};
enum plan_window { PLAN_WINDOW_NONE, PLAN_WINDOW_FIXED, PLAN_WINDOW_INCUBATION, PLAN_WINDOW_INCIDENT };
/* What a figure is taken over: any one county; the city (of a count: all reports; of a gauge: the
 * reading for the city itself); of a gauge alone: any area, or the mean of all places. */
enum plan_over { PLAN_OVER_COUNTY, PLAN_OVER_CITY, PLAN_OVER_ANY, PLAN_OVER_MEAN };
struct plan_bounds {
    bool has_low, has_high;
    bool low_open, high_open; /* more_than, less_than */
    double low, high;
};
bool plan_bounds_hold(const struct plan_bounds *bounds, double value);

struct plan_condition {
    enum plan_condition_kind kind;
    const struct plan_condition *children;
    size_t child_count;
    size_t measure;           /* index */
    enum plan_window window;
    int64_t window_us;        /* with PLAN_WINDOW_FIXED */
    enum plan_over over;
    bool round_up;            /* a gauge: to the next whole number before it is compared */
    struct plan_bounds bounds;
    size_t sign;              /* index */
    const size_t *units;      /* indexes: who may designate */
    size_t unit_count;
};

struct plan_criterion {
    const char *id, *section, *reading; /* reading: "" if the text is clear */
    enum plan_level level;
    struct plan_text text;
    const size_t *hazards;    /* indexes, ascending, expanded to all covered */
    size_t hazard_count;      /* 0: any hazard in scope (or of the classes) */
    const char *classes;      /* "BC": statutory classes; "" any */
    struct plan_condition when;
    int line;
};

/* ---- clocks ---- */
/* PLAN_FROM_END: the end of the response; levels are then those that were in force. PLAN_EVERY: a
 * rhythm of organisation, again and again while the levels are in force. */
enum plan_clock_start {
    PLAN_FROM_RECEIVED, PLAN_FROM_OCCURRED, PLAN_FROM_RESPONSE, PLAN_DAILY, PLAN_FROM_END,
    PLAN_EVERY
};
/* The first five by a report, the others by a bulletin; PLAN_MET_AFTERCARE by a summary or
 * evaluation that names the entry, or a final report after the end. */
enum plan_clock_met {
    PLAN_MET_TELEPHONE, PLAN_MET_WRITTEN, PLAN_MET_ANY, PLAN_MET_ZERO, PLAN_MET_FINAL,
    PLAN_MET_PRESS, PLAN_MET_ASSESSMENT, PLAN_MET_MAP, PLAN_MET_MEETING, PLAN_MET_AFTERCARE
};
struct plan_clock {
    const char *id, *section;
    unsigned levels;          /* bit 1 << level */
    enum plan_clock_start starts;
    enum plan_clock_met met_by;
    int64_t within_us, warn_before_us;
    int at_minute;            /* PLAN_DAILY: minute of the local day */
    const char *const *by;    /* unit ids, "{county}.gov" patterns */
    size_t by_count;
    bool each;                /* each of these owes it; else one of them meets it for all */
    struct plan_text text;
};

/* ---- procedure ---- */
/* The same numbers as liandong.v1.Decision.Act; from PLAN_SUGGEST on steps of warnings. */
enum plan_act {
    PLAN_ACT_NONE, PLAN_PROPOSE, PLAN_ASSESS, PLAN_DECIDE, PLAN_APPROVE, PLAN_FILE, PLAN_ORDER,
    PLAN_DESIGNATE, PLAN_SUGGEST, PLAN_VERIFY, PLAN_SIGN_OFF, PLAN_ISSUE, PLAN_INFORM
};
const char *plan_act_name(int act); /* "propose" … */
struct plan_step {
    enum plan_act act;
    const char *const *by;    /* unit ids or "{county}.slug" patterns */
    size_t by_count;
    const char *const *with;  /* PLAN_FILE, PLAN_INFORM: units it is filed with, that are told */
    size_t with_count;
};
struct plan_rule {            /* steps for some levels */
    unsigned levels;          /* bit 1 << level */
    const char *section;
    const struct plan_step *steps;
    size_t step_count;
};
struct plan_procedure {
    const struct plan_rule *start, *lower, *terminate, *direct; /* direct: one PLAN_ORDER step */
    size_t start_count, lower_count, terminate_count, direct_count;
    bool follows_warning;     /* a response's level is measured by the warning, not by the grade */
    const char *county_section;
    bool county_follows_city; /* counties take the city's level unless told otherwise */
    const char *const *county_decide;
    size_t county_decide_count;
    const char *const *county_must_follow;
    size_t county_must_follow_count;
};

/* ---- organisation, groups, duties ---- */
struct plan_rhythm {          /* something that comes round while a level is in force */
    int64_t every_us;         /* 0: none */
    const char *by, *section; /* by: a unit */
};
struct plan_organisation {    /* by level, inherited values filled in */
    const char *section;
    struct plan_text commander, office;
    struct plan_rhythm press, assessment, map, meeting;
    bool daily_report;
};
enum plan_areas { PLAN_AREAS_ALL, PLAN_AREAS_AFFECTED, PLAN_AREAS_UNAFFECTED };
struct plan_duty {
    const char *id, *section;
    enum plan_level from;     /* lowest level at which it applies */
    enum plan_level until;    /* gravest level at which it applies; PLAN_NONE: up to the gravest */
    struct plan_text text;
    const size_t *hazards;    /* none: any */
    size_t hazard_count;
    const size_t *signs;      /* all must stand; none: any */
    size_t sign_count;
    int64_t deadline_us, repeat_us; /* 0: none */
    bool in_warning;          /* applies by a warning that is issued, too, not by a response alone */
    enum plan_areas areas;    /* of units of counties: those that the event has reached, or not */
    int group;                /* index of the group, -1: member-unit table */
    int row;                  /* of the member-unit table; 0: a group's, or a measure of a level */
};
struct plan_group {
    const char *id, *section;
    enum plan_level from;
    struct plan_text name;
    struct plan_text leads[PLAN_LEVELS];
    const size_t *members;    /* unit indexes */
    size_t member_count;
};
struct plan_member {          /* one member unit and all that it may have to do */
    size_t unit;
    const size_t *duties;     /* indexes into plan.duties: own rows and measures, then groups' */
    size_t duty_count;
    bool named;               /* by a numbered row (else by "others") */
};
struct plan_orders {
    const char *section, *reading;
    int64_t acknowledge_within_us[PLAN_LEVELS];
    int64_t escalate_after_us;
    int supervisor_group;     /* index, -1 none */
    enum plan_level supervisor_from;
    const char *supervisor_else, *escalate_to;
    const char *same_day_section; /* "": no time by which a problem raised is settled */
};

struct plan_aftercare {       /* owed once the response has ended */
    const char *id, *section;
    const char *const *by;    /* unit ids and patterns */
    size_t by_count;
    int64_t within_us;        /* 0: no limit said */
    struct plan_text text;
};

/* ---- notices, supplies ---- */
struct plan_told {            /* units of neighbouring areas that are told of a response */
    const char *section;      /* "" if the plan tells none */
    enum plan_level from;     /* lowest level of which they are told */
    const char *const *slugs; /* "gov", …: of each neighbouring area, where it has such a unit */
    size_t count;
    struct plan_text text;
};
struct plan_notices {
    const char *section;
    struct plan_text signer[PLAN_LEVELS];
    enum plan_level public_from;
    struct plan_text headline, body, public_body;
    struct plan_text ended_headline, ended_body;
    struct plan_told neighbours;
    const char *category; /* CAP 1.2 category: Health, Safety, Env, … */
};
enum plan_pool { PLAN_POOL_OWN, PLAN_POOL_COUNTY, PLAN_POOL_CITY };
struct plan_supplies {
    const char *section, *reading;
    enum plan_pool pool[PLAN_LEVELS]; /* by level in force, PLAN_NONE included */
    bool requisition[PLAN_LEVELS];
};

struct plan_deferral {
    const size_t *hazards;
    size_t hazard_count;
    const char *to, *section;
};

/* No string in a plan is NULL: what is not given is "". Where a section is taken from the general
 * plan, the strings called section begin with that plan's id and a space. */
struct plan {
    const char *id, *document, *issued, *area;
    const char *general, *general_section; /* id of the general plan; where this plan says so */
    unsigned levels;                     /* that the plan knows: bit 1 << level */
    struct plan_text title;
    char hash[PLAN_HASH_HEX + 1];
    /* vocabulary */
    const struct plan_area *areas;       size_t area_count;
    struct plan_travel travel;
    const struct plan_unit *units;       size_t unit_count;
    const struct plan_hazard *hazards;   size_t hazard_count;
    const struct plan_measure *measures; size_t measure_count;
    const struct plan_word *signs;       size_t sign_count;
    const struct plan_word *channels;    size_t channel_count;
    const struct plan_item *items;       size_t item_count;
    const struct plan_reserve *reserves; size_t reserve_count;
    /* the plan */
    const char *scope_section;
    const bool *in_scope;                /* by hazard index */
    const struct plan_deferral *deferrals; size_t deferral_count;
    const struct plan_criterion *criteria; size_t criterion_count; /* gravest first; none if the
                                                                    * response follows warnings */
    const char *warning_section;
    bool warning_from_grade;
    const struct plan_criterion *warnings; size_t warning_count;   /* gravest first */
    const char *warning_merge_section;   /* not "": several in force are issued as one */
    const char *warning_county_section;  /* not "": a county's is never below the city's */
    const struct plan_rule *issue;       size_t issue_count;       /* of warnings, by colour */
    const char *reporting_section;
    const char *const *reporters;        size_t reporter_count;    /* ids and patterns */
    /* Those of reporting, then the rhythms of organisation, then after-care that has a limit. */
    const struct plan_clock *clocks;     size_t clock_count;
    struct plan_procedure procedure;
    struct plan_organisation organisation[PLAN_LEVELS];
    const struct plan_group *groups;     size_t group_count;
    const struct plan_duty *duties;      size_t duty_count;
    const struct plan_member *members;   size_t member_count;      /* in order of rows */
    struct plan_orders orders;
    const struct plan_aftercare *aftercare; size_t aftercare_count;
    struct plan_notices notices;
    struct plan_supplies supplies;
    void *owner;                         /* private: memory and indexes of the loader */
};

/* ---- loading ---- */
struct plan_file {
    const char *name;      /* "vocabulary/units.yaml", …, the general plan's, the plan's own */
    const char *content;   /* UTF-8 */
    size_t size;
};
struct plan_finding {
    const char *file;
    int line, column;      /* from 1 */
    const char *text;      /* one line: expected, found, what to do */
};
struct plan_findings {     /* zero-initialise; freed by plan_findings_free */
    struct plan_finding *all;
    size_t count;
    bool more;             /* beyond PLAN_FINDINGS_MAX */
    void *owner;
};
void plan_findings_free(struct plan_findings *findings);

/* Loads a bundle and lints it. LD_OK with *out, or LD_INVALID with findings (and error with the
 * first of them), LD_TOOBIG. findings may be NULL. */
int plan_load(const struct plan_file *files, size_t file_count, struct plan **out,
              struct plan_findings *findings, struct ld_error *error) LD_MUST_USE;
/* The same from disk: path of the plan's YAML; the vocabulary is the folder vocabulary/ beside it,
 * the general plan that it names is beside it too (if that is missing, loading tells).
 * bundle (may be NULL) gets the files, freed by plan_bundle_free. */
struct ld_context;
struct plan_bundle {
    struct plan_file *files;
    size_t count;
    void *owner;
};
int plan_bundle_read(const struct ld_context *context, const char *path, struct plan_bundle *bundle,
                     struct ld_error *error) LD_MUST_USE;
void plan_bundle_free(struct plan_bundle *bundle);
void plan_free(struct plan *plan); /* NULL is legal */

/* Hash of a bundle as 64 hex digits: BLAKE2b-256 over, per file, name, 0, size as 8 bytes
 * little-endian, content. */
void plan_hash(const struct plan_file *files, size_t file_count, char hash[PLAN_HASH_HEX + 1]);

/* ---- asking (all O(1) expected, -1 if unknown) ---- */
int plan_find_area(const struct plan *plan, const char *code);
/* Minutes by road; 0 within an area, -1 if no way is known. */
int plan_travel_minutes(const struct plan *plan, const char *from, const char *to);
int plan_find_unit(const struct plan *plan, const char *id);
int plan_find_hazard(const struct plan *plan, const char *id);
int plan_find_measure(const struct plan *plan, const char *id);
int plan_find_sign(const struct plan *plan, const char *id);
int plan_find_channel(const struct plan *plan, const char *id);
int plan_find_item(const struct plan *plan, const char *id);
int plan_find_member(const struct plan *plan, const char *unit_id);
int plan_find_group(const struct plan *plan, const char *id);
/* Is the unit one of these ids or patterns? "{county}" stands for any of the given county codes
 * (county may be NULL: then for any county of the plan's area); "*.gov" for any area. */
bool plan_unit_in(const struct plan *plan, const char *unit_id, const char *const *patterns,
                  size_t pattern_count, const char *county);
/* Does the criterion apply to incidents of the hazard (in scope, listed, of its classes)? */
bool plan_criterion_covers(const struct plan *plan, const struct plan_criterion *criterion,
                           size_t hazard);
/* The unit of a neighbouring area (an index) by its slug. */
int plan_neighbour_unit(const struct plan *plan, size_t neighbour, const char *slug);
/* The rule for a level, NULL if the plan has none. */
const struct plan_rule *plan_rule_for(const struct plan_rule *rules, size_t count, int level);
/* Names for messages; the id itself if unknown. Borrowed from the plan or the argument. */
struct plan_text plan_unit_name(const struct plan *plan, const char *unit_id);
struct plan_text plan_area_name(const struct plan *plan, const char *code);

#endif
