/*
 * command: warnings through their procedure. Every act × colour × actor in every state of every
 * rule of the seven plans, against a second reading of the rule; what is said of each step;
 * refusals as whole receipts; the response that follows; a county's own warning.
 */
#include "command_world.h"

typedef Liandong__V1__Warning warning;

#define WARNING_STATE(name) LIANDONG__V1__WARNING__STATE__##name

static const struct plan *plan_now(void)
{
    return sv_plans_current(sv_host_plans(sv_sim_host(world.sim), false), plan_of_incidents);
}

static void use_plan(const char *id, const char *city)
{
    char path[256];
    snprintf(path, sizeof path, LIANDONG_SOURCE "/plans/%s.yaml", id);
    if (strcmp(id, "wenzhou-phe") != 0) /* adopted already */
        world_adopt(&world, path, NULL, 0);
    plan_of_incidents = id;
    city_of_incidents = city;
}

static int teardown_swept(void **state)
{
    plan_of_incidents = "wenzhou-phe";
    city_of_incidents = CITY;
    return teardown(state);
}

static int teardown_saved(void **state)
{
    world_survives_snapshots(&world, &command_class);
    return teardown_swept(state);
}

static size_t act_on(const char *incident, int act, int colour, const char *unit,
                     const char *office)
{
    return decide(
        incident,
        (struct act){
            .act = act, .level = colour, .unit = unit, .filed_with = office, .of_warning = true});
}

/* ---- every act × colour × actor in every state ---- */

/* A unit that a pattern means: of a county, the first that is affected. */
static const char *unit_of(const char *pattern)
{
    static char units[8][64];
    static size_t next;
    char *unit = units[next++ % 8];
    const char *mark = strchr(pattern, '}');
    snprintf(unit, 64, "%s%s", mark ? strcmp(city_of_incidents, CITY) ? "330402" : COUNTY : "",
             mark ? mark + 1 : pattern);
    return unit;
}

static const char *office_of(const struct plan_step *step)
{
    return step->with_count ? unit_of(step->with[0]) : "";
}

/* The rule read once more: what is taken, and towards which colour; in force before and now. */
struct reading {
    const struct plan_rule *rule;
    size_t taken; /* steps of the procedure under way, all of them: none is under way */
    int target, in_force, suggested;
};

static bool step_is(const struct plan_step *step, int act, const char *unit)
{
    bool by = false;
    for (size_t i = 0; i < step->by_count; i++)
        by |= strcmp(unit_of(step->by[i]), unit) == 0;
    return by && (int)step->act == act;
}

static bool less(int one, int other) /* is one less grave? */
{
    return (one ? one : PLAN_LEVELS) > (other ? other : PLAN_LEVELS);
}

static const struct plan_rule *rule_of(int colour)
{
    const struct plan *plan = plan_now();
    for (size_t i = 0; i < plan->issue_count; i++)
        if (colour && plan->issue[i].levels >> colour & 1)
            return &plan->issue[i];
    return NULL;
}

static bool may(const struct reading *reading, int act, int colour, const char *unit)
{
    if (less(reading->in_force, colour) && less(reading->suggested, colour))
        return false;
    if (reading->taken < reading->rule->step_count && colour == reading->target)
        return step_is(&reading->rule->steps[reading->taken], act, unit);
    const struct plan_rule *rule =
        rule_of(less(colour, reading->in_force) ? reading->in_force : colour);
    return rule && colour != reading->in_force && step_is(&rule->steps[0], act, unit);
}

static size_t take(const char *incident, const struct plan_rule *rule, size_t from, size_t to,
                   int colour)
{
    size_t index = 0;
    for (size_t i = from; i < to; i++) {
        const struct plan_step *step = &rule->steps[i];
        index = act_on(incident, (int)step->act, colour, unit_of(step->by[0]), office_of(step));
        if (!receipt_after(index)->accepted)
            fail_msg("%s step %zu: %s", plan_of_incidents, i, receipt_after(index)->reason->en);
    }
    return index;
}

static bool issued_by(const struct plan_rule *rule, size_t taken)
{
    for (size_t i = 0; i < taken; i++)
        if (rule->steps[i].act == PLAN_ISSUE)
            return true;
    return false;
}

/* An incident in the state: issued first if it is to be lifted or adjusted. */
static const char *reach(const struct reading *reading, int issued)
{
    const char *incident = open_incident(PLAN_I);
    say_warning(incident, SUGGESTED, PLAN_I, PLAN_NONE);
    const struct plan_rule *before = rule_of(issued);
    if (issued)
        take(incident, before, 0, before->step_count, issued);
    take(incident, reading->rule, 0, reading->taken, reading->target);
    if (reading->suggested != PLAN_I)
        say_warning(incident, SUGGESTED, reading->suggested, PLAN_NONE);
    return incident;
}

struct trial {
    char incident[64];
    size_t accepted, refused;
};

/* One act; a refused one changes nothing, so that the incident serves for the next. */
static void try(struct trial *trial, const struct reading *reading, int issued, int act, int colour,
                const char *unit, const char *office)
{
    bool expected = may(reading, act, colour, unit);
    size_t index = act_on(trial->incident, act, colour, unit, office);
    const receipt *answer = receipt_after(index);
    if (answer->accepted != expected || (!expected && world.count != index + 2))
        fail_msg("%s: colour %d towards %d, %zu steps taken: act %d to %d by %s: %s",
                 plan_of_incidents, reading->in_force, reading->target, reading->taken, act, colour,
                 unit, answer->accepted ? "taken" : answer->reason->en);
    trial->accepted += expected;
    trial->refused += !expected;
    if (!expected)
        assert_true(*answer->section && *answer->reason->zh && *answer->reason->en);
    else
        snprintf(trial->incident, sizeof trial->incident, "%s", reach(reading, issued));
}

static void try_all(struct trial *trial, const struct reading *reading, int issued)
{
    snprintf(trial->incident, sizeof trial->incident, "%s", reach(reading, issued));
    for (size_t actor = 0; actor <= reading->rule->step_count; actor++) {
        bool stranger = actor == reading->rule->step_count;
        const struct plan_step *of = &reading->rule->steps[stranger ? 0 : actor];
        const char *unit = stranger ? "33.gov" : unit_of(of->by[0]);
        for (int act = PLAN_PROPOSE; act <= PLAN_INFORM; act++) {
            const char *office = "";
            for (size_t i = 0; i < reading->rule->step_count; i++)
                if ((int)reading->rule->steps[i].act == act)
                    office = office_of(&reading->rule->steps[i]);
            for (int colour = PLAN_NONE; colour <= PLAN_IV; colour++)
                try(trial, reading, issued, act, colour, unit, office);
        }
    }
}

static void try_move(struct trial *trial, const struct plan_rule *rule, int before, int target)
{
    for (size_t taken = 0; taken <= rule->step_count; taken++) {
        int in_force = issued_by(rule, taken) ? target : before;
        struct reading reading = {rule, taken, target, in_force, PLAN_I};
        try_all(trial, &reading, before);
    }
}

/* The least grave colour that the plan issues. */
static int mildest(void)
{
    int colour = PLAN_IV;
    while (!rule_of(colour))
        colour--;
    return colour;
}

/* From nothing to the colour, from it to nothing, and to it and back from the mildest: every number
 * of steps. */
static void try_rule(struct trial *trial, const struct plan_rule *rule, int colour)
{
    int mild = mildest();
    try_move(trial, rule, PLAN_NONE, colour);
    try_move(trial, rule, colour, PLAN_NONE);
    if (mild == colour)
        return;
    try_move(trial, rule, mild, colour);
    try_move(trial, rule, colour, mild);
}

static void sweep(const char *id, const char *city, size_t accepted, size_t refused)
{
    struct trial trial = {.accepted = 0};
    use_plan(id, city);
    const struct plan *plan = plan_now();
    for (size_t i = 0; i < plan->issue_count; i++) {
        int colour = PLAN_I;
        while (!(plan->issue[i].levels >> colour & 1))
            colour++;
        try_rule(&trial, &plan->issue[i], colour);
    }
    if (trial.accepted != accepted || trial.refused != refused)
        fail_msg("%s: %zu taken, %zu refused", id, trial.accepted, trial.refused);
}

#define SWEEP(name, id, city, accepted, refused)                                                   \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        sweep(id, city, accepted, refused);                                                        \
    }
SWEEP(wenzhou_phe, "wenzhou-phe", "3303", 141, 5859)
SWEEP(wenzhou_ari, "wenzhou-ari", "3303", 265, 8375)
SWEEP(jiaxing_phe, "jiaxing-phe", "3304", 78, 3762)
SWEEP(jiaxing_ari, "jiaxing-ari", "3304", 343, 8297)
SWEEP(jiaxing_water, "jiaxing-water", "3304", 182, 8818)
SWEEP(jiaxing_crop, "jiaxing-crop", "3304", 78, 2082)
SWEEP(jiaxing_air, "jiaxing-air", "3304", 632, 17368)

/* ---- what is said of each step ---- */

/* The warnings that follow from the act, one line each. */
static const char *said(size_t index)
{
    static char text[2048];
    const warning *message;
    text[0] = 0;
    for (size_t i = 0; (message = (const void *)world_after(&world, index, SV_WARNING, i)); i++) {
        size_t used = strlen(text);
        char state[32];
        snprintf(state, sizeof state, "%s",
                 protobuf_c_enum_descriptor_get_value(&liandong__v1__warning__state__descriptor,
                                                      (int)message->state)
                     ->name);
        used += (size_t)snprintf(
            text + used, sizeof text - used, "%s %s %s>%s, in force %s%s%s, by %s (%s)",
            message->area, state, plan_level_name((int)message->previous),
            plan_level_name((int)message->level), plan_level_name((int)message->in_force),
            *message->issued_by ? " of " : "", message->issued_by, message->by, message->section);
        if (*message->next)
            used += (size_t)snprintf(text + used, sizeof text - used, "; %s by %s", message->next,
                                     message->next_by[0]);
        if (message->merged)
            used += (size_t)snprintf(text + used, sizeof text - used, "; merged %s, %zu others",
                                     plan_level_name((int)message->merged), message->n_merged_with);
        if (message->reason)
            used += (size_t)snprintf(text + used, sizeof text - used, "; %s", message->reason->en);
        snprintf(text + used, sizeof text - used, "\n");
        assert_int_equal(message->since_us != 0, message->in_force != 0);
        assert_string_equal(message->hazard, HAZARD);
        assert_string_equal(message->context->author, "command");
        assert_int_equal(message->n_counties, 2);
    }
    return text;
}

enum { ALL_SIZE = 4096 };

static void add(char all[static ALL_SIZE], const char *text)
{
    size_t used = strlen(all);
    assert_true((size_t)snprintf(all + used, ALL_SIZE - used, "%s", text) < ALL_SIZE - used);
}

static void each_step_is_told(void **state)
{
    (void)state;
    use_plan("jiaxing-air", "3304");
    const char *incident = open_incident(PLAN_NONE);
    say_warning(incident, SUGGESTED, PLAN_I, PLAN_NONE);
    const struct plan_rule *red = rule_of(PLAN_I), *orange = rule_of(PLAN_II);
    struct {
        const struct plan_rule *rule;
        size_t step;
        int colour;
    } acts[] = {{orange, 0, PLAN_II}, {orange, 1, PLAN_II}, {orange, 2, PLAN_II},
                {orange, 3, PLAN_II}, {red, 0, PLAN_I},     {red, 1, PLAN_I},
                {red, 2, PLAN_I},     {red, 3, PLAN_I},     {red, 0, PLAN_NONE},
                {red, 1, PLAN_NONE},  {red, 2, PLAN_NONE},  {red, 3, PLAN_NONE}};
    char all[ALL_SIZE] = "";
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        add(all,
            said(take(incident, acts[i].rule, acts[i].step, acts[i].step + 1, acts[i].colour)));
    assert_string_equal(
        all,
        "3304 PROPOSED none>II, in force none, by 3304.air-office (3.3.2, 3.4); sign by "
        "3304.air-command\n"
        "3304 SIGNED none>II, in force none, by 3304.air-command (3.3.2, 3.4); inform by "
        "3304.air-command\n"
        "3304 INFORMED none>II, in force none, by 3304.air-command (3.3.2, 3.4); issue by "
        "3304.air-office\n"
        "3304 ISSUED none>II, in force II of 3304.air-office, by 3304.air-office (3.3.2, 3.4)\n"
        "3304 PROPOSED II>I, in force II of 3304.air-office, by 3304.air-office (3.3.2, 3.4); "
        "approve by 3304.gov\n"
        "3304 APPROVED II>I, in force II of 3304.air-office, by 3304.gov (3.3.2, 3.4); sign by "
        "3304.air-command\n"
        "3304 SIGNED II>I, in force II of 3304.air-office, by 3304.air-command (3.3.2, 3.4); issue "
        "by 3304.air-office\n"
        "3304 ADJUSTED II>I, in force I of 3304.air-office, by 3304.air-office (3.3.2, 3.4)\n"
        "3304 PROPOSED I>none, in force I of 3304.air-office, by 3304.air-office (3.3.2, 3.4); "
        "approve by 3304.gov\n"
        "3304 APPROVED I>none, in force I of 3304.air-office, by 3304.gov (3.3.2, 3.4); sign by "
        "3304.air-command\n"
        "3304 SIGNED I>none, in force I of 3304.air-office, by 3304.air-command (3.3.2, 3.4); "
        "issue by 3304.air-office\n"
        "3304 LIFTED I>none, in force none of 3304.air-office, by 3304.air-office (3.3.2, 3.4)\n");
}

static void told_afterwards(void **state)
{
    (void)state;
    use_plan("jiaxing-ari", "3304");
    const char *incident = open_incident(PLAN_I);
    say_warning(incident, SUGGESTED, PLAN_II, PLAN_NONE);
    const struct plan_rule *rule = rule_of(PLAN_II);
    char all[ALL_SIZE] = "";
    take(incident, rule, 0, 3, PLAN_II);
    add(all, said(take(incident, rule, 3, 4, PLAN_II)));
    add(all, said(take(incident, rule, 4, 5, PLAN_II)));
    take(incident, rule, 0, 3, PLAN_NONE);
    add(all, said(take(incident, rule, 3, 4, PLAN_NONE)));
    add(all, said(take(incident, rule, 4, 5, PLAN_NONE)));
    assert_string_equal(all,
                        "3304 ISSUED none>II, in force II of 3304.health, by 3304.health (4.4); "
                        "inform by 3304.health\n"
                        "3304 INFORMED II>II, in force II of 3304.health, by 3304.health (4.4)\n"
                        "3304 LIFTED II>none, in force none of 3304.health, by 3304.health (4.4); "
                        "inform by 3304.health\n"
                        "3304 INFORMED none>none, in force none, by 3304.health (4.4)\n");
}

/* Verified or assessed against: it begins anew. */
static void judged_against(void **state)
{
    (void)state;
    use_plan("jiaxing-ari", "3304");
    const char *incident = open_incident(PLAN_I);
    say_warning(incident, SUGGESTED, PLAN_II, PLAN_NONE);
    const struct plan_rule *rule = rule_of(PLAN_II);
    take(incident, rule, 0, 1, PLAN_II);
    size_t index = decide(incident, (struct act){.act = PLAN_ASSESS,
                                                 .level = PLAN_II,
                                                 .unit = "3304.cdc",
                                                 .against = true,
                                                 .of_warning = true});
    assert_string_equal(said(index), "3304 NOT_ISSUED none>II, in force none, by 3304.cdc (4.4)\n");
    index = act_on(incident, PLAN_ASSESS, PLAN_II, "3304.cdc", "");
    assert_string_equal(receipt_after(index)->code, "out-of-order");
    take(incident, rule, 0, rule->step_count, PLAN_II);
}

static void issued_as_one(void **state)
{
    (void)state;
    use_plan("wenzhou-ari", "3303");
    char first[64];
    snprintf(first, sizeof first, "%s", open_incident(PLAN_I));
    say_warning(first, SUGGESTED, PLAN_II, PLAN_NONE);
    const struct plan_rule *rule = rule_of(PLAN_II);
    take(first, rule, 0, 5, PLAN_II);
    const char *second = open_incident(PLAN_I);
    say_warning(second, SUGGESTED, PLAN_IV, PLAN_II);
    take(second, rule, 0, 4, PLAN_IV);
    assert_string_equal(said(take(second, rule, 4, 5, PLAN_IV)),
                        "3303 ISSUED none>IV, in force IV of 3303.health, by 3303.health (5.4, "
                        "annex 3); merged II, 1 others\n"
                        "3303 MERGED II>II, in force II of 3303.health, by 3303.health (annex 3); "
                        "merged II, 1 others\n");
}

/* What the others are issued as changes when one is issued, moves and lapses; not for the one that
 * is in force alone. */
static void the_others_are_retold(void **state)
{
    (void)state;
    use_plan("wenzhou-ari", "3303");
    char first[64], all[ALL_SIZE] = "";
    const struct plan_rule *rule = rule_of(PLAN_II);
    snprintf(first, sizeof first, "%s", open_incident(PLAN_I));
    say_warning(first, SUGGESTED, PLAN_III, PLAN_NONE);
    add(all, said(take(first, rule, 0, 5, PLAN_III)));
    const char *second = open_incident(PLAN_I);
    say_warning(second, SUGGESTED, PLAN_IV, PLAN_III);
    add(all, said(take(second, rule, 0, 5, PLAN_IV)));
    say_warning(second, SUGGESTED, PLAN_II, PLAN_II);
    add(all, said(take(second, rule, 0, 5, PLAN_II)));
    add(all, said(take(second, rule, 0, 5, PLAN_III)));
    add(all, said(take(second, rule, 0, 5, PLAN_II)));
    add(all, said(say_incident(second, LIANDONG__V1__INCIDENT__ACTION__CLOSED, 0)));
    assert_string_equal(
        all,
        "3303 ISSUED none>III, in force III of 3303.health, by 3303.health (5.4, annex 3); merged "
        "III, 0 others\n"
        "3303 ISSUED none>IV, in force IV of 3303.health, by 3303.health (5.4, annex 3); merged "
        "III, 1 others\n"
        "3303 MERGED III>III, in force III of 3303.health, by 3303.health (annex 3); merged III, 1 "
        "others\n"
        "3303 ADJUSTED IV>II, in force II of 3303.health, by 3303.health (5.4, annex 3); merged "
        "II, 1 others\n"
        "3303 MERGED III>III, in force III of 3303.health, by 3303.health (annex 3); merged II, 1 "
        "others\n"
        "3303 ADJUSTED II>III, in force III of 3303.health, by 3303.health (5.4, annex 3); merged "
        "III, 1 others\n"
        "3303 MERGED II>III, in force III of 3303.health, by 3303.health (annex 3); merged III, 1 "
        "others\n"
        "3303 ADJUSTED III>II, in force II of 3303.health, by 3303.health (5.4, annex 3); merged "
        "II, 1 others\n"
        "3303 MERGED III>III, in force III of 3303.health, by 3303.health (annex 3); merged II, 1 "
        "others\n"
        "3303 LAPSED II>none, in force none of 3303.health, by  (5.4, annex 2); The incident is "
        "closed, and its warning lapses with it\n"
        "3303 MERGED II>III, in force III of 3303.health, by  (annex 3); merged III, 0 others\n");
}

/* The city's warning, a county's own, and what was under way: nothing outlives the incident. */
static void lapses_with_the_incident(void **state)
{
    (void)state;
    use_plan("wenzhou-ari", "3303");
    const char *incident = open_incident(PLAN_I);
    say_warning(incident, SUGGESTED, PLAN_I, PLAN_NONE);
    const struct plan_rule *rule = rule_of(PLAN_II);
    take(incident, rule, 0, 5, PLAN_III);
    decide(incident, (struct act){.act = PLAN_ISSUE,
                                  .level = PLAN_II,
                                  .unit = "330302.gov",
                                  .area = COUNTY,
                                  .of_warning = true});
    take(incident, rule, 0, 2, PLAN_II);
    size_t index = say_incident(incident, LIANDONG__V1__INCIDENT__ACTION__CLOSED, 0);
    assert_string_equal(
        said(index), "3303 LAPSED III>none, in force none of 3303.health, by  (5.4, annex 2); The "
                     "incident is closed, and its warning lapses with it\n"
                     "330302 LAPSED II>none, in force none of 330302.gov, by  (5.4, annex 2); The "
                     "incident is closed, and its warning lapses with it\n");
    assert_string_equal(said(say_incident(incident, LIANDONG__V1__INCIDENT__ACTION__CLOSED, 0)),
                        "");
    assert_string_equal(
        receipt_after(act_on(incident, PLAN_SUGGEST, PLAN_NONE, "3303.cdc", ""))->code,
        "incident-closed");
}

/* A county may issue its own, though none below the city's, which lifts it to its colour. */
static void a_county_of_its_own(void **state)
{
    (void)state;
    use_plan("wenzhou-ari", "3303");
    const char *incident = open_incident(PLAN_I);
    say_warning(incident, SUGGESTED, PLAN_I, PLAN_NONE);
    struct act own = {.act = PLAN_ISSUE,
                      .level = PLAN_III,
                      .unit = "330302.gov",
                      .area = COUNTY,
                      .of_warning = true};
    char all[ALL_SIZE] = "";
    const struct plan_rule *rule = rule_of(PLAN_II);
    add(all, said(decide(incident, own)));
    add(all, said(take(incident, rule, 0, 5, PLAN_II)));
    own.level = PLAN_IV;
    const receipt *answer = receipt_after(decide(incident, own));
    assert_string_equal(answer->code, "below-city");
    add(all, answer->reason->zh);
    add(all, "\n");
    add(all, answer->reason->en);
    add(all, "\n");
    own.level = PLAN_I;
    add(all, said(decide(incident, own)));
    take(incident, rule, 0, 5, PLAN_NONE);
    own.level = PLAN_NONE;
    add(all, said(decide(incident, own)));
    assert_string_equal(
        all, "330302 ISSUED none>III, in force III of 330302.gov, by 330302.gov (annex 3)\n"
             "3303 ISSUED none>II, in force II of 3303.health, by 3303.health (5.4, annex 3); "
             "merged II, 0 others\n"
             "330302 ADJUSTED III>II, in force II of 3303.health, by 3303.health (annex 3)\n"
             "县（市、区）的预警不得低于市的预警；市的预警为橙色（II级）\n"
             "A county's warning is never below the city's, which is orange (II)\n"
             "330302 ADJUSTED II>I, in force I of 330302.gov, by 330302.gov (annex 3)\n"
             "330302 LIFTED I>none, in force none of 330302.gov, by 330302.gov (annex 3)\n");
}

/* ---- refusals, as whole receipts ---- */

struct refused {
    const char *plan, *city;
    int suggested, issued; /* colours */
    size_t taken;          /* steps towards the colour of the act's rule */
    struct act act;
    const char *code, *section, *zh, *en;
};

static const struct refused refusals[] = {
#include "data/command_warnings.inc"
};

static void refused_acts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refused *refused = &refusals[i];
        if (i == 0 || strcmp(refused->plan, refusals[i - 1].plan) != 0)
            use_plan(refused->plan, refused->city);
        const char *incident = open_incident(PLAN_I);
        say_warning(incident, SUGGESTED, PLAN_I, PLAN_NONE);
        const struct plan_rule *rule = rule_of(refused->issued);
        if (rule)
            take(incident, rule, 0, rule->step_count, refused->issued);
        say_warning(incident, SUGGESTED, refused->suggested, PLAN_NONE);
        if (refused->taken)
            take(incident, rule_of(refused->act.level), 0, refused->taken, refused->act.level);
        struct act act = refused->act;
        act.of_warning = true;
        size_t index = decide(incident, act);
        char topic[256];
        snprintf(topic, sizeof topic, "receipt/%s/%s", act.area ? act.area : city_of_incidents,
                 act.unit);
        expect_receipt(index, topic, false, refused->code, refused->section, refused->zh,
                       refused->en);
        assert_int_equal(world.count, index + 2); /* and nothing else follows */
    }
}

int main(void)
{
#define SWEPT(name) cmocka_unit_test_setup_teardown(name, setup, teardown_swept)
#define SAVED(name) cmocka_unit_test_setup_teardown(name, setup, teardown_saved)
    const struct CMUnitTest tests[] = {
        SWEPT(wenzhou_phe),    SWEPT(wenzhou_ari),           SWEPT(jiaxing_phe),
        SWEPT(jiaxing_ari),    SWEPT(jiaxing_water),         SWEPT(jiaxing_crop),
        SWEPT(jiaxing_air),    SAVED(each_step_is_told),     SAVED(told_afterwards),
        SAVED(judged_against), SAVED(issued_as_one),         SAVED(a_county_of_its_own),
        SAVED(refused_acts),   SAVED(the_others_are_retold), SAVED(lapses_with_the_incident),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
