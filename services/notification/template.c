/* Fills the placeholders of a notice's text. A placeholder that is not known stays as written: the
 * linter refuses it before a plan is adopted, so it can only be an older plan's. */
#include "notification.h"

#include <stdio.h>
#include <string.h>

struct filling {
    struct ld_arena *arena;
    const struct plan *plan;
    const struct incident *incident;
    const Liandong__V1__Response *response;
    int level;
    bool chinese;
};

static const char *pick(const struct filling *filling, struct plan_text text)
{
    return filling->chinese ? text.zh : text.en;
}

static const char *hazard_name(const struct filling *filling)
{
    int hazard = plan_find_hazard(filling->plan, filling->response->hazard);
    return hazard < 0 ? filling->response->hazard
                      : pick(filling, filling->plan->hazards[hazard].name);
}

static const char *county_names(const struct filling *filling)
{
    struct ld_buffer names = {0};
    for (size_t i = 0; i < filling->response->n_counties; i++) {
        const char *name =
            pick(filling, plan_area_name(filling->plan, filling->response->counties[i]));
        ld_buffer_format(&names, "%s%s", i == 0 ? "" : filling->chinese ? "、" : ", ", name);
    }
    const char *text = ld_arena_format(filling->arena, "%s", ld_buffer_string(&names));
    ld_buffer_free(&names);
    return text;
}

static struct plan_text grade_name(int grade)
{
    return grade == PLAN_NONE ? (struct plan_text){"未定级", "not yet graded"}
                              : plan_level_grade(grade);
}

static const char *value_of(const struct filling *filling, const char *name, size_t size)
{
    const struct plan *plan = filling->plan;
#define IS(word) (size == sizeof word - 1 && memcmp(name, word, size) == 0)
    if (IS("hazard"))
        return hazard_name(filling);
    if (IS("level"))
        return plan_level_name(filling->level);
    if (IS("colour"))
        return pick(filling, plan_level_colour(filling->level));
    if (IS("grade"))
        return pick(filling, grade_name(filling->incident->grade));
    if (IS("area"))
        return pick(filling, plan_area_name(plan, filling->response->area));
    if (IS("counties"))
        return county_names(filling);
    if (IS("cases"))
        return ld_arena_format(filling->arena, "%.0f", filling->incident->cases);
    if (IS("deaths"))
        return ld_arena_format(filling->arena, "%.0f", filling->incident->deaths);
    if (IS("commander"))
        return pick(filling, plan->organisation[filling->level].commander);
    if (IS("incident"))
        return filling->incident->id;
#undef IS
    return NULL;
}

/* Appends what stands at pattern up to its next placeholder's end; returns where to go on. */
static const char *fill_one(const struct filling *filling, const char *pattern,
                            struct ld_buffer *filled)
{
    const char *open = strchr(pattern, '{');
    const char *close = open == NULL ? NULL : strchr(open, '}');
    if (close == NULL) {
        ld_buffer_text(filled, pattern);
        return pattern + strlen(pattern);
    }
    ld_buffer_append(filled, pattern, (size_t)(open - pattern));
    const char *value = value_of(filling, open + 1, (size_t)(close - open - 1));
    if (value == NULL) {
        ld_buffer_append(filled, open, (size_t)(close - open + 1));
    } else {
        ld_buffer_text(filled, value);
    }
    return close + 1;
}

static const char *fill(const struct filling *filling, const char *pattern)
{
    struct ld_buffer filled = {0};
    while (*pattern != '\0') {
        pattern = fill_one(filling, pattern, &filled);
    }
    const char *text = ld_arena_string(filling->arena, ld_buffer_string(&filled), filled.size);
    ld_buffer_free(&filled);
    return text;
}

struct plan_text template_fill(struct ld_arena *arena, const struct plan *plan,
                               const struct incident *incident,
                               const Liandong__V1__Response *response, int level,
                               struct plan_text pattern)
{
    struct filling filling = {arena, plan, incident, response, level, true};
    struct plan_text text = {.zh = fill(&filling, pattern.zh)};
    filling.chinese = false;
    text.en = fill(&filling, pattern.en);
    return text;
}
