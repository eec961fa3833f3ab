/* reporting: bulletins are checked and answered once; what is wrong with one is said. */
#include "bulletin_rig.h"
#include "forge.h"

#define INCIDENT "3303-cholera-20260101-1"

static int setup(void **state)
{
    static struct world world;
    world_open(&world, &reporting_class);
    file(&world, filing());
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    world_survives_snapshots(*state, &reporting_class);
    world_close(*state);
    return 0;
}

/* The receipt as one text: "code section: English reason". */
static const char *answer(struct world *world, struct issue issue)
{
    static char text[512];
    size_t index = bulletin(world, issue);
    const Liandong__V1__Receipt *receipt = receipt_after(world, index);
    assert_int_equal(receipt->accepted, strcmp(receipt->code, "accepted") == 0);
    assert_int_equal(receipt->context->causation, world->all[index].record.sequence);
    assert_true(strlen(receipt->reason->zh) > 6);
    snprintf(text, sizeof text, "%s%s%s: %s", receipt->code, *receipt->section ? " " : "",
             receipt->section, receipt->reason->en);
    return text;
}

static struct issue press(void)
{
    return (struct issue){.unit = "3303.publicity",
                          .area = "3303",
                          .incident = INCIDENT,
                          .zh = "举行新闻发布会",
                          .kind = LIANDONG__V1__BULLETIN__KIND__PRESS};
}

static void taken(void **state)
{
    struct world *world = *state;
    size_t index = bulletin(world, press());
    const Liandong__V1__Receipt *receipt = receipt_after(world, index);
    assert_true(receipt->accepted);
    assert_string_equal(receipt->subject, "bulletin/3303/" INCIDENT "/3303.publicity");
    assert_string_equal(receipt->context->incident, INCIDENT);
    assert_string_equal(receipt->context->plan, "wenzhou-phe");
    struct issue other = press();
    other.unit = "330302.gov";
    other.area = "330302";
    assert_string_equal(answer(world, other), "accepted: taken");
    other = press();
    other.zh = NULL;
    other.link = "https://example.org/a.pdf";
    other.area = "330302"; /* the city's unit may speak of a county */
    assert_string_equal(answer(world, other), "accepted: taken");
}

static void envelope(void **state)
{
    struct world *world = *state;
    struct issue issue = press();
    issue.author = "3303.health";
    assert_string_equal(answer(world, issue),
                        "wrong-author: author is '3303.health', but the topic "
                        "names 3303.publicity: they must be the same");
    issue = press();
    issue.named = "3303-plague-20260101-1";
    assert_string_equal(answer(world, issue),
                        "topic-mismatch: it is about incident '3303-plague-20260101-1', its topic "
                        "about " INCIDENT ": they must be the same");
    issue = press();
    issue.topic = "bulletin/3303/3303.publicity";
    assert_string_equal(answer(world, issue),
                        "bad-topic: topic is bulletin/3303/3303.publicity, expected "
                        "bulletin/<area>/<incident>/<unit>");
}

static void content(void **state)
{
    struct world *world = *state;
    struct issue issue = press();
    issue.kind = 0;
    assert_string_equal(answer(world, issue),
                        "bad-kind: kind 0 is unknown: assessment, map, press, summary, "
                        "evaluation, meeting, notice or daily");
    issue = press();
    issue.zh = NULL;
    assert_string_equal(answer(world, issue),
                        "empty: neither text nor link: give at least one of them");
    issue.link = "ftp://example.org";
    assert_string_equal(answer(world, issue), "bad-link: link 'ftp://example.org' must begin with "
                                              "https:// or http://");
    issue = press();
    issue.from_us = 2;
    issue.to_us = 1;
    assert_string_equal(answer(world, issue),
                        "bad-period: the period is no valid one: it must not end before it begins");
    static char longest[16386];
    memset(longest, 'x', 16385);
    issue = press();
    issue.zh = longest;
    assert_string_equal(answer(world, issue),
                        "too-long: field text.zh has 16385 bytes, at most 16384");
    longest[16384] = 0;
    assert_string_equal(answer(world, issue), "accepted: taken");
}

static void who_and_where(void **state)
{
    struct world *world = *state;
    struct issue issue = press();
    issue.incident = "3303-cholera-20260101-9";
    assert_string_equal(answer(world, issue), "unknown-incident: there is no incident "
                                              "'3303-cholera-20260101-9': check its name");
    issue = press();
    issue.unit = "3303.nobody";
    assert_string_equal(answer(world, issue),
                        "unknown-unit: unit 3303.nobody is not in the vocabulary");
    issue = press();
    issue.area = "3304";
    assert_string_equal(answer(world, issue),
                        "unknown-area: area 3304 is neither 3303 nor one of its counties");
    issue = press();
    issue.unit = "330302.gov";
    assert_string_equal(answer(world, issue),
                        "other-area: 330302.gov does not speak for area 3303: "
                        "only for its own or a part of it");
    issue = press();
    issue.unit = "3303.health";
    assert_string_equal(answer(world, issue),
                        "not-responsible 6.3.1(8): by the plan, Wenzhou Party Publicity Department "
                        "(Information Office) (3303.publicity) does this for the city");
    issue.kind = LIANDONG__V1__BULLETIN__KIND__MAP; /* which this plan leaves to nobody */
    assert_string_equal(answer(world, issue), "accepted: taken");
}

static void after_the_end(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.kind = LIANDONG__V1__REPORT__KIND__FINAL;
    f.measure = NULL;
    f.incident = INCIDENT;
    file(world, f);
    assert_string_equal(answer(world, press()),
                        "incident-closed: incident " INCIDENT
                        " is closed: only a summary or evaluation is taken");
    struct issue issue = press();
    issue.kind = LIANDONG__V1__BULLETIN__KIND__EVALUATION;
    issue.unit = "3303.gov";
    assert_string_equal(answer(world, issue), "accepted: taken");
    issue.entry = "evaluation";
    assert_string_equal(answer(world, issue), "accepted: taken");
    issue.entry = "no-such";
    assert_string_equal(answer(world, issue), "unknown-entry: the plan has no entry 'no-such' for "
                                              "after the end: check its name");
    issue.entry = "evaluation";
    issue.unit = "3303.health";
    assert_string_equal(answer(world, issue),
                        "not-responsible 7.1: entry evaluation is not owed by 3303.health");
}

static void entry_of_another_kind(void **state)
{
    struct issue issue = press();
    issue.entry = "evaluation";
    assert_string_equal(answer(*state, issue),
                        "no-entry: only a summary or evaluation names an entry");
}

static void malformed(void **state)
{
    struct world *world = *state;
    const uint8_t bytes[] = {0x0a, 0x05, 0x01};
    uint64_t sequence = 0;
    struct ld_error error;
    size_t index = world->count;
    assert_int_equal(sv_sim_publish(world->sim, "3303.publicity",
                                    "bulletin/3303/" INCIDENT "/3303.publicity", bytes,
                                    sizeof bytes, 0, &sequence, &error),
                     LD_OK);
    assert_string_equal(receipt_after(world, index)->code, "malformed");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(taken),         TEST(envelope),      TEST(content),
        TEST(who_and_where), TEST(after_the_end), TEST(entry_of_another_kind),
        TEST(malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
