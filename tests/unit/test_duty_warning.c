/* duty: orders that come with a warning that is issued, and stay with the response after it. */
#include "duty_world.h"

#include "liandong/v1/grade.pb-c.h"

#define WARNING(name) LIANDONG__V1__WARNING__STATE__##name

/* Its first duty begins with the warning, from III; the second stays one of responses. */
static int setup_warning(void **state)
{
    static const struct world_edit edits[] = {
        {"{id: a1.43.1, from: IV,", "{id: a1.43.1, from: III, during: warning,"}};
    int code = setup(state);
    world_adopt(&world, LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", edits, 1);
    return code;
}

static size_t warn(const char *incident, const char *area, int state, int colour)
{
    Liandong__V1__Context context = context_of(incident, "command");
    Liandong__V1__Warning message = LIANDONG__V1__WARNING__INIT;
    char topic[256];
    message.context = &context;
    message.area = sv_borrow(area);
    message.hazard = sv_borrow("cholera");
    message.state = (Liandong__V1__Warning__State)state;
    message.level = message.in_force = (Liandong__V1__Level)colour;
    snprintf(topic, sizeof topic, "warning/%s/%s", area, incident);
    return world_publish(&world, "command", topic, &message.base, 0);
}

/* Issued at the colour that the duty asks for, no sooner; kept under its number while the response
 * takes over; withdrawn when neither is left. */
static void stays_with_the_response(void **state)
{
    (void)state;
    const char *incident = new_incident();
    EXPECT(warn(incident, "3303", WARNING(ISSUED), PLAN_IV), LEAGUE, NULL);
    EXPECT(warn(incident, "3303", WARNING(ADJUSTED), PLAN_II), LEAGUE,
           LEAGUE " a1.43.1: ISSUED < none, level II, seen +30 done -; supervision");
    EXPECT(warn(incident, "3303", WARNING(SIGNED), PLAN_NONE), LEAGUE, NULL); /* changes nothing */
    EXPECT(respond(incident, PLAN_NONE, PLAN_III), LEAGUE,
           LEAGUE " a1.43.2: ISSUED < none, level III, seen +60 done -; supervision");
    EXPECT(warn(incident, "3303", WARNING(LIFTED), PLAN_NONE), LEAGUE, NULL);
    EXPECT(respond(incident, PLAN_III, PLAN_IV), LEAGUE,
           LEAGUE " a1.43.1: WITHDRAWN < ISSUED, level IV, seen +30 done -, "
                  "响应调整为IV级，本职责不再适用 / the response is now at level IV, at which this "
                  "duty does not apply; 3303.health");
    EXPECT(warn(incident, "3303", WARNING(ISSUED), PLAN_III), LEAGUE,
           LEAGUE " a1.43.1: ISSUED < WITHDRAWN, level III, seen +60 done -; supervision");
    EXPECT(warn(incident, "3303", WARNING(ADJUSTED), PLAN_IV), LEAGUE,
           LEAGUE
           " a1.43.1: WITHDRAWN < ISSUED, level IV, seen +60 done -, "
           "预警调整为蓝色，本职责不再适用 / the warning is now blue, at which this duty does "
           "not apply; 3303.health");
}

/* The response ends while the warning stands: only what is the response's goes. */
static void outlives_the_response(void **state)
{
    (void)state;
    const char *incident = new_incident();
    warn(incident, "3303", WARNING(ISSUED), PLAN_III);
    respond(incident, PLAN_NONE, PLAN_III);
    EXPECT(respond(incident, PLAN_III, PLAN_NONE), LEAGUE,
           LEAGUE " a1.43.2: WITHDRAWN < ISSUED, level none, seen +60 done -, "
                  "响应已终止 / the response has ended; 3303.health");
    EXPECT(warn(incident, "3303", WARNING(LAPSED), PLAN_NONE), LEAGUE,
           LEAGUE " a1.43.1: WITHDRAWN < ISSUED, level none, seen +60 done -, "
                  "预警已解除 / the warning is in force no more; 3303.health");
}

/* Another county's warning is none of the city's units'; one that ends after its incident was
 * closed brings nothing back. */
static void whose_warning(void **state)
{
    (void)state;
    const char *incident = new_incident();
    EXPECT(warn(incident, "330302", WARNING(ISSUED), PLAN_I), LEAGUE, NULL);
    warn(incident, "3303", WARNING(ISSUED), PLAN_III);
    size_t index = report(incident, LIANDONG__V1__INCIDENT__ACTION__CLOSED, NULL, false);
    EXPECT(index, LEAGUE,
           LEAGUE " a1.43.1: WITHDRAWN < ISSUED, level III, seen +60 done -, "
                  "事件已结案 / the incident is closed; supervision");
    EXPECT(warn(incident, "3303", WARNING(LAPSED), PLAN_NONE), LEAGUE, NULL);
    EXPECT(respond(incident, PLAN_NONE, PLAN_NONE), LEAGUE, NULL);
}

static int teardown_saved(void **state)
{
    world_survives_snapshots(&world, &duty_class);
    return teardown(state);
}

int main(void)
{
#define SAVED(name) cmocka_unit_test_setup_teardown(name, setup_warning, teardown_saved)
    const struct CMUnitTest tests[] = {
        SAVED(stays_with_the_response),
        SAVED(outlives_the_response),
        SAVED(whose_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
