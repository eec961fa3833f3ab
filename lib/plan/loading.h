/*
 * What the parts of the loader share while one bundle is loaded: the plan being built, where its
 * memory comes from, the indexes, and the findings. Each part reads its own section of the plan;
 * docs/plan-format.md says what may stand there. A part that finds a mistake reports it at the
 * node that shows it and goes on with an empty value, so that one run finds every mistake.
 */
#ifndef LD_PLAN_LOADING_H
#define LD_PLAN_LOADING_H

#include "index.h"
#include "tree.h"

/* More than any plan needs; what bounds memory and time for a hostile one. */
enum {
    PLAN_AREAS_MAX = 4096,
    PLAN_TRAVEL_MAX = 256, /* areas between which travel is known */
    PLAN_UNITS_MAX = 16384,
    PLAN_HAZARDS_MAX = 1024,
    PLAN_WORDS_MAX = 4096, /* measures, signs, channels, items: each */
    PLAN_CRITERIA_MAX = 512,
    PLAN_GROUPS_MAX = 64,
    PLAN_ROWS_MAX = 1024,
    PLAN_MEMBERS_MAX = 1024,
    PLAN_DUTIES_MAX = 4096,
    PLAN_PATTERNS_MAX = 1024,
    PLAN_CONDITION_DEPTH_MAX = 8,
    PLAN_CONDITION_CHILDREN_MAX = 64
};

/* Behind plan.owner: all memory of a plan, and its indexes. */
struct plan_store {
    struct plan plan;
    struct ld_arena arena;
    struct index areas, units, hazards, measures, signs, channels, items, reserves, members, groups;
};

/* A row of the member-unit table, or a group, as far as members need it. */
struct duty_range {
    size_t first, count; /* in plan.duties */
};
struct table_row {
    const struct node *node;
    int number; /* 0: a measure of a level */
    const size_t *units;
    size_t unit_count;
    bool others;
    struct duty_range duties;
};

struct loading {
    struct plan_store *store;
    struct plan *plan;        /* store->plan */
    struct ld_arena *arena;   /* store->arena */
    struct ld_arena *scratch; /* until loading ends: trees, helpers */
    struct plan_findings *findings;
    const struct node *root;         /* of the plan's own file */
    const struct node *general;      /* of the general plan's file; NULL: there is none */
    unsigned taken;                  /* sections that are read from there (general.c) */
    size_t pattern_count;            /* unit patterns checked so far */
    struct plan_duty *duties;        /* plan.duties, while it grows */
    struct duty_range *group_duties; /* by group */
    const struct node *const *group_nodes;
    struct table_row *rows;
    size_t row_count;
};

static inline unsigned level_bit(int level)
{
    return 1u << level;
}

/* Kinds of units. */
#define UNIT_KINDS                                                                                 \
    "government party department enterprise military expert media education group office depot "   \
    "hospital public"

/* The list of a file of the vocabulary under its key; NULL (reported) if there is none. */
const struct node *vocabulary_entries(struct loading *loading, const struct node *root,
                                      const char *key, size_t max);
/* The vocabulary: each takes the root of its file. Areas before units. */
void load_areas(struct loading *loading, const struct node *root);
void load_neighbours(struct loading *loading, const struct node *list, struct plan_area *areas);
void load_travel(struct loading *loading, const struct node *root); /* travel.c, from load_areas */
void load_units(struct loading *loading, const struct node *root);
void load_hazards(struct loading *loading, const struct node *root);
void load_measures(struct loading *loading, const struct node *root);
void load_signs(struct loading *loading, const struct node *root);
void load_channels(struct loading *loading, const struct node *root);
void load_items(struct loading *loading, const struct node *root);
void load_reserves(struct loading *loading, const struct node *root); /* after items and units */

/* The general plan (general.c). Its file's name by a plan's tree, in arena; NULL if it names none.
 */
const char *general_file(struct ld_arena *arena, const struct node *root);
/* Reads `general:`: from then on, home_of says in which file's root a section stands. */
void load_general(struct loading *loading);
const struct node *home_of(const struct loading *loading, const char *section);
bool takes_section(const struct loading *loading, const char *section);
/* Does the node stand in the general plan's file? */
bool is_taken(const struct loading *loading, const struct node *node);

/* The plan's sections, in the order in which they build on each other. */
void load_scope(struct loading *loading, const struct node *scope);
void load_grading(struct loading *loading);
void load_warnings(struct loading *loading, const struct node *warnings);
void load_reporting(struct loading *loading, const struct node *reporting);
void load_procedure(struct loading *loading, const struct node *procedure);
void load_organisation(struct loading *loading, const struct node *organisation);
void load_duties(struct loading *loading, const struct node *groups, const struct node *rows);
void load_members(struct loading *loading);
void load_orders(struct loading *loading, const struct node *orders);
void load_aftercare(struct loading *loading);
/* rhythms.c: adds the rhythms of organisation and after-care to the clocks. */
void load_rhythms(struct loading *loading);
bool rhythm_is(const char *id); /* the id of such a rhythm, which no other clock may have */
/* owed.c: what nobody could do. Clocks: after the reporters; a level: after the clocks; warnings:
 * after procedure and issue. */
void check_owers(struct loading *loading, const struct node *clock);
void check_speaker(struct loading *loading, const struct node *rhythm, const char *unit);
void check_daily(struct loading *loading, const struct node *entry, int level);
void check_startable(struct loading *loading, const struct node *warnings);
void load_notices(struct loading *loading, const struct node *notices);
void load_told_neighbours(struct loading *loading, const struct node *node);
void load_supplies(struct loading *loading, const struct node *supplies);

/* Reads one `when:`; false if it has mistakes (reported). nodes come from plan memory. */
bool load_condition(struct loading *loading, const struct node *node, int depth,
                    struct plan_condition *out);
/* Who takes which step of a warning (procedure.c). */
void load_issue(struct loading *loading, const struct node *warnings);

/* What two whole conditions say about each other (lint.c). */
bool lint_bounds_empty(const struct plan_condition *condition);
bool lint_excludes(const struct plan_condition *a, const struct plan_condition *b);
/* Criteria that nothing can make true, or that a graver one always hides. nodes: by criterion. */
void lint_criteria(struct loading *loading, const struct plan_criterion *criteria, size_t count,
                   const struct node *const *nodes);

#endif
