/*
 * liandong notice contact, seen, acknowledge, repeat, correct: whom to reach for an audience, and
 * what its recipients and publishers say about a notice. A notice is looked up on the bus: an act
 * goes on its topic and into its world.
 */
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "cmd_notice.h"
#include "keeping.h"
#include "liandong/v1/notice.pb-c.h"
#include "message.h"

/* ---- contacts ---- */

/* "NAME,CHANNEL,ADDRESS[,RANK]", cut at the commas; the address has none. */
static bool add_contact(const struct cli *cli, struct ld_arena *arena, const char *text,
                        Liandong__V1__ContactList *list)
{
    char *rest = ld_arena_string(arena, text, strlen(text)), *end = NULL;
    Liandong__V1__Contact *contact = ld_arena_alloc(arena, sizeof *contact);
    liandong__v1__contact__init(contact);
    char *name = strsep(&rest, ","), *channel = strsep(&rest, ","), *address = strsep(&rest, ",");
    char *rank = strsep(&rest, ",");
    long number = rank == NULL ? 0 : strtol(rank, &end, 10);
    if (address == NULL || *address == '\0' || rest != NULL || number < 0 || number > 9 ||
        (rank != NULL && (end == rank || *end != '\0'))) {
        cli_complain(cli, "--to：应为 名称,渠道,地址[,0-9]，实为 \"%s\"",
                     "--to: expected NAME,CHANNEL,ADDRESS[,0-9], found \"%s\"", text);
        return false;
    }
    contact->name = name;
    contact->channel = channel;
    contact->address = address;
    contact->rank = (uint32_t)number;
    list->contacts[list->n_contacts++] = contact;
    return true;
}

static int say_contacts(const struct cli *cli, struct ld_arena *arena, const char *audience,
                        const struct cli_list *to, const char *supervisor)
{
    Liandong__V1__ContactList list = LIANDONG__V1__CONTACT_LIST__INIT;
    Liandong__V1__Contact *all[CLI_LIST_MAX];
    const char *dot = strchr(audience, '.');
    struct ld_client *client = NULL;
    struct ld_error error;
    list.contacts = all;
    list.context = message_context(cli, arena, "");
    list.supervisor = message_text(supervisor);
    if (dot == NULL || dot == audience || dot[1] == '\0') {
        cli_complain(cli, "对象应为单位或 区划.public，实为 \"%s\"",
                     "expected a unit, or AREA.public, found \"%s\"", audience);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < to->count; i++)
        if (!add_contact(cli, arena, to->all[i], &list))
            return CLI_USAGE;
    if (bus_open(cli, &client, &error) != LD_OK)
        return cli_fail(cli, &error);
    return keeping_say(cli, client,
                       ld_arena_format(arena, "contact/%.*s/%s/%s", (int)(dot - audience), audience,
                                       dot + 1, cli->identity),
                       &list.base);
}

int notice_contact(struct cli *cli, int argc, char **argv)
{
    struct cli_list to = {.count = 0};
    const char *supervisor = NULL;
    const struct cli_option options[] = {
        {"to",
         't',
         CLI_LIST,
         &to,
         "CONTACT",
         {"名称,渠道,地址[,次序]，可多次；没有：不再另行发送",
          "NAME,CHANNEL,ADDRESS[,RANK], repeatable; none: told on the bus alone"}},
        {"supervisor",
         0,
         CLI_TEXT,
         &supervisor,
         "UNIT",
         {"无人签收时通知此单位的联系人", "whose contacts are told when nobody acknowledges"}},
        {"exercise", 'x', CLI_FLAG, &cli->exercise, NULL, {"演练", "an exercise"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "notice contact [OPTION]… AUDIENCE",
        {"登记一个对象（单位，或 区划.public）的联系方式，取代原有的；自下一份通知起有效。\n"
         "次序 0 先通知，其余依次在无人签收时通知。退出码 4：被拒收。",
         "Says whom to reach for an audience (a unit, or AREA.public), in place of whom it was\n"
         "before, from the next notice on. Rank 0 is told first, the others in turn when nobody\n"
         "acknowledges. Exit status 4: refused."},
        options,
        "  liandong notice contact 3303.health --to 值班室,mail,duty@example.org "
        "--supervisor 3303.gov --as 3303.health\n"};
    struct ld_arena arena = {0};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status < 0)
        status = say_contacts(cli, &arena, argv[0], &to, supervisor);
    ld_arena_free(&arena);
    return status;
}

/* ---- acts ---- */

struct found {
    const char *identifier;
    char topic[LD_TOPIC_SIZE_MAX + 1]; /* of the notice; "": not found */
    uint16_t flags;
};

static void look(const struct ld_record *record, void *data)
{
    struct found *found = data;
    Liandong__V1__Notice *notice =
        liandong__v1__notice__unpack(NULL, record->payload_size, record->payload);
    if (notice != NULL && strcmp(notice->identifier, found->identifier) == 0) {
        snprintf(found->topic, sizeof found->topic, "%.*s", (int)record->topic_size, record->topic);
        found->flags = record->flags & LD_RECORD_EXERCISE;
    }
    if (notice != NULL)
        liandong__v1__notice__free_unpacked(notice, NULL);
}

static int find(const struct cli *cli, struct ld_client *client, struct found *found,
                struct ld_error *error)
{
    static const char *const FILTERS[] = {"notice/>"};
    struct bus_read read = {.filters = FILTERS, .filter_count = 1, .each = look, .data = found};
    int code = bus_read(cli, client, &read, error);
    if (code == LD_OK && *found->topic == '\0')
        code = ld_fail(error, LD_NOTFOUND, "there is no notice \"%s\"", found->identifier);
    return code;
}

static int say_act(const struct cli *cli, struct ld_arena *arena, Liandong__V1__NoticeAct *act)
{
    struct found found = {.identifier = act->identifier};
    struct ld_client *client = NULL;
    struct ld_error error;
    int code = bus_open(cli, &client, &error);
    if (code == LD_OK)
        code = find(cli, client, &found, &error);
    if (code != LD_OK) {
        bus_close(client);
        return cli_fail(cli, &error);
    }
    const char *incident = strrchr(found.topic, '/') + 1;
    act->context = message_context(cli, arena, incident);
    struct bus_event event = {
        .topic = ld_arena_format(arena, "notify%s/%s", strchr(found.topic, '/'), cli->identity),
        .message = &act->base,
        .flags = found.flags};
    int status = bus_publish_and_tell(cli, client, &event, 1);
    bus_close(client);
    return status;
}

static int act(struct cli *cli, int argc, char **argv, const char *name,
               Liandong__V1__NoticeAct__Act what, struct plan_text summary)
{
    const char *person = NULL;
    const struct cli_option options[] = {
        {"person", 'p', CLI_TEXT, &person, "NAME", {"经办人", "who acts for the unit"}},
        {.name = NULL}};
    char line[80];
    snprintf(line, sizeof line, "notice %s [OPTION]… IDENTIFIER", name);
    const struct cli_usage usage = {line, summary, options, NULL};
    struct ld_arena arena = {0};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status < 0) {
        Liandong__V1__NoticeAct message = LIANDONG__V1__NOTICE_ACT__INIT;
        message.act = what;
        message.identifier = argv[0];
        message.person = message_text(person);
        status = say_act(cli, &arena, &message);
    }
    ld_arena_free(&arena);
    return status;
}

int notice_seen(struct cli *cli, int argc, char **argv)
{
    return act(cli, argc, argv, "seen", LIANDONG__V1__NOTICE_ACT__ACT__SEEN,
               (struct plan_text){"本单位已看到通知。", "The unit has seen a notice."});
}

int notice_acknowledge(struct cli *cli, int argc, char **argv)
{
    return act(cli, argc, argv, "acknowledge", LIANDONG__V1__NOTICE_ACT__ACT__ACKNOWLEDGED,
               (struct plan_text){"本单位签收通知，不再重复发送。退出码 4：被拒收。",
                                  "The unit acknowledges a notice: it is sent no more. Exit "
                                  "status 4: refused."});
}

int notice_repeat(struct cli *cli, int argc, char **argv)
{
    return act(cli, argc, argv, "repeat", LIANDONG__V1__NOTICE_ACT__ACT__REPEAT,
               (struct plan_text){"再发一次通知（本区划或上级的单位）。退出码 4：被拒收。",
                                  "Sends a notice once more (units of its area or above). Exit "
                                  "status 4: refused."});
}

int notice_correct(struct cli *cli, int argc, char **argv)
{
    const char *zh = NULL, *en = NULL, *person = NULL;
    const struct cli_option options[] = {
        {"text",
         'm',
         CLI_TEXT,
         &zh,
         "TEXT",
         {"更正内容（默认用预备的）", "in Chinese (default: as prepared)"}},
        {"english", 0, CLI_TEXT, &en, "TEXT", {"英文内容", "in English (default: as prepared)"}},
        {"person", 'p', CLI_TEXT, &person, "NAME", {"经办人", "who acts for the unit"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "notice correct [OPTION]… IDENTIFIER",
        {"更正：告知所有曾被通知者，此前的通知有误（本区划或上级的单位）。不写内容即用随通知备好的"
         "。\n"
         "退出码 4：被拒收。",
         "Tells everybody who was told that it was wrong (units of the area or above), in the\n"
         "words prepared with the notice unless others are given. Exit status 4: refused."},
        options,
        "  liandong notice correct liandong.3303-cholera-20261011-1.3303.1.public --as 3303.gov\n"};
    struct ld_arena arena = {0};
    Liandong__V1__Text text = LIANDONG__V1__TEXT__INIT;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status < 0) {
        Liandong__V1__NoticeAct message = LIANDONG__V1__NOTICE_ACT__INIT;
        text.zh = message_text(zh);
        text.en = message_text(en);
        message.act = LIANDONG__V1__NOTICE_ACT__ACT__CORRECT;
        message.identifier = argv[0];
        message.person = message_text(person);
        message.text = &text;
        status = say_act(cli, &arena, &message);
    }
    ld_arena_free(&arena);
    return status;
}
