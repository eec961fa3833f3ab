/* What differs as one JSON object. */
#include "picture/event_json.h"
#include "whatif/whatif.h"

static json_t *time_json(int64_t time_us)
{
    char text[EVENT_TIME_SIZE];
    return time_us != 0 ? json_string(event_time(text, time_us)) : json_null();
}

static json_t *text_json(const char *zh, const char *en)
{
    return json_pack("{s:s,s:s}", "zh", zh, "en", en);
}

static json_t *count_json(const struct course_item *item, int index)
{
    return json_integer((json_int_t)item->count[index]);
}

static json_t *answer_json(const struct course_item *item)
{
    return json_pack("{s:b,s:b,s:s,s:s,s:o}", "answered", item->answered, "accepted",
                     item->accepted, "code", item->code, "section", item->section, "reason",
                     text_json(item->zh, item->en));
}

/* What one of the two has; null: nothing. */
static json_t *side_json(const struct course_item *item)
{
    if (item == NULL)
        return json_null();
    switch (item->kind) {
    case COURSE_OPENED:
        return json_pack("{s:o,s:s,s:s}", "time", time_json(item->time_us), "plan", item->what,
                         "plan_hash", item->by);
    case COURSE_ANSWER:
        return answer_json(item);
    case COURSE_ORDERS:
        return json_pack("{s:o,s:o}", "issued", count_json(item, COURSE_ISSUES), "overdue",
                         count_json(item, COURSE_LATE));
    case COURSE_CLOCK:
        return json_pack("{s:o,s:o,s:o,s:o}", "started", count_json(item, COURSE_RUNNING), "met",
                         count_json(item, COURSE_MET), "late", count_json(item, COURSE_MET_LATE),
                         "missed", count_json(item, COURSE_MISSED));
    case COURSE_NOTICE:
        return json_pack("{s:o,s:o}", "time", time_json(item->time_us), "sent",
                         count_json(item, COURSE_ISSUES));
    default:
        return json_pack("{s:o,s:s,s:s}", "time", time_json(item->time_us), "section",
                         item->section, "by", item->by);
    }
}

static void set_word(json_t *object, const char *key, const char *value)
{
    if (value[0] != '\0')
        json_object_set_new(object, key, json_string(value));
}

static json_t *row_json(const struct whatif_row *row)
{
    const struct course_item *item = row->was != NULL ? row->was : row->now;
    static const char *const WHO[COURSE_KINDS] = {
        "", "", "", "", "area", "area", "area", "author", "unit", "unit", "audience"};
    static const char *const WHAT[COURSE_KINDS] = {"", "",      "",     "",      "",    "",
                                                   "", "about", "duty", "clock", "kind"};
    json_t *object = json_object();
    json_object_set_new(object, "what", json_string(WHATIF_KIND_NAMES[item->kind]));
    set_word(object, "incident", item->incident);
    if (item->level != PLAN_NONE)
        json_object_set_new(object, "level", json_string(plan_level_name(item->level)));
    if (WHO[item->kind][0] != '\0')
        set_word(object, WHO[item->kind], item->who);
    if (WHAT[item->kind][0] != '\0')
        set_word(object, WHAT[item->kind], item->what);
    if (item->kind == COURSE_ANSWER) {
        json_object_set_new(object, "event", json_string(sv_family_name(item->family)));
        set_word(object, "act", item->say_en);
        json_object_set_new(object, "sequence",
                            item->sequence != 0 ? json_integer((json_int_t)item->sequence)
                                                : json_null());
    }
    if (item->kind >= COURSE_ORDERS) {
        set_word(object, "section", item->section);
        json_object_set_new(object, "text", text_json(item->zh, item->en));
    }
    json_object_set_new(object, "was", side_json(row->was));
    json_object_set_new(object, "if", side_json(row->now));
    return object;
}

static json_t *rows_json(const struct whatif *whatif, int first, int last)
{
    json_t *list = json_array();
    for (int kind = first; kind <= last; kind++)
        for (size_t i = 0; i < whatif->rows[kind].count; i++)
            json_array_append_new(list, row_json(&whatif->rows[kind].all[i]));
    return list;
}

static json_t *changes_json(const struct whatif *whatif)
{
    json_t *plans = json_array(), *drops = json_array();
    for (size_t i = 0; i < whatif->changes->plan_count; i++) {
        const struct whatif_plan *plan = &whatif->changes->plans[i];
        json_array_append_new(plans, json_pack("{s:s,s:s,s:s,s:b}", "plan", plan->plan->id, "hash",
                                               plan->plan->hash, "file", plan->path, "replaces",
                                               plan->replaces));
    }
    for (size_t i = 0; i < whatif->drops->count; i++)
        json_array_append_new(drops, json_string(whatif->drops->all[i]));
    return json_pack("{s:o,s:o,s:o,s:o}", "plans", plans, "drop", drops, "until",
                     whatif->changes->until != 0 ? json_integer((json_int_t)whatif->changes->until)
                                                 : json_null(),
                     "add", whatif->add != NULL ? json_string(whatif->add) : json_null());
}

json_t *whatif_json(const struct whatif *whatif)
{
    return json_pack("{s:s,s:s,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o}", "kind", "whatif", "log",
                     whatif->log, "changes", changes_json(whatif), "differs",
                     whatif_differs(whatif), "incidents",
                     rows_json(whatif, COURSE_OPENED, COURSE_CLOSED), "course",
                     rows_json(whatif, COURSE_GRADE, COURSE_ENDED), "answers",
                     rows_json(whatif, COURSE_ANSWER, COURSE_ANSWER), "orders",
                     rows_json(whatif, COURSE_ORDERS, COURSE_ORDERS), "clocks",
                     rows_json(whatif, COURSE_CLOCK, COURSE_CLOCK), "notices",
                     rows_json(whatif, COURSE_NOTICE, COURSE_NOTICE));
}
