/*
 * Counting by producer and by topic family, each in a bounded number of places.
 *
 * A producer gets a place when it is claimed and keeps it while somebody claims it. When all are
 * taken, the one not claimed that was heard of longest ago gives its place up: what it had counted
 * goes to the others, place 0, so that sums stay right. A family is a topic's first segment; the
 * first ones to come have places, for good. An event costs some additions and one comparison of its
 * first segment with that of the one before.
 */
#include "internal.h"

/* ---- producers ---- */

static void give_up_place(struct router *router, struct producer_tally *tally)
{
    struct producer_tally *others = &router->producer_tallies[0];
    if (!tally->producer)
        return;
    tally->producer->tally = NULL;
    if (tally->seen_us > others->seen_us)
        others->seen_us = tally->seen_us;
    others->bytes += tally->bytes;
    for (int code = 0; code < ROUTER_CODES; code++)
        others->outcomes[code] += tally->outcomes[code];
    *tally = (struct producer_tally){0};
}

/* A free place, else that of the one that may best be spared; NULL: all are claimed. */
static struct producer_tally *find_place(struct router *router)
{
    struct producer_tally *best = NULL;
    for (size_t i = 1; i <= TALLY_PRODUCERS; i++) {
        struct producer_tally *tally = &router->producer_tallies[i];
        if (!tally->producer)
            return tally;
        if (tally->claims == 0 && (!best || tally->seen_us < best->seen_us))
            best = tally;
    }
    return best;
}

static bool is_called_other(const struct producer *producer)
{
    return strcmp(producer->name, TALLY_OTHER) == 0;
}

static struct producer_tally *place_for(struct router *router, struct producer *producer)
{
    if (producer->tally)
        return producer->tally;
    struct producer_tally *tally = is_called_other(producer) ? NULL : find_place(router);
    if (!tally)
        return &router->producer_tallies[0];
    give_up_place(router, tally);
    tally->producer = producer;
    producer->tally = tally;
    return tally;
}

void tally_claim(struct session *session, struct claim *claim)
{
    struct producer_tally *tally = place_for(session->router, claim->producer);
    if (claim->tally != tally) {
        tally_release(claim);
        claim->tally = tally;
        tally->claims++;
    }
    tally->seen_us = session->heard_us;
}

void tally_release(struct claim *claim)
{
    if (!claim->tally)
        return;
    assert(claim->tally->claims > 0);
    claim->tally->claims--;
    claim->tally = NULL;
}

/* ---- families ---- */

static size_t first_segment(const char *topic, size_t size)
{
    const char *slash = memchr(topic, '/', size);
    return slash ? (size_t)(slash - topic) : size;
}

static bool is_family(const struct family_tally *family, const char *name, size_t size)
{
    return family->size == size && memcmp(family->name, name, size) == 0;
}

static struct family_tally *find_family(struct router *router, const char *name, size_t size)
{
    struct family_tally *families = router->family_tallies;
    if (size > TALLY_NAME_SIZE || (size == strlen(TALLY_OTHER) && !memcmp(name, TALLY_OTHER, size)))
        return &families[0];
    for (size_t i = 1; i <= router->family_count; i++)
        if (is_family(&families[i], name, size))
            return &families[i];
    if (router->family_count == TALLY_FAMILIES)
        return &families[0];
    struct family_tally *family = &families[++router->family_count];
    memcpy(family->name, name, size);
    family->size = size;
    return family;
}

/* ---- events ---- */

void tally_event(struct router *router, struct family_tally **latest, const char *topic,
                 size_t topic_size, uint64_t bytes)
{
    struct family_tally *family = *latest;
    bool same = family && family->size > 0 && family->size <= topic_size &&
                memcmp(topic, family->name, family->size) == 0 &&
                (family->size == topic_size || topic[family->size] == '/');
    if (!same)
        *latest = family = find_family(router, topic, first_segment(topic, topic_size));
    family->events++;
    family->bytes += bytes;
}

void tally_record(struct session *session, struct claim *claim, const struct ld_record *record,
                  int code)
{
    struct producer_tally *tally = claim->tally;
    tally->outcomes[code]++;
    tally->seen_us = session->heard_us;
    if (code != LD_OK)
        return;
    tally->bytes += record->size;
    tally_event(session->router, &claim->family, record->topic, record->topic_size, record->size);
}
