/* The Atom feed: which notices stand in it, and that it is one by RFC 4287. */
#include "test.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>
#include "buffer.h"
#include "feed.h"
#include "timefmt.h"

#define URL        "https://alerts.example.org/cap/"
#define ATOM       "http://www.w3.org/2005/Atom"
#define KIND(name) LIANDONG__V1__NOTICE__KIND__##name
#define MORNING    INT64_C(1767232800000000) /* 2026-01-01T10:00:00+08:00 */

struct notice {
    const char *identifier;
    Liandong__V1__Notice__Kind kind;
    int hour;
    const char *references; /* separated by blanks */
    const char *scope, *status;
};

static const char *type_of(Liandong__V1__Notice__Kind kind)
{
    return kind == KIND(ALERT) ? "Alert" : kind == KIND(UPDATE) ? "Update" : "Cancel";
}

static void write_message(const struct notice *notice, const char *sent, struct ld_buffer *text)
{
    ld_buffer_format(text,
                     "<alert xmlns='" CAP_NAMESPACE "'><identifier>%s</identifier>"
                     "<sender>3303.command</sender><sent>%s</sent><status>%s</status>"
                     "<msgType>%s</msgType><scope>%s</scope>",
                     notice->identifier, sent, notice->status ? notice->status : "Actual",
                     type_of(notice->kind), notice->scope ? notice->scope : "Public");
    if (notice->scope != NULL)
        ld_buffer_text(text, "<addresses>3303.gov</addresses>");
    if (notice->kind != KIND(ALERT))
        ld_buffer_text(text, "<references>3303.command,x,2026-01-01T09:00:00+08:00</references>");
    for (int language = 0; language < 2; language++)
        ld_buffer_format(text,
                         "<info><language>%s</language><category>Health</category><event>e</event>"
                         "<urgency>Immediate</urgency><severity>Severe</severity><certainty>"
                         "Observed</certainty><senderName>%s</senderName><headline>%s</headline>"
                         "<description>%s</description></info>",
                         language == 0 ? "zh-CN" : "en-US", language == 0 ? "市政府" : "City",
                         language == 0 ? "头条" : "Head &amp; line",
                         language == 0 ? "内容" : "Content");
    ld_buffer_text(text, "</alert>");
}

static int take(struct feed *feed, struct notice notice)
{
    Liandong__V1__Notice message = LIANDONG__V1__NOTICE__INIT;
    struct ld_buffer text = {0};
    struct ld_error error = {0};
    char sent[LD_TIME_TEXT_SIZE], *references[8];
    char *all = strdup(notice.references ? notice.references : "");
    message.references = references;
    for (char *rest = all, *one; *all != '\0' && (one = strsep(&rest, " ")) != NULL;)
        references[message.n_references++] = one;
    message.identifier = (char *)(uintptr_t)notice.identifier;
    message.kind = notice.kind;
    message.sent_at_us = MORNING + notice.hour * LD_US_HOUR;
    message.scope = LIANDONG__V1__NOTICE__SCOPE__PUBLIC;
    write_message(&notice, ld_time_format(sent, message.sent_at_us, LD_CHINA_OFFSET_MINUTES),
                  &text);
    message.cap = (char *)(uintptr_t)ld_buffer_string(&text);
    int code = feed_take(feed, &message, false, &error);
    ld_buffer_free(&text);
    free(all);
    return code;
}

static int give(struct feed *feed, const char *identifier, Liandong__V1__Notice__Kind kind,
                int hour, const char *references)
{
    return take(
        feed, (struct notice){
                  .identifier = identifier, .kind = kind, .hour = hour, .references = references});
}

/* ---- RFC 4287, 4.1.1 and 4.1.2 ---- */

static size_t count_of(const xmlNode *parent, const char *name)
{
    size_t count = 0;
    for (const xmlNode *at = parent->children; at != NULL; at = at->next) {
        assert_string_equal(at->ns->href, ATOM);
        count += strcmp((const char *)at->name, name) == 0;
    }
    return count;
}

static char *content_of(const xmlNode *parent, const char *name)
{
    for (xmlNode *at = parent->children; at != NULL; at = at->next) {
        if (strcmp((const char *)at->name, name) == 0)
            return (char *)xmlNodeGetContent(at);
    }
    fail_msg("%s is missing", name);
    return NULL;
}

static char *link_of(const xmlNode *parent, const char *relation)
{
    for (xmlNode *at = parent->children; at != NULL; at = at->next) {
        if (strcmp((const char *)at->name, "link") != 0)
            continue;
        xmlChar *found = xmlGetProp(at, (const xmlChar *)"rel");
        bool same = strcmp((const char *)found, relation) == 0;
        xmlFree(found);
        if (same)
            return (char *)xmlGetProp(at, (const xmlChar *)"href");
    }
    fail_msg("no link %s", relation);
    return NULL;
}

static void expect_once(const xmlNode *node)
{
    static const char *const ONCE[] = {"id", "title", "updated", "author", "link"};
    int64_t time_us;
    struct ld_error error;
    for (size_t i = 0; i < sizeof ONCE / sizeof ONCE[0]; i++)
        assert_int_equal(count_of(node, ONCE[i]), 1);
    char *updated = content_of(node, "updated");
    assert_int_equal(strlen(updated), strlen("2026-01-01T10:00:00+08:00"));
    assert_string_equal(updated + 19, "+08:00");
    assert_int_equal(ld_time_parse(updated, 0, &time_us, &error), LD_OK);
    xmlFree(updated);
}

/* The identifiers of the entries in their order, each followed by a blank. */
static void expect_entries(const xmlNode *root, struct ld_buffer *identifiers)
{
    for (const xmlNode *at = root->children; at != NULL; at = at->next) {
        if (strcmp((const char *)at->name, "entry") != 0)
            continue;
        expect_once(at);
        assert_int_equal(count_of(at, "summary"), 1);
        assert_int_equal(count_of(at, "category"), 2);
        char *id = content_of(at, "id"), *address = link_of(at, "alternate"), expected[200];
        static const char TAG[] = "tag:alerts.example.org,2026-01-01:";
        assert_memory_equal(id, TAG, sizeof TAG - 1);
        const char *identifier = id + sizeof TAG - 1;
        snprintf(expected, sizeof expected, URL "%s.xml", identifier);
        assert_string_equal(address, expected);
        snprintf(expected, sizeof expected, "%s ", identifier);
        assert_null(strstr(ld_buffer_string(identifiers), expected)); /* unique */
        ld_buffer_text(identifiers, expected);
        xmlFree(id);
        xmlFree(address);
    }
}

static void expect_feed(const struct feed *feed, size_t entries_max, const char *expected)
{
    struct ld_buffer text = {0}, identifiers = {0};
    feed_write(feed, URL, "alerts.example.org", false, entries_max, &text);
    xmlDocPtr document =
        xmlReadMemory((const char *)text.data, (int)text.size, NULL, NULL, XML_PARSE_NONET);
    assert_non_null(document);
    const xmlNode *root = xmlDocGetRootElement(document);
    assert_string_equal(root->name, "feed");
    expect_once(root);
    char *self = link_of(root, "self"), *id = content_of(root, "id");
    assert_string_equal(self, URL "feed.atom");
    assert_string_equal(id, self);
    expect_entries(root, &identifiers);
    assert_string_equal(ld_buffer_string(&identifiers), expected);
    xmlFree(self);
    xmlFree(id);
    xmlFreeDoc(document);
    ld_buffer_free(&identifiers);
    ld_buffer_free(&text);
}

static void what_is_in_force_stands_first(void **state)
{
    (void)state;
    struct feed feed = {0};
    expect_feed(&feed, 9, "");
    assert_int_equal(give(&feed, "a.1", KIND(ALERT), 0, ""), LD_OK);
    assert_int_equal(give(&feed, "b.1", KIND(ALERT), 1, ""), LD_OK);
    expect_feed(&feed, 9, "b.1 a.1 ");
    assert_int_equal(give(&feed, "a.2", KIND(UPDATE), 2, "a.1"), LD_OK);
    expect_feed(&feed, 9, "a.2 b.1 ");
    assert_int_equal(give(&feed, "a.3", KIND(CANCEL), 3, "a.1 a.2"), LD_OK);
    expect_feed(&feed, 9, "b.1 a.3 ");
    expect_feed(&feed, 1, "b.1 ");
    assert_int_equal(give(&feed, "b.1", KIND(ALERT), 1, ""), LD_OK);
    expect_feed(&feed, 9, "b.1 a.3 "); /* once more is once */
    feed_free(&feed);
}

static void of_the_ends_the_last_ten_stay(void **state)
{
    (void)state;
    struct feed feed = {0};
    struct ld_buffer expected = {0};
    char name[8];
    for (int i = 0; i < FEED_ENDED_MAX + 2; i++) {
        snprintf(name, sizeof name, "e.%d", i);
        assert_int_equal(give(&feed, name, KIND(CANCEL), i, "x"), LD_OK);
    }
    for (int i = FEED_ENDED_MAX + 1; i >= 2; i--)
        ld_buffer_format(&expected, "e.%d ", i);
    expect_feed(&feed, 99, ld_buffer_string(&expected));
    ld_buffer_free(&expected);
    feed_free(&feed);
}

static void whole_text(void **state)
{
    (void)state;
    static const char EXPECTED[] =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"" ATOM "\"><id>" URL
        "feed.atom</id><title>【演练】现行警报 / EXERCISE: current alerts</title><subtitle>另有 1 "
        "条有效警报未列出 / 1 more in force, not listed</subtitle><updated>"
        "2026-01-01T11:00:00+08:00</updated><author><name>liandong</name></author><link "
        "rel=\"self\" type=\"application/atom+xml\" href=\"" URL "feed.atom\"/><entry><id>tag:"
        "alerts.example.org,2026-01-01:b.1</id><title>头条 / Head &amp; line</title><updated>"
        "2026-01-01T11:00:00+08:00</updated><author><name>市政府 / City</name></author><summary>"
        "内容\n\nContent</summary><category term=\"Alert\" scheme=\"" CAP_NAMESPACE
        ":msgType\"/><category term=\"Actual\" scheme=\"" CAP_NAMESPACE
        ":status\"/><link rel=\"alternate\" type=\"application/cap+xml\" href=\"" URL
        "b.1.xml\"/></entry></feed>\n";
    struct feed feed = {0};
    struct ld_buffer text = {0};
    assert_int_equal(give(&feed, "a.1", KIND(ALERT), 0, ""), LD_OK);
    assert_int_equal(give(&feed, "b.1", KIND(ALERT), 1, ""), LD_OK);
    feed_write(&feed, URL, "alerts.example.org", true, 1, &text);
    assert_string_equal(ld_buffer_string(&text), EXPECTED);
    ld_buffer_free(&text);
    feed_free(&feed);
}

static void what_is_not_for_the_public_is_left_out(void **state)
{
    (void)state;
    struct feed feed = {0};
    assert_int_equal(give(&feed, "a.1", KIND(ALERT), 0, ""), LD_OK);
    static const struct notice REFUSED[] = {
        {.identifier = "a.2", .references = "a.1", .scope = "Private"},
        {.identifier = "a.2", .references = "a.1", .status = "Exercise"},
        {.identifier = "a.2", .references = "a.1", .status = "Nonsense"},
        {.identifier = "a.2", .references = "a.1", .status = "Actual</status><x/><status>Actual"},
        {.identifier = "../a", .references = "a.1"},
        {.identifier = "<", .references = "a.1"},
        {.identifier = "", .references = "a.1"},
    };
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        struct notice notice = REFUSED[i];
        notice.kind = KIND(UPDATE);
        assert_int_equal(take(&feed, notice), LD_INVALID);
    }
    expect_feed(&feed, 9, "a.1 ");
    feed_free(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_force_stands_first),
        cmocka_unit_test(of_the_ends_the_last_ten_stay),
        cmocka_unit_test(whole_text),
        cmocka_unit_test(what_is_not_for_the_public_is_left_out),
    };
    return cmocka_run_group_tests_name("unit.alert_feed", tests, NULL, NULL);
}
