/* Items by their keys, those of the first course in its order, then those that only the other has;
 * moments in order of time, orders and clocks by who has them. */
#include <stdlib.h>
#include <string.h>

#include "picture/keep.h"
#include "whatif/whatif.h"

const char *const WHATIF_KIND_NAMES[COURSE_KINDS] = {
    "opened",         "closed",   "grade",          "warning-suggested",
    "warning-issued", "response", "response-ended", "answer",
    "orders",         "clock",    "notice"};

bool whatif_same(const struct course_item *a, const struct course_item *b)
{
    if (a == NULL || b == NULL)
        return false;
    bool timed = a->kind != COURSE_ANSWER;
    return (!timed || a->time_us == b->time_us) && strcmp(a->section, b->section) == 0 &&
           strcmp(a->by, b->by) == 0 && strcmp(a->code, b->code) == 0 &&
           a->answered == b->answered && a->accepted == b->accepted &&
           memcmp(a->count, b->count, sizeof a->count) == 0;
}

static const struct course_item *find(const struct course *course, const char *key)
{
    struct course_item *item;
    HASH_FIND_STR(course->items, key, item);
    return item;
}

static void add(struct whatif *whatif, const struct course_item *was, const struct course_item *now)
{
    enum course_kind kind = was != NULL ? was->kind : now->kind;
    struct whatif_rows *rows = &whatif->rows[kind];
    if (kind != COURSE_OPENED && whatif_same(was, now))
        return;
    rows->all = keep_room(rows->all, rows->count, &rows->capacity, sizeof *rows->all);
    rows->all[rows->count++] = (struct whatif_row){was, now};
}

static int64_t time_of(const struct whatif_row *row)
{
    if (row->was == NULL || row->now == NULL)
        return row->was != NULL ? row->was->time_us : row->now->time_us;
    return row->was->time_us < row->now->time_us ? row->was->time_us : row->now->time_us;
}

static const struct course_item *either(const struct whatif_row *row)
{
    return row->was != NULL ? row->was : row->now;
}

static int by_time(const void *left, const void *right)
{
    const struct whatif_row *a = left, *b = right;
    int64_t time_a = time_of(a), time_b = time_of(b);
    return time_a != time_b ? (time_a > time_b) - (time_a < time_b)
                            : strcmp(either(a)->key, either(b)->key);
}

static int by_owner(const void *left, const void *right)
{
    const struct course_item *a = either(left), *b = either(right);
    int order = strcmp(a->incident, b->incident);
    order = order != 0 ? order : strcmp(a->who, b->who);
    return order != 0 ? order : strcmp(a->what, b->what);
}

void whatif_compare(struct whatif *whatif)
{
    for (const struct course_item *at = whatif->was.items; at != NULL; at = at->hh.next)
        add(whatif, at, find(&whatif->now, at->key));
    for (const struct course_item *at = whatif->now.items; at != NULL; at = at->hh.next)
        if (find(&whatif->was, at->key) == NULL)
            add(whatif, NULL, at);
    for (int kind = 0; kind < COURSE_KINDS; kind++) {
        struct whatif_rows *rows = &whatif->rows[kind];
        bool owned = kind == COURSE_ORDERS || kind == COURSE_CLOCK;
        if (rows->count > 0)
            qsort(rows->all, rows->count, sizeof *rows->all, owned ? by_owner : by_time);
    }
}

bool whatif_differs(const struct whatif *whatif)
{
    for (int kind = COURSE_CLOSED; kind < COURSE_KINDS; kind++)
        if (whatif->rows[kind].count > 0)
            return true;
    for (size_t i = 0; i < whatif->rows[COURSE_OPENED].count; i++)
        if (!whatif_same(whatif->rows[COURSE_OPENED].all[i].was,
                         whatif->rows[COURSE_OPENED].all[i].now))
            return true;
    return false;
}

void whatif_free(struct whatif *whatif)
{
    for (int kind = 0; kind < COURSE_KINDS; kind++)
        free(whatif->rows[kind].all);
    course_close(&whatif->was);
    course_close(&whatif->now);
}

/* ---- the two stories ---- */

/* How many lines from there on are of the same moment. */
static size_t moment(const struct course *course, size_t from)
{
    size_t count = 0;
    while (from + count < course->line_count &&
           course->lines[from + count].time_us == course->lines[from].time_us)
        count++;
    return count;
}

/* The first line not yet told of the moment that says the same; its index, or count. */
static size_t same_line(const struct course_line *line, const struct course_line *others,
                        const bool *told, size_t count)
{
    size_t at = 0;
    while (at < count && (told[at] || strcmp(others[at].en, line->en) != 0))
        at++;
    return at;
}

/* The next line of the second lane that only it has; count: none is left. */
static size_t own_line(const bool *told, size_t from, size_t count)
{
    while (from < count && told[from])
        from++;
    return from;
}

/* All of one moment, in the order of the first lane: each line with its like; one without beside
 * the next that only the second lane has. */
static void tell_moment(const struct course_line *was, size_t was_count,
                        const struct course_line *now, size_t now_count, whatif_line_fn *each,
                        void *data)
{
    bool *told = keep_zeroed(now_count + 1);
    size_t *likes = keep_zeroed((was_count + 1) * sizeof *likes);
    for (size_t i = 0; i < was_count; i++) {
        likes[i] = same_line(&was[i], now, told, now_count);
        told[likes[i]] = true; /* one more than there are: nobody's */
    }
    size_t own = own_line(told, 0, now_count);
    for (size_t i = 0; i < was_count; i++) {
        size_t beside = likes[i] < now_count ? likes[i] : own;
        each(&was[i], beside < now_count ? &now[beside] : NULL, data);
        if (likes[i] == now_count)
            own = own_line(told, own + 1, now_count);
    }
    for (; own < now_count; own = own_line(told, own + 1, now_count))
        each(NULL, &now[own], data);
    free(likes);
    free(told);
}

void whatif_lines(const struct whatif *whatif, whatif_line_fn *each, void *data)
{
    const struct course *was = &whatif->was, *now = &whatif->now;
    size_t a = 0, b = 0;
    while (a < was->line_count || b < now->line_count) {
        int64_t time_a = a < was->line_count ? was->lines[a].time_us : INT64_MAX;
        int64_t time_b = b < now->line_count ? now->lines[b].time_us : INT64_MAX;
        size_t count_a = time_a <= time_b ? moment(was, a) : 0;
        size_t count_b = time_b <= time_a ? moment(now, b) : 0;
        tell_moment(was->lines + a, count_a, now->lines + b, count_b, each, data);
        a += count_a;
        b += count_b;
    }
}
