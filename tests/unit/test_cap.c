/*
 * The checker of CAP messages: what it says of each mistake; what it refuses to read at all; and,
 * where the official schema is at hand (LIANDONG_CAP_SCHEMA, or beside the source tree), that both
 * agree on random mutations of a full message.
 */
#include "test.h"

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "buffer.h"
#include "cap/cap.h"

#define FULL     LIANDONG_SOURCE "/tests/unit/data/cap/full.xml"
#define OFFICIAL LIANDONG_SOURCE "/../shared/data/CAP-v1.2.xsd"

static char full[8192];
static size_t full_size;

static int load(void **state)
{
    (void)state;
    FILE *file = fopen(FULL, "rb");
    full_size = file == NULL ? 0 : fread(full, 1, sizeof full - 1, file);
    return file == NULL || fclose(file) != 0 || full_size == 0;
}

/* The full message with the first from replaced by to. */
static void edit(struct ld_buffer *edited, const char *from, const char *to)
{
    const char *at = strstr(full, from);
    assert_non_null(at);
    ld_buffer_clear(edited);
    ld_buffer_append(edited, full, (size_t)(at - full));
    ld_buffer_text(edited, to);
    ld_buffer_text(edited, at + strlen(from));
}

/* All findings, one a line. */
static void say_all(struct ld_buffer *said, const void *bytes, size_t size)
{
    static const char *const WEIGHTS[] = {"schema", "rule", "advice"};
    struct cap *cap;
    struct ld_error error;
    struct cap_findings findings = {0};
    ld_buffer_clear(said);
    if (cap_read(bytes, size, &cap, &error) != LD_OK) {
        ld_buffer_format(said, "%s: %s\n", ld_code_name(error.code), error.text);
        return;
    }
    cap_check(cap, &findings);
    for (size_t i = 0; i < findings.count; i++)
        ld_buffer_format(said, "%d %s %s: %s\n", findings.all[i].line,
                         WEIGHTS[findings.all[i].weight], findings.all[i].element,
                         findings.all[i].en);
    cap_findings_free(&findings);
    cap_free(cap);
}

#define IN(element, text) "<" element ">" text "</" element ">"
#include "data/cap/mistakes.inc"

static void each_mistake_is_said_where_it_is(void **state)
{
    (void)state;
    struct ld_buffer edited = {0}, said = {0};
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof MISTAKES / sizeof MISTAKES[0]; i++) {
        edit(&edited, MISTAKES[i].from, MISTAKES[i].to);
        say_all(&said, edited.data, edited.size);
        if (strcmp(ld_buffer_string(&said), MISTAKES[i].said) == 0)
            continue;
        wrong++;
        print_error("%s -> %s: expected\n%sfound\n%s", MISTAKES[i].from, MISTAKES[i].to,
                    MISTAKES[i].said, ld_buffer_string(&said));
    }
    assert_int_equal(wrong, 0);
    say_all(&said, full, full_size);
    assert_string_equal(ld_buffer_string(&said), "");
    ld_buffer_free(&edited);
    ld_buffer_free(&said);
}

/* ---- what is not even read ---- */

static void refused(const char *text, size_t size, int code, const char *words)
{
    struct cap *cap;
    struct ld_error error;
    int found = cap_read(text, size, &cap, &error);
    assert_null(cap);
    if (found != code || strcmp(error.text, words) != 0)
        fail_msg("expected %s: %s, found %s: %s", ld_code_name(code), words, ld_code_name(found),
                 error.text);
}

static void nothing_is_expanded_or_fetched(void **state)
{
    (void)state;
#define DOCTYPE_REFUSED "expected no DOCTYPE, found one: CAP has none; take it out"
    const char *laughs = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]>\n"
                         "<a>&c;&c;&c;</a>";
    const char *file = "<?xml version=\"1.0\"?>\n"
                       "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>";
    const char *network = "<!DOCTYPE a SYSTEM \"http://127.0.0.1:9/a.dtd\"><a/>";
    const char *unknown = "<a>\n&nbsp;</a>";
    refused(laughs, strlen(laughs), LD_INVALID, "line 1: " DOCTYPE_REFUSED);
    refused(file, strlen(file), LD_INVALID, "line 2: " DOCTYPE_REFUSED);
    refused(network, strlen(network), LD_INVALID, "line 1: " DOCTYPE_REFUSED);
    refused(unknown, strlen(unknown), LD_INVALID,
            "line 2: expected well-formed XML, found: Entity 'nbsp' not defined");
}

/* Bytes that are none of the encoding named: said by the error, printed by nobody. */
static void a_wrong_encoding_is_said_quietly(void **state)
{
    (void)state;
    static const char UTF7[] = "<?xml version=\"1.0\" encoding=\"UTF-7\"?><a>+08:00</a>";
    char path[] = "/tmp/liandong-cap-XXXXXX";
    int to = mkstemp(path), before = dup(STDERR_FILENO);
    assert_true(to >= 0 && before >= 0);
    assert_int_equal(dup2(to, STDERR_FILENO), STDERR_FILENO);
    struct cap *cap;
    int code = cap_read(UTF7, sizeof UTF7 - 1, &cap, &test_error);
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(code, LD_INVALID);
    assert_int_equal(lseek(to, 0, SEEK_END), 0);
    close(to);
    close(before);
    unlink(path);
}

static void too_much_is_refused_before_it_costs(void **state)
{
    (void)state;
    struct ld_buffer text = {0};
    refused("", 0, LD_INVALID, "line 1: expected a CAP message, found nothing");
    for (int i = 0; i < CAP_DEPTH_MAX + 1; i++)
        ld_buffer_text(&text, "<a>");
    refused((const char *)text.data, text.size, LD_TOOBIG,
            "line 1: expected elements at most 16 deep, found more");
    ld_buffer_clear(&text);
    ld_buffer_text(&text, "<a>\n");
    for (int i = 0; i < CAP_ELEMENTS_MAX; i++)
        ld_buffer_text(&text, "<b/>");
    refused((const char *)text.data, text.size, LD_TOOBIG,
            "line 2: expected at most 20000 elements, found more");
    ld_buffer_reserve(&text, CAP_BYTES_MAX + 1);
    memset(text.data, ' ', CAP_BYTES_MAX + 1);
    refused((const char *)text.data, CAP_BYTES_MAX + 1, LD_TOOBIG,
            "expected at most 1048576 bytes, found 1048577");
    ld_buffer_free(&text);
}

/* A megabyte of references, and of findings, is checked in bounded memory. */
static void hostile_bulk_is_bounded(void **state)
{
    (void)state;
    struct ld_buffer text = {0};
    struct cap *cap;
    struct cap_findings findings = {0};
    ld_buffer_text(&text, "<alert xmlns='" CAP_NAMESPACE "'><identifier>");
    for (int i = 0; i < 400000; i++)
        ld_buffer_text(&text, "i");
    ld_buffer_text(&text, "</identifier><references>");
    while (text.size < 1000000)
        ld_buffer_format(&text, "a,%zu,2026-01-01T00:00:00+08:00 ", text.size);
    ld_buffer_text(&text, "b</references></alert>");
    assert_ok(cap_read(text.data, text.size, &cap, &test_error));
    cap_check(cap, &findings);
    assert_int_equal(findings.of_weight[CAP_RULE], 1);
    assert_true(findings.arena.used_bytes < 16u << 20);
    cap_findings_free(&findings);
    cap_free(cap);
    ld_buffer_free(&text);
}

static void what_a_message_says(void **state)
{
    (void)state;
    struct cap *cap;
    assert_ok(cap_read(full, full_size, &cap, &test_error));
    assert_string_equal(cap_text(cap, "identifier"), "3303.weather.20261122.7");
    assert_string_equal(cap_text(cap, "password"), "");
    assert_int_equal(cap_info_count(cap), 1);
    assert_string_equal(cap_info_text(cap, 0, "event"), "霾");
    assert_string_equal(cap_info_text(cap, 1, "event"), "");
    assert_string_equal(cap_info_value(cap, 0, "eventCode", "GB/T 27962", 0), "11B19");
    assert_string_equal(cap_info_value(cap, 0, "eventCode", "GB/T 27962", 1), "");
    assert_string_equal(cap_info_value(cap, 0, "geocode", "GB/T 2260", 0), "330302");
    assert_string_equal(cap_info_value(cap, 0, "geocode", "GB/T 2260", 1), "");
    assert_string_equal(cap_info_area(cap, 0, 0), "鹿城区");
    cap_free(cap);
}

/* ---- beside the official schema ---- */

static xmlSchemaValidCtxtPtr official; /* NULL: not at hand */

static void ignore(void *data, xmlErrorPtr error)
{
    (void)data, (void)error;
}

static void open_official(void)
{
    const char *path = getenv("LIANDONG_CAP_SCHEMA");
    path = path != NULL ? path : OFFICIAL;
    if (access(path, R_OK) != 0)
        return;
    xmlSchemaParserCtxtPtr parser = xmlSchemaNewParserCtxt(path);
    xmlSchemaPtr schema = xmlSchemaParse(parser);
    assert_non_null(schema);
    official = xmlSchemaNewValidCtxt(schema);
    xmlSchemaSetValidStructuredErrors(official, ignore, NULL);
    xmlSchemaFreeParserCtxt(parser);
}

static uint64_t random_state;

static size_t below(size_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (size_t)(random_state >> 33) % bound;
}

/* The begin and end of a line of the text, counted from 0. */
static void line_at(const char *text, size_t number, const char **begin, const char **end)
{
    while (number-- > 0)
        text = strchr(text, '\n') + 1;
    *begin = text;
    *end = strchr(text, '\n') + 1;
}

static size_t lines_of(const char *text)
{
    size_t count = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++)
        count++;
    return count;
}

static const char *const VALUES[] = {
    "",       " ",     "Actual", "public",   "2026-02-30T00:00:00+08:00",
    "-5",     "1.5",   "zh_CN",  "AllClear", "2026-11-22T10:00:00Z",
    "a b",    "a,b",   "<b/>",   "90,181",   "http://[",
    "Public", "Error", "+00:00", "%zz",      "2026-11-22T24:00:00-14:00"};

/* Takes a line out, says it twice, swaps two, puts another value between its tags, or changes a
 * byte. */
static void mutate(struct ld_buffer *text)
{
    struct ld_buffer changed = {0};
    const char *whole = ld_buffer_string(text), *begin, *end;
    line_at(whole, below(lines_of(whole)), &begin, &end);
    size_t way = below(8), size = (size_t)(end - begin);
    const char *inside = memchr(begin, '>', size), *tail = strstr(begin, "</");
    ld_buffer_append(&changed, whole, (size_t)(begin - whole));
    if (way < 4 && inside != NULL && tail != NULL && tail > inside && tail < end) {
        ld_buffer_append(&changed, begin, (size_t)(inside + 1 - begin));
        ld_buffer_text(&changed, VALUES[below(sizeof VALUES / sizeof VALUES[0])]);
        ld_buffer_text(&changed, tail);
    } else if (way == 4) {
        ld_buffer_text(&changed, end);
    } else if (way == 5) {
        ld_buffer_append(&changed, begin, size);
        ld_buffer_text(&changed, begin);
    } else if (way == 6 && *end != '\0') {
        const char *next = strchr(end, '\n') + 1;
        ld_buffer_append(&changed, end, (size_t)(next - end));
        ld_buffer_append(&changed, begin, size);
        ld_buffer_text(&changed, next);
    } else {
        ld_buffer_text(&changed, begin);
        changed.data[(size_t)(begin - whole) + below(size - 1)] = (uint8_t)(32 + below(95));
    }
    ld_buffer_free(text);
    *text = changed;
}

/* Is it good by the schema: ours, and the official one. */
static void compare(const struct ld_buffer *text, size_t *read)
{
    struct cap *cap;
    struct cap_findings findings = {0};
    if (cap_read(text->data, text->size, &cap, &test_error) != LD_OK)
        return;
    (*read)++;
    cap_check(cap, &findings);
    if (official != NULL) {
        xmlDocPtr document =
            xmlReadMemory((const char *)text->data, (int)text->size, "a", NULL,
                          XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        bool valid = xmlSchemaValidateDoc(official, document) == 0;
        if (valid != (findings.of_weight[CAP_SCHEMA] == 0)) {
            struct ld_buffer said = {0};
            say_all(&said, text->data, text->size);
            fwrite(text->data, 1, text->size, stderr); /* cmocka cuts */
            fail_msg("the official schema says %s, we say\n%s", valid ? "good" : "not good",
                     ld_buffer_string(&said));
        }
        xmlFreeDoc(document);
    }
    cap_findings_free(&findings);
    cap_free(cap);
}

static void random_mutations_are_judged_as_the_official_schema_does(void **state)
{
    (void)state;
    const char *seed = getenv("LIANDONG_SEED"), *tests = getenv("LIANDONG_TESTS");
    bool longer = tests != NULL && strcmp(tests, "full") == 0;
    random_state = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    print_message("LIANDONG_SEED=%llu\n", (unsigned long long)random_state);
    size_t read = 0, rounds = longer ? 200000 : 5000;
    open_official();
    for (size_t i = 0; i < rounds; i++) {
        struct ld_buffer text = {0};
        ld_buffer_text(&text, full);
        for (size_t changes = 1 + below(3); changes > 0; changes--)
            mutate(&text);
        compare(&text, &read);
        ld_buffer_free(&text);
    }
    print_message("%zu of %zu mutations were XML; official schema %s\n", read, rounds,
                  official != NULL ? "agreed" : "not at hand");
    assert_true(read > rounds / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_said_where_it_is),
        cmocka_unit_test(nothing_is_expanded_or_fetched),
        cmocka_unit_test(a_wrong_encoding_is_said_quietly),
        cmocka_unit_test(too_much_is_refused_before_it_costs),
        cmocka_unit_test(hostile_bulk_is_bounded),
        cmocka_unit_test(what_a_message_says),
        cmocka_unit_test(random_mutations_are_judged_as_the_official_schema_does),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
