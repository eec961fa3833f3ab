/* How a story is shown: one line each, and a summary of each incident at the end. */
#include "telling.h"

#include <stdlib.h>
#include <string.h>

#include "picture/enum_name.h"
#include "picture/event_json.h"
#include "timefmt.h"

static json_t *line_json(const struct story_line *line)
{
    char text[EVENT_TIME_SIZE];
    json_t *object = json_object();
    json_object_set_new(object, "time", json_string(event_time(text, line->time_us)));
    json_object_set_new(object, "sequence", json_integer((json_int_t)line->sequence));
    json_object_set_new(object, "kind", json_string(story_kind_name(line->kind)));
    json_object_set_new(object, "incident", json_string(line->incident));
    json_object_set_new(object, "exercise", json_boolean(line->exercise));
    json_object_set_new(object, "zh", json_string(line->text.zh));
    json_object_set_new(object, "en", json_string(line->text.en));
    json_object_set(object, "details", line->details);
    return object;
}

void telling_line(const struct story_line *line, void *data)
{
    const struct cli *cli = data;
    char time[CLI_TIME_SIZE];
    if (cli->json) {
        cli_print_json(line_json(line));
        return;
    }
    enum cli_style style = line->alarming ? CLI_RED : cli_level_style(line->level);
    printf("%s%s%s  %s%s%s%s\n", cli_on(cli, CLI_DIM), cli_time(time, line->time_us), cli_off(cli),
           cli_on(cli, style), line->exercise ? cli_say(cli, "【演练】", "[exercise] ") : "",
           cli_text(cli, line->text), cli_off(cli));
}

/* ---- the summary of an incident ---- */

static void print_totals(const struct cli *cli, const struct picture_incident *incident,
                         const struct plan *names)
{
    bool first = true;
    for (size_t i = 0; names != NULL && i < names->measure_count; i++) {
        const struct plan_measure *measure = &names->measures[i];
        double total = picture_total(incident, measure->id);
        if (measure->kind != PLAN_COUNT_MEASURE || total == 0)
            continue;
        printf("%s%s %g", first ? cli_say(cli, "  累计：", "  totals: ") : ", ",
               cli_text(cli, measure->name), total);
        first = false;
    }
    if (!first)
        putchar('\n');
}

static const char *const STATES_ZH[PICTURE_STATES] = {"",       "已下达", "已送达", "已确认",
                                                      "已接受", "已拒绝", "办理中", "已办结",
                                                      "逾期",   "已督办", "已替换", "已撤销"};

const char *order_state(const struct cli *cli, char word[ENUM_WORD_SIZE], int state)
{
    if (cli->zh && state > 0 && state < PICTURE_STATES)
        return STATES_ZH[state];
    return enum_word(word, &liandong__v1__duty_order__state__descriptor, state);
}

static void print_orders(const struct cli *cli, const struct picture_incident *incident)
{
    struct picture_matrix matrix;
    char word[ENUM_WORD_SIZE];
    picture_count(incident, NULL, &matrix);
    printf(cli_say(cli, "  任务：%zu 个单位 %zu 项", "  orders: %zu units, %zu orders"),
           matrix.units, matrix.orders);
    for (int state = 1; state < PICTURE_STATES; state++)
        if (matrix.states[state] > 0)
            printf(cli_say(cli, "，%s %zu", ", %s %zu"), order_state(cli, word, state),
                   matrix.states[state]);
    printf(cli_say(cli, "；%zu 个单位曾逾期，%zu 个上报督办\n",
                   "; %zu units were overdue, %zu escalated\n"),
           matrix.overdue_units, matrix.escalated_units);
}

static void count_clocks(const struct picture_incident *incident, size_t *met, size_t *late,
                         size_t *missed, size_t *running)
{
    *met = *late = *missed = *running = 0;
    for (const struct picture_clock *at = incident->clocks; at != NULL; at = at->hh.next) {
        *met += at->last->state == LIANDONG__V1__CLOCK__STATE__MET && at->last->late_us == 0;
        *late += at->last->state == LIANDONG__V1__CLOCK__STATE__MET && at->last->late_us > 0;
        *missed += at->last->state == LIANDONG__V1__CLOCK__STATE__MISSED;
        *running += at->last->state == LIANDONG__V1__CLOCK__STATE__STARTED ||
                    at->last->state == LIANDONG__V1__CLOCK__STATE__WARNED;
    }
}

void telling_incident(const struct cli *cli, const struct picture_incident *incident,
                      const struct plan *names)
{
    if (incident == NULL)
        return;
    const Liandong__V1__Response *response = picture_response_of(incident, NULL);
    size_t met, late, missed, running;
    count_clocks(incident, &met, &late, &missed, &running);
    printf("%s%s%s%s  %s\n", cli_on(cli, CLI_BOLD), incident->id, cli_off(cli),
           incident->exercise ? cli_say(cli, "（演练）", " (exercise)") : "",
           incident->closed ? cli_say(cli, "已结案", "closed") : cli_say(cli, "进行中", "open"));
    printf(cli_say(cli, "  分级 %s；", "  grade %s; "),
           cli_level(cli, incident->grade != NULL ? (int)incident->grade->level : 0));
    printf(cli_say(cli, "预警 %s；", "warning %s; "),
           cli_level(cli, picture_warning_in_force(incident)));
    printf(cli_say(cli, "响应 %s；报告 %u 份\n", "response %s; %u reports\n"),
           cli_level(cli, response != NULL ? (int)response->in_force : 0),
           HASH_COUNT(incident->reports));
    print_totals(cli, incident, names);
    print_orders(cli, incident);
    printf(cli_say(cli, "  时限：满足 %zu，迟到 %zu，超时 %zu，进行中 %zu；通知 %zu 份\n",
                   "  clocks: %zu met, %zu met late, %zu missed, %zu running; %zu notices\n"),
           met, late, missed, running, incident->notice_count);
}

static json_t *orders_json(const struct picture_incident *incident)
{
    struct picture_matrix matrix;
    char word[ENUM_WORD_SIZE];
    picture_count(incident, NULL, &matrix);
    json_t *states = json_object();
    for (int state = 1; state < PICTURE_STATES; state++)
        json_object_set_new(states,
                            enum_word(word, &liandong__v1__duty_order__state__descriptor, state),
                            json_integer((json_int_t)matrix.states[state]));
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "units", (json_int_t)matrix.units, "orders",
                     (json_int_t)matrix.orders, "open", (json_int_t)matrix.open,
                     "acknowledged_units", (json_int_t)matrix.acknowledged_units, "overdue_units",
                     (json_int_t)matrix.overdue_units, "escalated_units",
                     (json_int_t)matrix.escalated_units, "states", states);
}

json_t *telling_incident_json(const struct picture_incident *incident)
{
    const Liandong__V1__Response *response = picture_response_of(incident, NULL);
    size_t met, late, missed, running;
    count_clocks(incident, &met, &late, &missed, &running);
    json_t *object =
        json_pack("{s:s,s:b,s:b,s:s,s:s,s:s,s:i,s:o,s:i}", "incident", incident->id, "exercise",
                  incident->exercise, "closed", incident->closed, "grade",
                  plan_level_name(incident->grade != NULL ? (int)incident->grade->level : 0),
                  "warning", plan_level_name(picture_warning_in_force(incident)), "response",
                  plan_level_name(response != NULL ? (int)response->in_force : 0), "reports",
                  (int)HASH_COUNT(incident->reports), "orders", orders_json(incident), "notices",
                  (int)incident->notice_count);
    json_object_set_new(object, "clocks",
                        json_pack("{s:I,s:I,s:I,s:I}", "met", (json_int_t)met, "late",
                                  (json_int_t)late, "missed", (json_int_t)missed, "running",
                                  (json_int_t)running));
    if (incident->last != NULL)
        json_object_set_new(object, "area", json_string(incident->last->area));
    if (incident->last != NULL)
        json_object_set_new(object, "hazard", json_string(incident->last->hazard));
    return object;
}
