/* Feeding reporting bulletins. */
#ifndef TESTS_BULLETIN_RIG_H
#define TESTS_BULLETIN_RIG_H

#include "reporting_rig.h"
#include "liandong/v1/bulletin.pb-c.h"

/* author, named (the incident in the message) and topic: where they differ from the others. */
struct issue {
    const char *unit, *area, *incident, *author, *named, *topic, *zh, *link, *entry;
    int kind;
    int64_t from_us, to_us;
};

static inline size_t bulletin(struct world *world, struct issue issue)
{
    char topic[256];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.author = sv_borrow(issue.author ? issue.author : issue.unit);
    context.incident = sv_borrow(issue.named ? issue.named : issue.incident);
    Liandong__V1__Text text = LIANDONG__V1__TEXT__INIT;
    text.zh = sv_borrow(issue.zh);
    Liandong__V1__Bulletin message = LIANDONG__V1__BULLETIN__INIT;
    message.context = &context;
    message.kind = (Liandong__V1__Bulletin__Kind)issue.kind;
    message.text = issue.zh ? &text : NULL;
    message.link = sv_borrow(issue.link);
    message.entry = sv_borrow(issue.entry);
    message.from_us = issue.from_us;
    message.to_us = issue.to_us;
    snprintf(topic, sizeof topic, "bulletin/%s/%s/%s", issue.area, issue.incident, issue.unit);
    return world_publish(world, issue.unit, issue.topic ? issue.topic : topic, &message.base, 0);
}

#endif
