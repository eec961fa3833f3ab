/* reporting: what is owed by each of several units, and what is owed once a response has ended. */
#include "forge.h"
#include "reporting_rig.h"

#define INCIDENT "3303-cholera-20260101-1"

/* The plan with a closing report that each county's government and health bureau owe. */
static const struct world_edit WITH_FINAL[] = {
    {"    - id: daily-report\n", "    - id: closing-report\n"
                                 "      section: \"9.9\"\n"
                                 "      levels: [I, II, III]\n"
                                 "      starts: ended\n"
                                 "      within: 7d\n"
                                 "      met_by: final\n"
                                 "      by: [\"{county}.gov\", \"{county}.health\"]\n"
                                 "      each: true\n"
                                 "      text: {zh: 终报, en: Closing report}\n"
                                 "    - id: daily-report\n"}};

static int setup(void **state)
{
    static struct world world;
    world_open(&world, &reporting_class);
    world_adopt(&world, LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", WITH_FINAL, 1);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    world_survives_snapshots(*state, &reporting_class);
    world_close(*state);
    return 0;
}

static void wait(struct world *world, int64_t us)
{
    sv_sim_advance(world->sim, sv_sim_now(world->sim) + us);
}

/* What the clock said after index, in order: "STATE unit", one a line. */
static const char *said(const struct world *world, size_t index, const char *id)
{
    static const char *const STATES[] = {"?", "started", "warned", "met", "missed", "cancelled"};
    static char text[1024];
    text[0] = 0;
    for (size_t i = index + 1; i < world->count; i++) {
        const Liandong__V1__Clock *clock = (const void *)world->all[i].message;
        if (world->all[i].family == SV_CLOCK && strcmp(clock->clock, id) == 0)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s %s\n",
                     STATES[clock->state], clock->responsible);
    }
    return text;
}

static struct filing by_unit(const char *unit)
{
    struct filing f = filing();
    f.unit = unit;
    return f;
}

static struct filing final_of(const char *unit)
{
    struct filing f = by_unit(unit);
    f.kind = LIANDONG__V1__REPORT__KIND__FINAL;
    f.measure = NULL;
    f.incident = INCIDENT;
    return f;
}

/* ---- each ---- */

static void each_owes_it(void **state)
{
    struct world *world = *state;
    size_t index = file(world, by_unit("330302.hospital"));
    graded(world, INCIDENT, 3, world->all[index].record.sequence);
    assert_string_equal(said(world, index, "written-grave"),
                        "started 330302.gov\nstarted 330302.health\n");
    size_t one = file(world, by_unit("330302.health"));
    assert_string_equal(said(world, one, "written-grave"), "met 330302.health\n");
    wait(world, 3 * LD_US_HOUR);
    assert_string_equal(said(world, one, "written-grave"),
                        "met 330302.health\nwarned 330302.gov\nmissed 330302.gov\n");
    size_t other = file(world, by_unit("330302.gov"));
    assert_string_equal(said(world, other, "written-grave"), "met 330302.gov\n");
}

/* ---- the end ---- */

static void starts_when_it_ended(void **state)
{
    struct world *world = *state;
    size_t index = file(world, filing());
    responded(world, INCIDENT, 3);
    responded(world, INCIDENT, 2);
    assert_string_equal(said(world, index, "closing-report"), "");
    size_t end = responded(world, INCIDENT, 0);
    assert_string_equal(said(world, end, "closing-report"),
                        "started 330302.gov\nstarted 330302.health\n");
    size_t zero = file(world, by_unit("330302.gov")); /* no final report */
    assert_string_equal(said(world, zero, "closing-report"), "");
    wait(world, 7 * LD_US_DAY);
    assert_string_equal(said(world, zero, "closing-report"),
                        "missed 330302.gov\nmissed 330302.health\n");
}

static void not_of_other_levels(void **state)
{
    struct world *world = *state;
    size_t index = file(world, filing());
    responded(world, INCIDENT, 4);
    responded(world, INCIDENT, 0);
    assert_string_equal(said(world, index, "closing-report"), "");
}

/* The first final report closes the incident; the other unit's is taken all the same, once. */
static void outlives_the_closing(void **state)
{
    struct world *world = *state;
    file(world, filing());
    responded(world, INCIDENT, 3);
    responded(world, INCIDENT, 0);
    size_t first = file(world, final_of("330302.gov"));
    assert_string_equal(said(world, first, "closing-report"), "met 330302.gov\n");
    assert_int_equal(incident_after(world, first, 1)->action,
                     LIANDONG__V1__INCIDENT__ACTION__CLOSED);
    wait(world, 8 * LD_US_DAY);
    assert_string_equal(said(world, first, "closing-report"),
                        "met 330302.gov\nmissed 330302.health\n");
    refused(world, final_of("330302.cdc"), "incident-closed");
    struct filing f = final_of("330302.health");
    f.kind = LIANDONG__V1__REPORT__KIND__PROGRESS;
    refused(world, f, "incident-closed");
    assert_string_equal(accepted(world, final_of("330302.health")), INCIDENT);
    assert_string_equal(said(world, first, "closing-report"),
                        "met 330302.gov\nmissed 330302.health\nmet 330302.health\n");
    assert_int_equal(world_count_after(world, first, SV_INCIDENT), 2); /* joined, closed */
    refused(world, final_of("330302.health"), "incident-closed");
}

/* A final report that stands when the response ends is the one that is owed. */
static void final_before_the_end(void **state)
{
    struct world *world = *state;
    file(world, filing());
    responded(world, INCIDENT, 3);
    file(world, final_of("330302.gov"));
    size_t end = responded(world, INCIDENT, 0);
    assert_string_equal(said(world, end, "closing-report"),
                        "started 330302.gov\nstarted 330302.health\nmet 330302.gov\n");
    assert_int_equal(incident_after(world, end, 0)->action, LIANDONG__V1__INCIDENT__ACTION__CLOSED);
}

static void response_comes_again(void **state)
{
    struct world *world = *state;
    file(world, filing());
    responded(world, INCIDENT, 3);
    responded(world, INCIDENT, 0);
    size_t again = responded(world, INCIDENT, 3);
    assert_string_equal(said(world, again, "closing-report"),
                        "cancelled 330302.gov\ncancelled 330302.health\n");
    size_t end = responded(world, INCIDENT, 0);
    assert_string_equal(said(world, end, "closing-report"),
                        "started 330302.gov\nstarted 330302.health\n");
}

/* ---- a response that follows its warning ---- */

static void clocks_of_the_warning(void **state)
{
    struct world *world = *state;
    world_adopt(world, LIANDONG_SOURCE "/tests/unit/data/plan/special.yaml", NULL, 0);
    struct filing f = filing();
    f.hazard = "respiratory";
    f.unit = "330302.gov";
    size_t index = file(world, f);
    const char *incident = "3303-respiratory-20260101-1";
    assert_string_equal(receipt_after(world, index)->context->incident, incident);
    warned(world, incident, 2, world->all[index].record.sequence);
    assert_string_equal(said(world, index, "written"),
                        "started 330302.gov\nmet 330302.gov\nstarted 3303.health\n");
    size_t none = warned(world, incident, 0, 0);
    assert_string_equal(said(world, none, "written"), "cancelled 3303.health\n");
    /* Where the response follows the grade, a warning starts nothing. */
    index = file(world, filing());
    warned(world, INCIDENT, 2, world->all[index].record.sequence);
    assert_string_equal(said(world, index, "written-grave"), "");
}

/* Wherever a snapshot has this name, it is made one that no topic can have. */
static void forge_name(const struct world *world, struct ld_buffer *state, const char *name)
{
    size_t size = strlen(name), found = 0;
    for (size_t i = 0; i + size <= state->size; i++) {
        if (memcmp(state->data + i, name, size) != 0)
            continue;
        state->data[i + size - 1] ^= 0x80;
        forge_try(world, &reporting_class, state);
        state->data[i + size - 1] ^= 0x80;
        found++;
    }
    assert_true(found > 0);
}

static void forged_names(void **state)
{
    struct world *world = *state;
    struct ld_buffer saved = {0};
    size_t index = file(world, by_unit("330303.hospital"));
    graded(world, INCIDENT, 3, world->all[index].record.sequence);
    responded(world, INCIDENT, 2);
    responded(world, INCIDENT, 0);
    sv_host_save(sv_sim_host(world->sim), &saved);
    forge_name(world, &saved, INCIDENT);
    ld_buffer_free(&saved);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_owes_it),          TEST(starts_when_it_ended), TEST(not_of_other_levels),
        TEST(outlives_the_closing),  TEST(final_before_the_end), TEST(response_comes_again),
        TEST(clocks_of_the_warning), TEST(forged_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
