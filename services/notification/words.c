/* What a notice says: the plan's templates for responses, words of ours for warnings and
 * corrections, filled; an exercise is marked at the head of each headline. */
#include "notification.h"

static void words_of_response(struct ld_arena *arena, struct announcement *announcement)
{
    const struct incident *incident = announcement->incident;
    const struct plan *plan = incident->plan;
    const struct plan_notices *notices = &plan->notices;
    bool ended = announcement->kind == LIANDONG__V1__NOTICE__KIND__CANCEL;
#define FILL(pattern)                                                                              \
    template_fill(arena, plan, incident, announcement->response, announcement->level, (pattern))
    announcement->headline = FILL(ended ? notices->ended_headline : notices->headline);
    announcement->body = FILL(ended ? notices->ended_body : notices->body);
    announcement->public_body = FILL(ended ? notices->ended_body : notices->public_body);
    announcement->neighbour_body = FILL(ended ? notices->ended_body : notices->neighbours.text);
#undef FILL
    announcement->signer = notices->signer[announcement->level];
    announcement->section = notices->section;
    announcement->area_name = plan_area_name(plan, announcement->response->area);
}

/* What the plan's templates are for responses; whoever issued the warning signs it. */
static void words_of_warning(struct ld_arena *arena, struct announcement *announcement)
{
    static const struct plan_text HEADLINE = {"{area}{hazard}{colour}预警（{level}级）",
                                              "{area}: {colour} warning (level {level}), {hazard}"};
    static const struct plan_text BODY = {
        "{area}发布{hazard}{colour}预警（{level}级）。请各成员单位按职责做好应对准备。",
        "{area} has a {colour} warning (level {level}) in force: {hazard}. Members are to prepare "
        "for what they would have to do."};
    static const struct plan_text PUBLIC = {
        "{area}发布{hazard}{colour}预警（{level}级）。请留意政府发布的信息和防护建议。",
        "{area} has a {colour} warning (level {level}) in force: {hazard}. Please follow what the "
        "authorities say and advise."};
    static const struct plan_text LIFTED = {"{area}解除{hazard}预警",
                                            "{area}: the warning is lifted, {hazard}"};
    const struct plan *plan = announcement->incident->plan;
    const Liandong__V1__Warning *warning = announcement->warning;
    bool lifted = announcement->kind == LIANDONG__V1__NOTICE__KIND__CANCEL;
#define FILL(pattern)                                                                              \
    template_fill(arena, plan, announcement->incident, announcement->response,                     \
                  announcement->level, (pattern))
    announcement->headline = FILL(lifted ? LIFTED : HEADLINE);
    announcement->body = FILL(lifted ? LIFTED : BODY);
    announcement->public_body = FILL(lifted ? LIFTED : PUBLIC);
#undef FILL
    announcement->signer = plan_unit_name(plan, warning->issued_by);
    announcement->section = warning->section;
    announcement->area_name = plan_area_name(plan, warning->area);
}

/* The words by hand, or those prepared. */
static void words_of_correction(struct ld_arena *arena, struct announcement *announcement,
                                struct plan_text words)
{
    struct plan_text headline = announcement->headline;
    announcement->headline.zh = ld_arena_format(arena, "更正：%s", headline.zh);
    announcement->headline.en = ld_arena_format(arena, "Correction: %s", headline.en);
    announcement->body.zh = *words.zh != '\0' ? words.zh : announcement->correction.zh;
    announcement->body.en = *words.en != '\0' ? words.en : announcement->correction.en;
    announcement->public_body = announcement->neighbour_body = announcement->body;
}

void words_fill(struct ld_arena *arena, struct announcement *announcement,
                const struct plan_text *correction)
{
    static const struct plan_text CORRECTION = {
        "此前发布的{area}{hazard}{colour}（{level}"
        "级）通知有误，请勿据此行动。请以政府后续发布的信息为准。",
        "The notice about {hazard} in {area} ({colour}, level {level}) was wrong. Do not act on "
        "it. "
        "Follow what the authorities say next."};
    if (announcement->warning != NULL) {
        words_of_warning(arena, announcement);
    } else {
        words_of_response(arena, announcement);
    }
    announcement->correction =
        template_fill(arena, announcement->incident->plan, announcement->incident,
                      announcement->response, announcement->level, CORRECTION);
    if (correction != NULL) {
        words_of_correction(arena, announcement, *correction);
    }
    if (announcement->event->exercise) {
        struct plan_text headline = announcement->headline;
        announcement->headline.zh = ld_arena_format(arena, "【演练】%s", headline.zh);
        announcement->headline.en = ld_arena_format(arena, "EXERCISE: %s", headline.en);
    }
}
