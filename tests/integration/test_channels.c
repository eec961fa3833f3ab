/*
 * Channels against real servers: a web server and an SMTP server that refuse, keep waiting, break
 * off, and come back. No notice is lost; none is taken twice by who can tell; each attempt is on
 * record, also when the channel is killed in the middle. And the way in: foreign messages.
 */
#include "harness.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SCENARIO LIANDONG_SOURCE "/tests/integration/channels.yaml"
#define HEAD     "liandong.exercise."

struct world {
    struct harness harness;
    char key[128], files[128], feed[160], hook[300], mail[300];
};

static void contact(struct world *world, const char *audience, const char *to, const char *other)
{
    assert_int_equal(harness_run(&world->harness, NULL, "liandong", "notice", "contact", audience,
                                 "--to", to, other != NULL ? "--to" : "--exercise",
                                 other != NULL ? other : "--exercise", "--as", "3303.gov", "-e",
                                 world->harness.endpoint, NULL),
                     0);
}

static void reach(struct world *world, const char *audience, const char *path)
{
    char to[400];
    snprintf(to, sizeof to, "desk,webhook,http://127.0.0.1:%s/%s", world->hook, path);
    contact(world, audience, to, NULL);
}

static void open_world(struct world *world)
{
    struct harness *harness = &world->harness;
    harness_open(harness);
    snprintf(world->key, sizeof world->key, "%s/key", harness->folder);
    snprintf(world->files, sizeof world->files, "%s/out", harness->folder);
    FILE *file = fopen(world->key, "w");
    assert_non_null(file);
    fputs("0123456789abcdef0123456789abcdef\n", file);
    fclose(file);
    assert_int_equal(mkdir(world->files, 0777), 0);
    harness_start_drill(harness, "60");
    harness_start_services(harness);
    struct harness_process *hook =
        harness_start(harness, "hook", LIANDONG_SOURCE "/tests/integration/hook_server", world->key,
                      harness->folder, NULL);
    snprintf(world->hook, sizeof world->hook, "%s", hook->ready);
    struct harness_process *mail = harness_start(
        harness, "mail", LIANDONG_SOURCE "/tests/integration/mail_server", harness->folder, NULL);
    snprintf(world->mail, sizeof world->mail, "smtp://127.0.0.1:%s", mail->ready);
}

static void start_channels(struct world *world)
{
    struct harness *harness = &world->harness;
    harness_start(harness, "webhook", "liandong-channel", "webhook", "--key", world->key, "--pause",
                  "0.05", "--limit", "0.5", "--attempts", "4", "--endpoint", harness->endpoint,
                  NULL);
    harness_start(harness, "channel-mail", "liandong-channel", "mail", "--smtp", world->mail,
                  "--from", "liandong@example.org", "--pause", "0.05", "--limit", "0.5",
                  "--attempts", "4", "--endpoint", harness->endpoint, NULL);
    harness_start(harness, "files", "liandong-channel", "files", "--root", world->files,
                  "--endpoint", harness->endpoint, NULL);
}

static void play(struct world *world)
{
    int status = harness_run(&world->harness, NULL, "liandong", "play", SCENARIO, "--endpoint",
                             world->harness.endpoint, NULL);
    if (status != 0)
        harness_show_messages(&world->harness);
    assert_int_equal(status, 0);
}

/* ---- what is on record ---- */

/* How often an act was said, of deliveries to the audience (all of them: ""). */
static int said(struct world *world, const char *what, const char *audience)
{
    char *text = NULL, member[64], part[128];
    int count = 0;
    snprintf(member, sizeof member, "\"act\":\"%s\"", what);
    snprintf(part, sizeof part, ".%s%s", audience, *audience != '\0' ? ".r" : "");
    assert_int_equal(harness_run(&world->harness, &text, "liandong", "notice", "sent", "--json",
                                 "-e", world->harness.endpoint, NULL),
                     0);
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;)
        count += strstr(line, member) != NULL && strstr(line, part) != NULL;
    free(text);
    return count;
}

static void wait_until(struct world *world, const char *what, const char *audience, int count)
{
    time_t deadline = time(NULL) + 60;
    while (said(world, what, audience) < count) {
        harness_expect_running(&world->harness);
        if (time(NULL) > deadline) {
            harness_show_messages(&world->harness);
            fail_msg("%s of %s: expected %d, found %d", what, audience, count,
                     said(world, what, audience));
        }
    }
}

/* Lines of a file that the servers wrote, with this in them. */
static int lines(struct world *world, const char *name, const char *part)
{
    char path[256], line[1024];
    int count = 0;
    snprintf(path, sizeof path, "%s/%s", world->harness.folder, name);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        count += strstr(line, part) != NULL;
    if (file != NULL)
        fclose(file);
    return count;
}

/* The feed when this stands in it; malloc'ed. */
static char *feed_with(struct world *world, const char *part)
{
    char path[256];
    time_t deadline = time(NULL) + 60;
    snprintf(path, sizeof path, "%s/feed.atom", world->feed);
    for (;;) {
        char *text = calloc(1, 1 << 16);
        FILE *file = fopen(path, "r");
        assert_non_null(text);
        if (file != NULL) {
            assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
            assert_non_null(strstr(text, "</feed>\n")); /* whole, whenever it is read */
            fclose(file);
        }
        if (strstr(text, part) != NULL)
            return text;
        free(text);
        harness_expect_running(&world->harness);
        assert_true(time(NULL) <= deadline);
    }
}

static struct harness_process *start_feed(struct world *world, const char *name, const char *sort)
{
    return harness_start(&world->harness, name, "liandong-channel", "atom", "--root", world->feed,
                         "--url", "http://127.0.0.1/", "--pause", "0.05", "--endpoint",
                         world->harness.endpoint, sort, NULL);
}

/* What cannot be written is said, and tried again until it can. */
static struct harness_process *start_feed_without_place(struct world *world)
{
    char above[128];
    time_t deadline = time(NULL) + 60;
    snprintf(above, sizeof above, "%s/web", world->harness.folder);
    snprintf(world->feed, sizeof world->feed, "%s/feed", above);
    struct harness_process *feed = start_feed(world, "feed", "--exercise");
    for (bool said = false; !said;) {
        char *messages = harness_messages(&world->harness);
        said = strstr(messages, "channel-atom-exercise: cannot make directory") != NULL;
        free(messages);
        assert_true(time(NULL) <= deadline);
    }
    assert_int_equal(mkdir(above, 0777), 0);
    free(feed_with(world, "</feed>"));
    return feed;
}

/* Killed and begun again in an empty folder, it has the same bytes; a feed of actual alerts has no
 * exercise. */
static void expect_feed_again(struct world *world, struct harness_process *process)
{
    char *before = feed_with(world, "<entry>"), name[256], *at;
    assert_non_null(strstr(before, "term=\"Exercise\""));
    assert_non_null(at = strstr(before, HEAD));
    snprintf(name, sizeof name, "%s/%.*s.xml", world->feed, (int)strcspn(at, "<"), at);
    harness_signal(process, SIGKILL);
    assert_int_equal(harness_run(&world->harness, NULL, "liandong", "cap", "check", name, NULL), 0);
    assert_int_equal(harness_run(&world->harness, NULL, "/bin/rm", "-r", world->feed, NULL), 0);
    harness_restart(&world->harness, process);
    char *again = feed_with(world, "<entry>");
    assert_string_equal(again, before);
    snprintf(world->feed, sizeof world->feed, "%s/actual", world->harness.folder);
    start_feed(world, "feed-actual", NULL);
    char *actual = feed_with(world, "</feed>");
    assert_null(strstr(actual, "<entry>"));
    free(before);
    free(again);
    free(actual);
}

#define EXPECT(count, what, audience) assert_int_equal(said(&world, what, audience), count)

static void each_mood_ends_as_it_should(void **state)
{
    (void)state;
    static struct world world;
    open_world(&world);
    reach(&world, "3303.health", "ok");
    reach(&world, "3303.education", "ack");
    reach(&world, "3303.transport", "busy");
    reach(&world, "3303.finance", "slow");
    reach(&world, "3303.commerce", "half");
    reach(&world, "3303.gov", "gone");
    contact(&world, "3303.publicity", "office,mail,ok@example.org", NULL);
    contact(&world, "3303.civil-affairs", "office,mail,later@example.org", NULL);
    contact(&world, "3303.public-security", "office,mail,slow@example.org", NULL);
    contact(&world, "3303.market-regulation", "office,mail,no@example.org",
            "closed,webhook,http://127.0.0.1:1/");
    contact(&world, "3303.public", "radio,files,radio", "wrong,files,../radio");
    start_channels(&world);
    struct harness_process *feed = start_feed_without_place(&world);
    play(&world);
    wait_until(&world, "DELIVERED", "", 6);
    wait_until(&world, "SENT", "", 3);
    wait_until(&world, "GIVEN_UP", "", 4);

    EXPECT(1, "DELIVERED", "3303.health");
    EXPECT(1, "ACKNOWLEDGED", "3303.education");
    EXPECT(2, "FAILED", "3303.transport");
    EXPECT(1, "FAILED", "3303.finance");
    EXPECT(1, "FAILED", "3303.commerce");
    EXPECT(0, "FAILED", "3303.gov"); /* 404 is final */
    EXPECT(1, "GIVEN_UP", "3303.gov");
    EXPECT(1, "FAILED", "3303.civil-affairs");
    EXPECT(1, "FAILED", "3303.public-security");
    EXPECT(2, "GIVEN_UP", "3303.market-regulation");
    EXPECT(3, "FAILED", "3303.market-regulation"); /* nobody listens: four attempts */
    EXPECT(1, "GIVEN_UP", "public");               /* an address that leads elsewhere */
    assert_int_equal(lines(&world, "requests", ""), 1 + 1 + 3 + 2 + 2 + 1);
    assert_int_equal(lines(&world, "requests", " forged"), 0);
    assert_int_equal(lines(&world, "taken", ""), 5);
    assert_int_equal(lines(&world, "mails", "【演练】"), 3);
    assert_int_equal(lines(&world, "mails", "multipart/mixed,text/plain,application/cap+xml"), 3);
    char *listed = NULL;
    assert_int_equal(
        harness_run(&world.harness, &listed, "/usr/bin/find", world.files, "-type", "f", NULL), 0);
    char *name = strstr(listed, "/radio/" HEAD);
    assert_non_null(name);
    listed[strcspn(listed, "\n")] = '\0';
    assert_int_equal(harness_run(&world.harness, NULL, "liandong", "cap", "check", listed, NULL),
                     0);
    free(listed);
    expect_feed_again(&world, feed);
    harness_close(&world.harness);
}

/* Killed while an attempt is under way: the next life tries again under the same key, and says what
 * became of it; what was done before is not done again. */
static void killed_in_the_middle(void **state)
{
    (void)state;
    static struct world world;
    open_world(&world);
    reach(&world, "3303.health", "ok");
    reach(&world, "3303.finance", "slow");
    struct harness_process *webhook = harness_start(
        &world.harness, "webhook", "liandong-channel", "webhook", "--key", world.key, "--pause",
        "0.05", "--limit", "60", "--endpoint", world.harness.endpoint, NULL);
    play(&world);
    wait_until(&world, "DELIVERED", "3303.health", 1);
    time_t deadline = time(NULL) + 60;
    while (lines(&world, "requests", "/slow") == 0)
        assert_true(time(NULL) <= deadline);
    harness_signal(webhook, SIGKILL);
    EXPECT(0, "DELIVERED", "3303.finance");
    harness_restart(&world.harness, webhook);
    wait_until(&world, "DELIVERED", "3303.finance", 1);
    assert_int_equal(lines(&world, "requests", "/ok"), 1);
    assert_int_equal(lines(&world, "requests", "/slow"), 2);
    assert_int_equal(lines(&world, "taken", "/slow"), 1);
    harness_close(&world.harness);
}

/* ---- taking in ---- */

/* What the answer to the last message says of it, and that it is good. */
static void answered(struct world *world, const char *type, const char *identifier)
{
    char path[128], reference[256], text[4096] = "", kind[64];
    snprintf(path, sizeof path, "%s/reply.xml", world->harness.folder);
    assert_int_equal(harness_run(&world->harness, NULL, "liandong", "cap", "check", path, NULL), 0);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    snprintf(kind, sizeof kind, "<msgType>%s</msgType>", type);
    snprintf(reference, sizeof reference,
             "<references>3304.weather,%s,2026-01-01T10:00:00+08:00</references>", identifier);
    assert_non_null(strstr(text, kind));
    assert_non_null(strstr(text, reference));
    assert_non_null(strstr(text, "<addresses>3304.weather</addresses>"));
    assert_int_equal(unlink(path), 0);
}

static int take_message(struct world *world, const char *type, const char *identifier,
                        const char *references, const char *expires)
{
    char path[128], reply[128];
    snprintf(reply, sizeof reply, "%s/reply.xml", world->harness.folder);
    snprintf(path, sizeof path, "%s/foreign.xml", world->harness.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>%s</identifier>"
            "<sender>3304.weather</sender><sent>2026-01-01T10:00:00+08:00</sent>"
            "<status>Actual</status><msgType>%s</msgType><scope>Public</scope>%s<info>"
            "<category>Env</category><event>重污染天气</event><urgency>Expected</urgency>"
            "<severity>Severe</severity><certainty>Likely</certainty>%s<headline>h</headline>"
            "<parameter><valueName>AQI</valueName><value>320</value></parameter><area>"
            "<areaDesc>嘉兴</areaDesc><geocode><valueName>GB/T 2260</valueName>"
            "<value>330400</value></geocode></area></info></alert>",
            identifier, type, references, expires);
    fclose(file);
    return harness_run(&world->harness, NULL, "liandong", "cap", "take", path, "--rules",
                       LIANDONG_SOURCE "/deploy/cap-intake.yaml", "--as", "3304.meteorology",
                       "--reply", reply, "-e", world->harness.endpoint, NULL);
}

#define REFER(identifier)                                                                          \
    "<references>3304.weather," identifier ",2026-01-01T09:00:00+08:00</references>"

static void a_foreign_warning_becomes_a_report(void **state)
{
    (void)state;
    static struct world world;
    struct harness *harness = &world.harness;
    char *listed = NULL;
    harness_open(harness);
    harness_start_drill(harness, "60");
    harness_start_service(harness, "reporting");
    harness_start_service(harness, "grading");
    harness_start_service(harness, "command");
    assert_int_equal(harness_run(harness, NULL, "liandong", "plan", "adopt",
                                 LIANDONG_SOURCE "/plans/jiaxing-air.yaml", "-e", harness->endpoint,
                                 NULL),
                     0);
    assert_int_equal(take_message(&world, "Alert", "1", "", ""), 0);
    answered(&world, "Ack", "1");
    assert_int_equal(take_message(&world, "Alert", "1", "", ""), 4); /* known */
    answered(&world, "Error", "1");
    assert_int_equal(take_message(&world, "Update", "2", REFER("1"), ""), 0);
    assert_int_equal(take_message(&world, "Update", "3", REFER("1"), ""), 4); /* replaced by 2 */
    assert_int_equal(take_message(&world, "Update", "4", REFER("unknown"), ""), 0);
    assert_int_equal(take_message(&world, "Cancel", "5", REFER("never"), ""), 4);
    assert_int_equal(take_message(&world, "Cancel", "6", REFER("2"), ""), 0);
    assert_int_equal(
        take_message(&world, "Alert", "7", "", "<expires>2026-01-02T10:00:00+08:00</expires>"), 1);
    assert_int_equal(take_message(&world, "Nonsense", "8", "", ""), 2);
    assert_int_equal(harness_run(harness, &listed, "liandong", "tail", "--from", "1",
                                 "--until-head", "--json", "-e", harness->endpoint, NULL),
                     0);
    assert_non_null(strstr(listed, "\"hazard\":\"air.heavy-pollution\""));
    free(listed);
    harness_close(harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mood_ends_as_it_should),
        cmocka_unit_test(killed_in_the_middle),
        cmocka_unit_test(a_foreign_warning_becomes_a_report),
    };
    return cmocka_run_group_tests_name("integration.channels", tests, NULL, NULL);
}
