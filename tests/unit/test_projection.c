/*
 * The read model's tables. Whatever batches, kills and restarts there were, they hold what the log
 * says and nothing else, and exercise and actual never meet.
 */
#include "projection_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../sim/inputs.h"
#include "liandong/v1/grade.pb-c.h"
#include "picture/picture.h"
#include "timefmt.h"

static uint64_t seed;

/* ---- a log of everything ---- */

static void learn(struct generator *generator, const struct world *world, size_t from)
{
    for (size_t i = from; i < world->count; i++) {
        const struct world_record *one = &world->all[i];
        if (one->message == NULL)
            continue;
        if (one->family == SV_INCIDENT)
            generator_saw_incident(
                generator,
                ((const Liandong__V1__Incident *)(const void *)one->message)->context->incident);
        if (one->family != SV_DUTY)
            continue;
        const Liandong__V1__DutyOrder *order = (const void *)one->message;
        generator_saw_order(generator, order->unit, order->order);
    }
}

/* Random acts, good and bad, every third also as an exercise. */
static void make_log(struct world *world, unsigned inputs)
{
    struct generator generator;
    struct input input;
    struct ld_error error = {0};
    generator_open(&generator, seed);
    world_open(world, NULL);
    for (unsigned i = 0; i < inputs; i++) {
        generator.now_us = sv_sim_now(world->sim);
        generator_next(&generator, &input);
        size_t from = world->count;
        for (unsigned copy = i % 3 == 0 ? 0 : 1; copy < 2; copy++)
            TRY(sv_sim_publish(world->sim, input.producer, input.topic, input.payload,
                               input.payload_size, copy == 0 ? LD_RECORD_EXERCISE : 0, NULL,
                               &error));
        learn(&generator, world, from);
        if (generator_below(&generator, 4) == 0)
            sv_sim_advance(world->sim, sv_sim_now(world->sim) +
                                           (int64_t)generator_below(&generator, 90) * LD_US_MINUTE);
    }
}

static void take_all(struct projection *projection, const struct world *world, bool exercises)
{
    struct ld_error error = {0};
    for (size_t i = 0; i < world->count; i++)
        if (exercises || (world->all[i].record.flags & LD_RECORD_EXERCISE) == 0)
            TRY(projection_take(projection, &world->all[i].record, &error));
    TRY(projection_commit(projection, &error));
}

/* What the log gives when nothing happens on the way; malloc'ed. */
static char *straight(const struct world *world, bool exercises, const char *where)
{
    struct projection *projection = NULL;
    struct ld_error error = {0};
    TRY(projection_open_memory(&projection, &error));
    take_all(projection, world, exercises);
    char *text = dump_model(projection_database(projection), where);
    projection_close(projection);
    return text;
}

static uint64_t below(uint64_t bound)
{
    static struct generator dice;
    if (dice.state == 0)
        generator_open(&dice, seed + 1);
    return generator_below(&dice, bound);
}

/* ---- kills and batches ---- */

/* In a process of its own: goes on from where the file is, commits now and then, and is killed
 * after so many events, mostly in the middle of a batch. */
static void go_on_and_die(const struct place *place, const struct world *world, size_t events)
{
    struct projection *projection = NULL;
    struct ld_error error = {0};
    if (projection_open(place->file, false, &projection, &error) != LD_OK ||
        projection_bind(projection, LOG, world->count, &error) != LD_OK)
        _exit(1);
    for (size_t i = projection_position(projection); i < world->count && events-- > 0; i++) {
        if (projection_take(projection, &world->all[i].record, &error) != LD_OK)
            _exit(2);
        if (below(50) == 0 && projection_commit(projection, &error) != LD_OK)
            _exit(3);
    }
    raise(SIGKILL);
}

static void kill_once(const struct place *place, const struct world *world)
{
    size_t events = 1 + (size_t)below(world->count / 8);
    (void)below(2); /* the child's dice go with it */
    pid_t child = fork();
    int status;
    assert_true(child >= 0);
    if (child == 0) {
        go_on_and_die(place, world, events);
        _exit(4);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void kills_and_batches_change_nothing(void **state)
{
    (void)state;
    struct world world;
    struct place place;
    struct projection *projection = NULL;
    struct ld_error error = {0};
    make_log(&world, 300);
    place_open(&place);
    char *expected = straight(&world, true, "");
    for (int kills = 0; kills < 12; kills++)
        kill_once(&place, &world);
    TRY(projection_open(place.file, false, &projection, &error));
    uint64_t position = projection_position(projection);
    assert_true(position > 0 && position < world.count);
    for (size_t i = position; i < world.count; i++)
        TRY(projection_take(projection, &world.all[i].record, &error));
    TRY(projection_commit(projection, &error));
    char *found = dump_model(projection_database(projection), "");
    assert_string_equal(found, expected);
    projection_close(projection);
    TRY(projection_open(place.file, true, &projection, &error));
    assert_int_equal(projection_position(projection), 0);
    take_all(projection, &world, true);
    free(found);
    found = dump_model(projection_database(projection), "");
    assert_string_equal(found, expected);
    projection_close(projection);
    free(found);
    free(expected);
    place_close(&place);
    world_close(&world);
}

static void exercises_change_nothing_that_is_actual(void **state)
{
    (void)state;
    struct world world;
    make_log(&world, 300);
    char *with = straight(&world, true, "WHERE exercise = 0");
    char *without = straight(&world, false, "WHERE exercise = 0");
    char *drilled = straight(&world, true, "WHERE exercise = 1");
    assert_string_equal(with, without);
    assert_non_null(strstr(drilled, "-- incident\n1|"));
    free(drilled);
    free(without);
    free(with);
    world_close(&world);
}

/* ---- beside another reader of the same log ---- */

static const char *order_state_name(int state)
{
    return protobuf_c_enum_descriptor_get_value(&liandong__v1__duty_order__state__descriptor, state)
        ->name;
}

static void same_order(sqlite3 *db, const struct picture_incident *incident,
                       const struct picture_order *order)
{
    char expected[512], found[512];
    snprintf(expected, sizeof expected, "%s|%d|%u|%lld|%lld|%lld|%d|%d\n",
             order_state_name((int)order->last->state), (int)order->last->level, order->issues,
             (long long)order->acknowledged_at_us, (long long)order->done_at_us,
             (long long)order->changed_at_us, order->overdue, order->escalated);
    ask(db, found, sizeof found,
        "SELECT state, level, issues, ifnull(acknowledged_at_us, 0), ifnull(done_at_us, 0),"
        " changed_at_us, ever_overdue, ever_escalated FROM duty_order"
        " WHERE exercise = %d AND unit = %Q AND order_id = %Q",
        incident->exercise, order->last->unit, order->last->order);
    assert_string_equal(found, expected);
}

static void same_clocks(sqlite3 *db, const struct picture_incident *incident)
{
    char expected[64], found[64];
    size_t missed = 0, late = 0, cancelled = 0;
    for (const struct picture_clock *at = incident->clocks; at != NULL; at = at->hh.next) {
        missed += at->last->state == LIANDONG__V1__CLOCK__STATE__MISSED;
        late += at->last->state == LIANDONG__V1__CLOCK__STATE__MET && at->last->late_us > 0;
        cancelled += at->last->state == LIANDONG__V1__CLOCK__STATE__CANCELLED;
    }
    snprintf(expected, sizeof expected, "%u|%zu|%zu|%zu\n", HASH_COUNT(incident->clocks), missed,
             late, cancelled);
    ask(db, found, sizeof found,
        "SELECT count(*), count(*) FILTER (WHERE state = 'MISSED'),"
        " count(*) FILTER (WHERE state = 'MET' AND late_us > 0),"
        " count(*) FILTER (WHERE state = 'CANCELLED') FROM clock"
        " WHERE exercise = %d AND incident = %Q",
        incident->exercise, incident->id);
    assert_string_equal(found, expected);
}

static void same_incident(sqlite3 *db, const struct picture_incident *at)
{
    char expected[512], found[512];
    snprintf(expected, sizeof expected, "%u|%lld|%d|%zu|%u\n", HASH_COUNT(at->reports),
             (long long)at->closed_at_us, at->grade != NULL ? (int)at->grade->level : -1,
             at->notice_count, HASH_COUNT(at->responses));
    ask(db, found, sizeof found,
        "SELECT i.reports, ifnull(i.closed_at_us, 0), ifnull((SELECT level FROM grade g WHERE"
        " g.exercise = i.exercise AND g.incident = i.incident), -1),"
        " (SELECT count(*) FROM notice n WHERE n.exercise = i.exercise AND n.incident = "
        "i.incident),"
        " (SELECT count(*) FROM response r WHERE r.exercise = i.exercise AND r.incident = "
        "i.incident)"
        " FROM incident i WHERE i.exercise = %d AND i.incident = %Q",
        at->exercise, at->id);
    assert_string_equal(found, expected);
}

static void same_counts(sqlite3 *db, const struct picture *picture, size_t orders)
{
    char expected[128], found[128];
    snprintf(expected, sizeof expected, "%u|%zu|%u|%u\n", HASH_COUNT(picture->incidents), orders,
             HASH_COUNT(picture->balances), HASH_COUNT(picture->plans));
    ask(db, found, sizeof found,
        "SELECT (SELECT count(*) FROM incident), (SELECT count(*) FROM duty_order),"
        " (SELECT count(*) FROM supply_balance), (SELECT count(*) FROM plan)");
    assert_string_equal(found, expected);
}

/* How many orders were compared. */
static size_t compare_with_picture(const struct world *world)
{
    struct projection *projection = NULL;
    struct picture picture;
    struct picture_event event;
    struct ld_error error = {0};
    size_t orders = 0;
    picture_init(&picture);
    TRY(projection_open_memory(&projection, &error));
    take_all(projection, world, true);
    sqlite3 *db = projection_database(projection);
    for (size_t i = 0; i < world->count; i++)
        picture_apply(&picture, &world->all[i].record, &event);
    for (const struct picture_incident *at = picture.incidents; at != NULL; at = at->hh.next) {
        same_incident(db, at);
        same_clocks(db, at);
        for (const struct picture_order *order = at->orders; order != NULL;
             order = order->hh.next, orders++)
            same_order(db, at, order);
    }
    same_counts(db, &picture, orders);
    picture_free(&picture);
    projection_close(projection);
    return orders;
}

/* Until a run had enough responses. */
static void the_tables_say_what_the_picture_says(void **state)
{
    (void)state;
    struct world world;
    uint64_t given = seed;
    for (size_t orders = 0; orders < 100; seed++) {
        make_log(&world, 500);
        orders += compare_with_picture(&world);
        world_close(&world);
    }
    seed = given;
}

/* ---- one order, whole ---- */

static void expect_order(struct projection *projection, const char *expected)
{
    char found[1024];
    ask(projection_database(projection), found, sizeof found, "SELECT * FROM duty_order");
    assert_string_equal(found, expected);
}

static void an_order_is_followed_through_its_states(void **state)
{
    (void)state;
#define KEY   "|3303-cholera-20260101-1/a1.29.2|3303.health|3303-cholera-20260101-1||3|"
#define TEXTS "|||流调|trace|||1000000|NULL|NULL|NULL|"
    struct projection *projection = NULL;
    struct ld_error error = {0};
    TRY(projection_open_memory(&projection, &error));
    change_order(projection, 7, LIANDONG__V1__DUTY_ORDER__STATE__ISSUED, 0);
    expect_order(projection, "0" KEY "ISSUED|STATE_UNSPECIFIED" TEXTS
                             "NULL|NULL|7000000|||NULL||||0|0|1|1|||6||7|7\n");
    change_order(projection, 8, LIANDONG__V1__DUTY_ORDER__STATE__OVERDUE, 0);
    change_order(projection, 9, LIANDONG__V1__DUTY_ORDER__STATE__ACKNOWLEDGED, 0);
    change_order(projection, 10, LIANDONG__V1__DUTY_ORDER__STATE__DONE, 0);
    expect_order(projection, "0" KEY "DONE|STATE_UNSPECIFIED" TEXTS
                             "9000000|10000000|10000000|||NULL||||1|0|1|4|||9||7|10\n");
    change_order(projection, 11, LIANDONG__V1__DUTY_ORDER__STATE__ISSUED, 0);
    change_order(projection, 12, LIANDONG__V1__DUTY_ORDER__STATE__ESCALATED, LD_RECORD_EXERCISE);
    expect_order(projection, "0" KEY "ISSUED|STATE_UNSPECIFIED" TEXTS
                             "NULL|NULL|11000000|||NULL||||1|0|2|5|||10||7|11\n"
                             "1" KEY "ESCALATED|STATE_UNSPECIFIED" TEXTS
                             "NULL|NULL|12000000|||NULL||||0|1|0|1|||11||12|12\n");
    projection_close(projection);
}

static void change_warning(struct projection *projection, uint64_t sequence,
                           Liandong__V1__Warning__State to, Liandong__V1__Level level,
                           Liandong__V1__Level in_force)
{
    static char incident[] = "3304-haze-20260101-1", area[] = "3304", unit[] = "3304.gov",
                topic[] = "warning/3304/3304-haze-20260101-1";
    struct ld_error error = {0};
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Criterion criterion = LIANDONG__V1__CRITERION__INIT, *holding[] = {&criterion};
    Liandong__V1__Warning warning = LIANDONG__V1__WARNING__INIT;
    uint8_t payload[512];
    bool suggested = to == LIANDONG__V1__WARNING__STATE__SUGGESTED;
    context.incident = incident;
    criterion.id = area;
    criterion.level = level;
    warning.context = &context;
    warning.area = area;
    warning.state = to;
    warning.level = level;
    warning.in_force = in_force;
    warning.holding = holding;
    warning.n_holding = suggested ? 1 : 0;
    if (!suggested)
        warning.by = warning.issued_by = unit;
    struct ld_record record = {.sequence = sequence,
                               .time_us = (int64_t)sequence,
                               .topic = topic,
                               .topic_size = sizeof topic - 1,
                               .payload = payload};
    record.payload_size = (uint32_t)liandong__v1__warning__pack(&warning, payload);
    TRY(projection_take(projection, &record, &error));
}

static void a_suggestion_and_what_is_in_force_stand_side_by_side(void **state)
{
    (void)state;
    struct projection *projection = NULL;
    struct ld_error error = {0};
    char found[512];
    TRY(projection_open_memory(&projection, &error));
    change_warning(projection, 1, LIANDONG__V1__WARNING__STATE__SUGGESTED, 3, 0);
    change_warning(projection, 2, LIANDONG__V1__WARNING__STATE__ISSUED, 3, 3);
    change_warning(projection, 3, LIANDONG__V1__WARNING__STATE__SUGGESTED, 2, 0);
    change_warning(projection, 4, LIANDONG__V1__WARNING__STATE__FILED, 3, 3);
    sqlite3 *db = projection_database(projection);
    ask(db, found, sizeof found,
        "SELECT by_figures, state, level, in_force, acted, sequence FROM warning ORDER BY 1");
    assert_string_equal(found, "0|FILED|3|3|3304.gov|4\n1|SUGGESTED|2|0||3\n");
    ask(db, found, sizeof found,
        "SELECT subject, area, holds, place, criterion, level FROM criterion");
    assert_string_equal(found, "warning|3304|1|1|3304|2\n");
    projection_close(projection);
}

static void events_out_of_order_are_refused(void **state)
{
    (void)state;
    struct projection *projection = NULL;
    struct ld_error error = {0};
    struct ld_record again = {.sequence = 7, .topic = "sys/tick", .topic_size = 8};
    TRY(projection_open_memory(&projection, &error));
    change_order(projection, 7, LIANDONG__V1__DUTY_ORDER__STATE__ISSUED, 0);
    assert_int_equal(projection_take(projection, &again, &error), LD_INVALID);
    projection_close(projection);
}

/* ---- what is documented ---- */

static char *read_page(void)
{
    FILE *file = fopen(LIANDONG_SOURCE "/docs/read-model.md", "r");
    assert_non_null(file);
    char *text = NULL;
    size_t size = 0;
    assert_true(getdelim(&text, &size, '\0', file) > 0);
    fclose(file);
    return text;
}

static void documented_questions_can_be_asked(void **state)
{
    (void)state;
    struct projection *projection = NULL;
    struct ld_error error = {0};
    char *page = read_page();
    int questions = 0;
    TRY(projection_open_memory(&projection, &error));
    for (char *at = page; (at = strstr(at, "```sql\n")) != NULL; questions++) {
        at += strlen("```sql\n");
        char *end = strstr(at, "```");
        sqlite3_stmt *statement = NULL;
        sqlite3 *db = projection_database(projection);
        if (sqlite3_prepare_v2(db, at, (int)(end - at), &statement, NULL) != SQLITE_OK)
            fail_msg("%s: %.*s", sqlite3_errmsg(db), (int)(end - at), at);
        sqlite3_finalize(statement);
        at = end + 3;
    }
    assert_int_equal(questions, 7);
    free(page);
    projection_close(projection);
}

/* Each table has its part of the page, and each of its columns stands there, or in the first part
 * that all share. */
static void every_column_is_documented(void **state)
{
    (void)state;
    struct projection *projection = NULL;
    struct ld_error error = {0};
    sqlite3_stmt *statement = NULL;
    char *page = read_page();
    char *shared_end = strstr(page, "**`read_model`**");
    TRY(projection_open_memory(&projection, &error));
    assert_int_equal(sqlite3_prepare_v2(projection_database(projection),
                                        "SELECT t.name, c.name FROM sqlite_master t,"
                                        " pragma_table_info(t.name) c WHERE t.type = 'table'",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(statement, 0);
        const char *column = (const char *)sqlite3_column_text(statement, 1);
        char heading[80], name[80];
        snprintf(heading, sizeof heading, "**`%s`**", table);
        snprintf(name, sizeof name, "%s", column);
        const char *part = strstr(page, heading);
        if (part == NULL)
            fail_msg("docs/read-model.md has no table %s", table);
        const char *end = strstr(part + 4, "\n**`");
        const char *found = strstr(part, name), *shared = strstr(page, name);
        bool here = found != NULL && (end == NULL || found < end);
        bool before = shared != NULL && shared < shared_end;
        bool language = strstr(name, "_zh") != NULL || strstr(name, "_en") != NULL;
        if (!here && !before && !language)
            fail_msg("docs/read-model.md does not explain %s.%s", table, column);
    }
    sqlite3_finalize(statement);
    free(page);
    projection_close(projection);
}

int main(void)
{
    const char *given = getenv("LIANDONG_SEED");
    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    world_add_all = sv_host_add_all;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills_and_batches_change_nothing),
        cmocka_unit_test(exercises_change_nothing_that_is_actual),
        cmocka_unit_test(the_tables_say_what_the_picture_says),
        cmocka_unit_test(an_order_is_followed_through_its_states),
        cmocka_unit_test(a_suggestion_and_what_is_in_force_stand_side_by_side),
        cmocka_unit_test(events_out_of_order_are_refused),
        cmocka_unit_test(documented_questions_can_be_asked),
        cmocka_unit_test(every_column_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
