/*
 * Contact lists: whom to reach for an audience, as data on the log. A list that is taken replaces
 * the one before; one that breaks a rule changes nothing and is answered with the reason.
 */
#include "notification.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 200, CHANNEL_MAX_BYTES = 32, ADDRESS_MAX_BYTES = 500 };

#define SAY(...) ld_arena_format(sv_arena(out), __VA_ARGS__)

const struct contacts *contacts_find(const struct sv_core *core, const char *key)
{
    struct contacts *contacts = NULL;
    HASH_FIND_STR(core->contacts, key, contacts);
    return contacts;
}

static void clear(struct contacts *contacts)
{
    for (size_t i = 0; i < contacts->count; i++) {
        free(contacts->all[i].name);
        free(contacts->all[i].channel);
        free(contacts->all[i].address);
    }
    free(contacts->all);
    free(contacts->supervisor);
    contacts->all = NULL;
    contacts->count = 0;
    contacts->supervisor = NULL;
}

void contacts_free(struct sv_core *core)
{
    struct contacts *contacts, *next;
    HASH_ITER(hh, core->contacts, contacts, next)
    {
        HASH_DEL(core->contacts, contacts);
        clear(contacts);
        free(contacts->key);
        free(contacts);
    }
}

static struct contacts *contacts_add(struct sv_core *core, char *key)
{
    struct contacts *contacts = calloc(1, sizeof *contacts);
    if (contacts == NULL || key == NULL) {
        abort();
    }
    contacts->key = key;
    HASH_ADD_KEYPTR(hh, core->contacts, contacts->key, strlen(contacts->key), contacts);
    return contacts;
}

static char *copy(const char *text)
{
    char *made = strdup(text);
    if (made == NULL) {
        abort();
    }
    return made;
}

static void fill(struct contacts *contacts, const Liandong__V1__ContactList *list)
{
    contacts->all = calloc(list->n_contacts + 1, sizeof *contacts->all);
    if (contacts->all == NULL) {
        abort();
    }
    contacts->count = list->n_contacts;
    contacts->supervisor = copy(list->supervisor);
    for (size_t i = 0; i < list->n_contacts; i++) {
        const Liandong__V1__Contact *from = list->contacts[i];
        contacts->all[i] = (struct contact){.name = copy(from->name),
                                            .channel = copy(from->channel),
                                            .address = copy(from->address),
                                            .rank = (int)from->rank};
    }
}

/* ---- rules ---- */

/* Texts go into mail headers and the like: no control characters. */
static bool is_plain(const char *text, size_t size_max)
{
    size_t size = strlen(text);
    if (size == 0 || size > size_max) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_channel(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return size > 0 && size <= CHANNEL_MAX_BYTES && text[size] == '\0';
}

static bool contact_good(const Liandong__V1__Contact *contact)
{
    return is_plain(contact->name, NAME_MAX_BYTES) && is_channel(contact->channel) &&
           is_plain(contact->address, ADDRESS_MAX_BYTES) && contact->rank <= RANK_MAX;
}

static bool contacts_good(const struct sv_event *event, const Liandong__V1__ContactList *list,
                          struct sv_outputs *out)
{
    if (list->n_contacts > CONTACTS_MAX) {
        sv_refuse(
            out, event, "too-many", NULL,
            SAY("有 %zu 个联系人，至多 %d 个", list->n_contacts, CONTACTS_MAX),
            SAY("there are %zu contacts, expected at most %d", list->n_contacts, CONTACTS_MAX));
        return false;
    }
    for (size_t i = 0; i < list->n_contacts; i++) {
        if (!contact_good(list->contacts[i])) {
            sv_refuse(out, event, "bad-contact", NULL,
                      SAY("第 %zu 个联系人：须有名称、渠道（小写字母、数字、-）、地址，"
                          "不得含控制字符，rank 至多 %d",
                          i + 1, RANK_MAX),
                      SAY("contact %zu: expected a name, a channel (a-z, 0-9, -) and an address, "
                          "without control characters, and a rank of at most %d",
                          i + 1, RANK_MAX));
            return false;
        }
    }
    return true;
}

static bool envelope_good(const struct sv_event *event, struct sv_outputs *out)
{
    const Liandong__V1__ContactList *list = (const void *)event->message;
    if (list == NULL) {
        sv_refuse(out, event, "malformed", NULL, SAY("报文无法解析：%s", event->fault),
                  SAY("cannot be decoded: %s", event->fault));
        return false;
    }
    if (event->segment_count != 4) {
        sv_refuse(out, event, "bad-topic", NULL,
                  SAY("主题是 %s，应为 contact/<区划>/<对象>/<署名单位>", event->topic),
                  SAY("topic is %s, expected contact/<area>/<audience>/<author>", event->topic));
        return false;
    }
    if (list->context == NULL || strcmp(list->context->author, event->segment[3]) != 0) {
        sv_refuse(out, event, "wrong-author", NULL,
                  SAY("署名与主题中的 %s 不一致", event->segment[3]),
                  SAY("author and topic differ: expected %s", event->segment[3]));
        return false;
    }
    return true;
}

void contacts_take(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    const Liandong__V1__ContactList *list = (const void *)event->message;
    if (!envelope_good(event, out) || !contacts_good(event, list, out)) {
        return;
    }
    const char *key = SAY("%s.%s", event->segment[1], event->segment[2]);
    struct contacts *contacts = NULL;
    HASH_FIND_STR(core->contacts, key, contacts);
    if (contacts == NULL) {
        contacts = contacts_add(core, copy(key));
    }
    clear(contacts);
    fill(contacts, list);
    sv_accept(out, event, NULL, NULL);
}

/* ---- snapshots ---- */

static void visit_one(struct contacts *contacts, struct sv_codec *codec)
{
    size_t count = contacts->count;
    sv_code_string(codec, &contacts->supervisor);
    sv_code_count(codec, &count);
    if (sv_codec_loading(codec)) {
        if (count > CONTACTS_MAX || contacts->supervisor == NULL) {
            sv_codec_fail(codec);
            return;
        }
        contacts->all = calloc(count + 1, sizeof *contacts->all);
        if (contacts->all == NULL) {
            abort();
        }
        contacts->count = count;
    }
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        sv_code_string(codec, &contacts->all[i].name);
        sv_code_string(codec, &contacts->all[i].channel);
        sv_code_string(codec, &contacts->all[i].address);
        sv_code_int(codec, &contacts->all[i].rank);
    }
}

void contacts_visit(struct sv_core *core, struct sv_codec *codec)
{
    size_t count = HASH_COUNT(core->contacts);
    sv_code_count(codec, &count);
    struct contacts *contacts = core->contacts;
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        char *key = sv_codec_loading(codec) ? NULL : contacts->key;
        sv_code_string(codec, &key);
        if (sv_codec_loading(codec)) {
            if (key == NULL) {
                return;
            }
            contacts = contacts_add(core, key);
        }
        visit_one(contacts, codec);
        contacts = contacts->hh.next;
    }
}
