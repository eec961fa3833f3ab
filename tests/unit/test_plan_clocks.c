/* Every time limit of every plan, in docs/clocks.md: its tables are what the plans hold, and each
 * clock, order and rhythm that its list of the texts' words names is there, and no clock is missing
 * from it. "test_plan_clocks --update" writes the tables anew: read the difference. */
#include "plan_sample.h"

#include <stdio.h>
#include <timefmt.h>

#define PAGE  LIANDONG_SOURCE_DIR "/docs/clocks.md"
#define BEGIN "<!-- from the plans: begin -->\n"
#define END   "<!-- from the plans: end -->\n"

static const char *const PLANS[] = {"wenzhou-phe",   "wenzhou-ari",  "jiaxing-phe", "jiaxing-ari",
                                    "jiaxing-water", "jiaxing-crop", "jiaxing-air"};
enum { PLANS_COUNT = sizeof PLANS / sizeof PLANS[0] };

static struct plan *plans[PLANS_COUNT];
static struct ld_buffer page, tables;

/* ---- one row ---- */

static void add_levels(struct ld_buffer *out, unsigned levels)
{
    const char *between = "";
    for (int level = PLAN_I; level <= PLAN_IV; level++) {
        if (!(levels & 1u << level)) {
            continue;
        }
        ld_buffer_format(out, "%s%s", between, plan_level_name(level));
        between = ", ";
    }
}

static void add_limit(struct ld_buffer *out, const struct plan_clock *clock)
{
    static const char *const FROM[] = {[PLAN_FROM_RECEIVED] = "of its receipt",
                                       [PLAN_FROM_OCCURRED] = "of the event",
                                       [PLAN_FROM_RESPONSE] = "of the response",
                                       [PLAN_FROM_END] = "of the end"};
    char span[LD_TIME_TEXT_SIZE];
    if (clock->starts == PLAN_DAILY) {
        ld_buffer_format(out, "daily, by %02d:%02d", clock->at_minute / 60, clock->at_minute % 60);
        return;
    }
    ld_duration_format(span, clock->within_us);
    if (clock->starts == PLAN_EVERY) {
        ld_buffer_format(out, "every %s", span);
    } else {
        ld_buffer_format(out, "within %s %s", span, FROM[clock->starts]);
    }
}

static void add_clock(struct ld_buffer *out, const struct plan_clock *clock)
{
    static const char *const MET_BY[] = {[PLAN_MET_TELEPHONE] = "a report, at least by telephone",
                                         [PLAN_MET_WRITTEN] = "a written report",
                                         [PLAN_MET_ANY] = "a report",
                                         [PLAN_MET_ZERO] =
                                             "a report, zero report or bulletin DAILY",
                                         [PLAN_MET_FINAL] = "a final report",
                                         [PLAN_MET_PRESS] = "a bulletin PRESS",
                                         [PLAN_MET_ASSESSMENT] = "a bulletin ASSESSMENT",
                                         [PLAN_MET_MAP] = "a bulletin MAP",
                                         [PLAN_MET_MEETING] = "a bulletin MEETING",
                                         [PLAN_MET_AFTERCARE] = "a bulletin SUMMARY or EVALUATION"};
    char warned[LD_TIME_TEXT_SIZE];
    ld_buffer_format(out, "| %s | `%s` | ", clock->section, clock->id);
    add_limit(out, clock);
    ld_buffer_text(out, " | ");
    add_levels(out, clock->levels);
    ld_duration_format(warned, clock->warn_before_us);
    ld_buffer_format(out, " | %s | `%s`", warned, clock->by[0]);
    if (clock->by_count > 1 && clock->each) {
        ld_buffer_format(out, " and %zu more, each for itself", clock->by_count - 1);
    } else if (clock->by_count > 1) {
        ld_buffer_format(out, " or %zu more, one for all", clock->by_count - 1);
    }
    ld_buffer_format(out, " | %s |\n", MET_BY[clock->met_by]);
}

static unsigned duty_levels(const struct plan *plan, const struct plan_duty *duty)
{
    unsigned levels = 0;
    for (int level = (int)duty->until; level <= (int)duty->from; level++) {
        levels |= 1u << level;
    }
    return levels & plan->levels;
}

static size_t holders(const struct plan *plan, size_t duty)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->member_count; i++) {
        for (size_t k = 0; k < plan->members[i].duty_count; k++) {
            count += plan->members[i].duties[k] == duty;
        }
    }
    return count;
}

static void add_duty(struct ld_buffer *out, const struct plan *plan, size_t index)
{
    const struct plan_duty *duty = &plan->duties[index];
    char span[LD_TIME_TEXT_SIZE];
    ld_buffer_format(out, "| %s | `%s` |", duty->section, duty->id);
    if (duty->deadline_us > 0) {
        ld_buffer_format(out, " done within %s", ld_duration_format(span, duty->deadline_us));
    }
    if (duty->repeat_us > 0) {
        ld_buffer_format(out, " anew every %s", ld_duration_format(span, duty->repeat_us));
    }
    ld_buffer_text(out, " | ");
    add_levels(out, duty_levels(plan, duty));
    ld_buffer_format(out, " | %zu |\n", holders(plan, index));
}

/* ---- one plan ---- */

static void add_orders(struct ld_buffer *out, const struct plan *plan)
{
    const struct plan_orders *orders = &plan->orders;
    char span[LD_TIME_TEXT_SIZE];
    ld_buffer_format(out, "\nOrders (%s): acknowledged within", orders->section);
    for (int level = PLAN_I; level <= PLAN_IV; level++) {
        if (plan->levels & 1u << level) {
            ld_buffer_format(out, " %s %s,", plan_level_name(level),
                             ld_duration_format(span, orders->acknowledge_within_us[level]));
        }
    }
    ld_buffer_format(out, " up to `%s` %s later.\n", orders->escalate_to,
                     ld_duration_format(span, orders->escalate_after_us));
    const char *head = "\n| section | order | time | levels | units |\n"
                       "| --- | --- | --- | --- | --- |\n";
    for (size_t i = 0; i < plan->duty_count; i++) {
        if (plan->duties[i].deadline_us > 0 || plan->duties[i].repeat_us > 0) {
            ld_buffer_text(out, head);
            head = "";
            add_duty(out, plan, i);
        }
    }
}

static void add_plan(struct ld_buffer *out, const struct plan *plan)
{
    ld_buffer_format(out,
                     "\n### %s\n| section | clock | limit | levels | warned before its end | owed "
                     "by | met by |\n| --- | --- | --- | --- | --- | --- | --- |\n",
                     plan->id);
    for (size_t i = 0; i < plan->clock_count; i++) {
        add_clock(out, &plan->clocks[i]);
    }
    add_orders(out, plan);
}

/* ---- the page ---- */

static void read_page(void)
{
    FILE *file = fopen(PAGE, "rb");
    assert_non_null(file);
    char part[4096];
    size_t size;
    while ((size = fread(part, 1, sizeof part, file)) > 0) {
        ld_buffer_append(&page, part, size);
    }
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLANS_COUNT; i++) {
        char path[256];
        snprintf(path, sizeof path, LIANDONG_SOURCE_DIR "/plans/%s.yaml", PLANS[i]);
        struct plan_bundle bundle = sample_read(path);
        assert_ok(plan_load(bundle.files, bundle.count, &plans[i], NULL, &test_error));
        plan_bundle_free(&bundle);
        add_plan(&tables, plans[i]);
    }
    read_page();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLANS_COUNT; i++) {
        plan_free(plans[i]);
    }
    ld_buffer_free(&page);
    ld_buffer_free(&tables);
    return 0;
}

static void test_tables(void **state)
{
    (void)state;
    const char *text = ld_buffer_string(&page), *begin = strstr(text, BEGIN);
    assert_non_null(begin);
    begin += strlen(BEGIN);
    const char *end = strstr(begin, END);
    assert_non_null(end);
    char *found = strndup(begin, (size_t)(end - begin));
    assert_string_equal(found, ld_buffer_string(&tables));
    free(found);
}

/* ---- the words of the texts ---- */

static bool knows(const struct plan *plan, const char *id)
{
    for (size_t i = 0; i < plan->clock_count; i++) {
        if (strcmp(plan->clocks[i].id, id) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < plan->duty_count; i++) {
        if (strcmp(plan->duties[i].id, id) == 0) {
            return plan->duties[i].deadline_us > 0 || plan->duties[i].repeat_us > 0;
        }
    }
    return false;
}

/* A row of the list: | plan | section | what the text says | `id` `id` … |; calls for each id. */
static void each_word(void (*take)(const struct plan *plan, const char *id, void *with), void *with)
{
    char *text = strdup(ld_buffer_string(&page)), *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        for (size_t i = 0; i < PLANS_COUNT; i++) {
            size_t size = strlen(PLANS[i]);
            if (strncmp(line, "| ", 2) != 0 || strncmp(line + 2, PLANS[i], size) != 0 ||
                line[2 + size] != ' ') {
                continue;
            }
            char *inner = NULL, *word = strtok_r(line, "`", &inner);
            while (word && (word = strtok_r(NULL, "`", &inner))) {
                take(plans[i], word, with);
                word = strtok_r(NULL, "`", &inner);
            }
        }
    }
    free(text);
}

static void must_know(const struct plan *plan, const char *id, void *with)
{
    ++*(size_t *)with;
    if (!knows(plan, id)) {
        fail_msg("docs/clocks.md: %s has no clock, deadline or repetition \"%s\"", plan->id, id);
    }
}

static void test_words_are_there(void **state)
{
    (void)state;
    size_t count = 0;
    each_word(must_know, &count);
    assert_true(count >= 40);
}

struct search {
    const struct plan *plan;
    const char *id;
    bool found;
};

static void seek(const struct plan *plan, const char *id, void *with)
{
    struct search *search = with;
    search->found |= plan == search->plan && strcmp(id, search->id) == 0;
}

static void must_have_words(const struct plan *plan, const char *id)
{
    struct search search = {plan, id, false};
    each_word(seek, &search);
    if (!search.found) {
        fail_msg("docs/clocks.md does not say which words are %s's \"%s\"", plan->id, id);
    }
}

static void test_none_without_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLANS_COUNT; i++) {
        for (size_t k = 0; k < plans[i]->clock_count; k++) {
            must_have_words(plans[i], plans[i]->clocks[k].id);
        }
        for (size_t k = 0; k < plans[i]->duty_count; k++) {
            if (knows(plans[i], plans[i]->duties[k].id)) {
                must_have_words(plans[i], plans[i]->duties[k].id);
            }
        }
    }
}

/* ---- writing them anew ---- */

static int update(void)
{
    void *nothing = NULL;
    set_up(&nothing);
    const char *text = ld_buffer_string(&page);
    const char *begin = strstr(text, BEGIN), *end = strstr(text, END);
    FILE *file = begin && end ? fopen(PAGE, "wb") : NULL;
    if (!file) {
        return 1;
    }
    fprintf(file, "%.*s%s%s%s", (int)(begin - text), text, BEGIN, ld_buffer_string(&tables), end);
    int code = fclose(file);
    tear_down(&nothing);
    return code;
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_words_are_there),
        cmocka_unit_test(test_none_without_words),
    };
    if (count > 1 && strcmp(arguments[1], "--update") == 0) {
        return update();
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
