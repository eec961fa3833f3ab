/* Levels and acts as words. One scale for grades, responses and warnings: I the gravest. */
#include "plan.h"

#include <string.h>

static const char *const LEVEL_NAMES[PLAN_LEVELS] = {"none", "I", "II", "III", "IV"};

static const struct plan_text COLOURS[PLAN_LEVELS] = {
    {"无", "none"}, {"红色", "red"}, {"橙色", "orange"}, {"黄色", "yellow"}, {"蓝色", "blue"}};

static const struct plan_text GRADES[PLAN_LEVELS] = {{"无", "none"},
                                                     {"特别重大", "especially grave"},
                                                     {"重大", "grave"},
                                                     {"较大", "fairly grave"},
                                                     {"一般", "general"}};

static const char *const ACT_NAMES[] = {"none", "propose", "assess",    "decide",  "approve",
                                        "file", "order",   "designate", "suggest", "verify",
                                        "sign", "issue",  "inform"};

static int known_level(int level)
{
    return level >= PLAN_NONE && level < PLAN_LEVELS ? level : PLAN_NONE;
}

const char *plan_level_name(int level)
{
    return LEVEL_NAMES[known_level(level)];
}

int plan_level_parse(const char *text)
{
    if (strcmp(text, "NONE") == 0) {
        return PLAN_NONE;
    }
    for (int level = 0; level < PLAN_LEVELS; level++) {
        if (strcmp(text, LEVEL_NAMES[level]) == 0) {
            return level;
        }
    }
    return -1;
}

struct plan_text plan_level_colour(int level)
{
    return COLOURS[known_level(level)];
}

struct plan_text plan_level_grade(int level)
{
    return GRADES[known_level(level)];
}

const char *plan_act_name(int act)
{
    return act >= PLAN_ACT_NONE && act <= PLAN_INFORM ? ACT_NAMES[act] : ACT_NAMES[0];
}

bool plan_bounds_hold(const struct plan_bounds *bounds, double value)
{
    bool above =
        !bounds->has_low || value > bounds->low || (value == bounds->low && !bounds->low_open);
    bool below =
        !bounds->has_high || value < bounds->high || (value == bounds->high && !bounds->high_open);
    return above && below;
}
