/*
 * Series and tallies of grading with thousands of marks, over many chunks, against counting anew:
 * late marks, marks at one time, marks taken back, in areas and places.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "grading/tally.h"

enum { MARKS = 3000, AREA_COUNT = 6, PLACE_COUNT = 40, WINDOW = 500 };

static unsigned chance(unsigned *random, unsigned of)
{
    *random = *random * 1664525u + 1013904223u;
    return (*random >> 10) % of;
}

/* ---- series ---- */

struct plain {
    struct mark mark;
    double figure;
    bool there;
};

static double plain_most(const struct plain *all, size_t count, int64_t from_us, int64_t to_us)
{
    double most = -1;
    for (size_t i = 0; i < count; i++) {
        int64_t time_us = all[i].mark.time_us;
        if (all[i].there && time_us >= from_us && time_us < to_us && all[i].figure > most)
            most = all[i].figure;
    }
    return most;
}

static void assert_like_plain(const struct series *series, const struct plain *all, size_t count,
                              unsigned *random)
{
    int64_t from_us = chance(random, 2000), to_us = from_us + chance(random, 1500), at_us = -1;
    double most = -1;
    series_most(series, from_us, to_us, 0, &most, &at_us);
    assert_true(most == plain_most(all, count, from_us, to_us));
    assert_true(most < 0 || (at_us >= from_us && at_us < to_us));
}

static void assert_in_order(const struct series *series, size_t expected)
{
    const struct mark *before = NULL, *mark;
    size_t count = 0;
    for (struct cursor at = {0}; (mark = series_at(series, at)) != NULL; series_next(series, &at)) {
        assert_true(!before || before->time_us < mark->time_us ||
                    (before->time_us == mark->time_us && before->report < mark->report));
        before = mark;
        count++;
    }
    assert_int_equal(count, expected);
    assert_int_equal(series->count, expected);
    struct cursor end = {.chunk = series->chunk_count};
    while (series_back(series, &end) != NULL)
        count--;
    assert_int_equal(count, 0);
}

static void series_like_plain(void **state)
{
    static struct plain all[MARKS];
    struct series series = {.figure_count = 1};
    unsigned random = 7;
    size_t there = 0;
    (void)state;
    for (size_t i = 0; i < MARKS; i++) {
        int64_t time_us = chance(&random, 2000);
        double figure = chance(&random, 1000);
        all[i] = (struct plain){{.time_us = time_us, .report = i}, figure, true};
        series_insert(&series, &all[i].mark, &figure);
        there++;
        size_t other = chance(&random, (unsigned)i + 1);
        struct mark taken;
        if (chance(&random, 3) == 0) {
            assert_int_equal(series_remove(&series, all[other].mark.time_us, other, &taken),
                             all[other].there);
            there -= all[other].there;
            all[other].there = false;
        }
        int64_t from_us = chance(&random, 2000), to_us = from_us + chance(&random, 800);
        double by = (double)chance(&random, 9) - 4;
        series_raise(&series, from_us, to_us, 0, by);
        for (size_t k = 0; k <= i; k++) {
            if (all[k].mark.time_us >= from_us && all[k].mark.time_us < to_us)
                all[k].figure += by;
        }
        if (i % 10 == 0)
            assert_like_plain(&series, all, i + 1, &random);
        if (i % 500 == 0)
            assert_in_order(&series, there);
    }
    assert_in_order(&series, there);
    series_free(&series);
}

/* ---- tallies ---- */

struct counts {
    double total, area, areas, places;
};

static struct counts counted(const struct plain *all, size_t count, int64_t to_us, uint32_t area)
{
    double by_area[AREA_COUNT] = {0}, by_place[PLACE_COUNT] = {0};
    struct counts counts = {0};
    for (size_t i = 0; i < count; i++) {
        const struct mark *mark = &all[i].mark;
        if (!all[i].there || mark->time_us > to_us || mark->time_us <= to_us - WINDOW)
            continue;
        counts.total += mark->value;
        by_area[mark->area] += mark->value;
        by_place[mark->place] += mark->value;
    }
    for (size_t i = 1; i < AREA_COUNT; i++) /* area 0 is the city, no county */
        counts.areas += by_area[i] >= 1;
    for (size_t i = 0; i < PLACE_COUNT; i++)
        counts.places += by_place[i] >= 1;
    counts.area = by_area[area];
    return counts;
}

static double greater(double a, double b)
{
    return a > b ? a : b;
}

static void assert_looks_back(struct tally *tally, const struct ground *ground,
                              const struct plain *all, size_t count, const struct mark *mark)
{
    struct counts most = counted(all, count, mark->time_us, mark->area);
    for (size_t i = 0; i < count; i++) {
        int64_t to_us = all[i].mark.time_us;
        if (to_us < mark->time_us || to_us >= mark->time_us + WINDOW)
            continue;
        struct counts counts = counted(all, count, to_us, mark->area);
        most.total = greater(most.total, counts.total);
        most.area = greater(most.area, counts.area);
        most.areas = greater(most.areas, counts.areas);
        most.places = greater(most.places, counts.places);
    }
    tally_look_back(tally, ground, mark->time_us, mark->area);
    assert_true(tally->late.total.value == most.total);
    assert_true(tally->late.area.value == most.area);
    assert_true(tally->late.areas.value == most.areas);
    assert_true(tally->late.places.value == most.places);
}

static struct mark random_mark(unsigned *random, size_t number, int64_t as_of_us)
{
    int64_t time_us = as_of_us + chance(random, 3);
    if (chance(random, 3) == 0)
        time_us = as_of_us - chance(random, 2 * WINDOW);
    return (struct mark){.time_us = time_us < 0 ? 0 : time_us,
                         .report = number,
                         .value = 1 + chance(random, 5),
                         .area = chance(random, 4) ? 1 : chance(random, AREA_COUNT),
                         .place = chance(random, PLACE_COUNT)};
}

static void take_one_back(struct tally *tally, const struct ground *ground, struct plain *taken,
                          int64_t as_of_us)
{
    tally_take_back(tally, ground, taken->mark.time_us, taken->mark.report, as_of_us);
    taken->there = false;
}

static void tally_like_plain(void **state)
{
    static const bool is_county[AREA_COUNT] = {false, true, true, true, true, true};
    static struct plain all[MARKS];
    const struct ground ground = {is_county, AREA_COUNT, PLACE_COUNT};
    struct tally tally;
    unsigned random = 99;
    int64_t as_of_us = 0;
    (void)state;
    tally_open(&tally, WINDOW, true);
    for (size_t i = 0; i < MARKS; i++) {
        struct mark mark = random_mark(&random, i, as_of_us);
        if (mark.time_us > as_of_us) {
            tally_advance(&tally, &ground, as_of_us, mark.time_us);
            as_of_us = mark.time_us;
        }
        if (i > 0 && chance(&random, 5) == 0)
            take_one_back(&tally, &ground, &all[chance(&random, (unsigned)i)], as_of_us);
        all[i] = (struct plain){mark, 0, true};
        tally_add(&tally, &ground, &mark, as_of_us);
        struct counts now = counted(all, i + 1, as_of_us, 1);
        assert_true(tally.total == now.total && tally.by_area[1] == now.area);
        assert_true((double)tally.areas == now.areas && (double)tally.places == now.places);
        if (i % 20 == 0)
            assert_looks_back(&tally, &ground, all, i + 1, &mark);
        if (i % 300 == 299) { /* reports without numbers move time on */
            tally_advance(&tally, &ground, as_of_us, as_of_us + WINDOW / 3);
            as_of_us += WINDOW / 3;
        }
    }
    tally_free(&tally);
}

static void extreme_times(void **state)
{
    static const bool is_county[] = {true};
    static const int64_t times_us[] = {INT64_MAX, 0, INT64_MAX - 1, INT64_MIN + 1, INT64_MIN, -1};
    const struct ground ground = {is_county, 1, 0};
    struct tally tally;
    (void)state;
    tally_open(&tally, WINDOW, false);
    for (uint64_t i = 0; i < 6; i++) {
        struct mark mark = {.time_us = times_us[i], .report = i, .value = 1};
        tally_add(&tally, &ground, &mark, INT64_MAX);
        tally_look_back(&tally, &ground, mark.time_us, 0);
        assert_true(tally.late.total.value >= 1);
    }
    assert_true(tally.total == 2);
    for (uint64_t i = 0; i < 6; i++)
        tally_take_back(&tally, &ground, times_us[i], i, INT64_MAX);
    assert_true(tally.total == 0 && tally.marks.count == 0);
    tally_free(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_like_plain),
        cmocka_unit_test(tally_like_plain),
        cmocka_unit_test(extreme_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
