#include "pending.h"

#include <string.h>

#include "picture/event_json.h"
#include "picture/steps.h"

/* What a closed incident still waited for nobody waits for any more. */
static const char QUESTION[] =
    "SELECT p.*,"
    " (SELECT group_concat(ifnull(u.name_zh, e.value), '、') FROM json_each(p.next_by) e"
    "  LEFT JOIN unit u ON u.exercise = p.exercise AND u.unit = e.value) AS by_zh,"
    " (SELECT group_concat(ifnull(u.name_en, e.value), ', ') FROM json_each(p.next_by) e"
    "  LEFT JOIN unit u ON u.exercise = p.exercise AND u.unit = e.value) AS by_en "
    "FROM (SELECT exercise, incident, area, 'response' AS matter, level, next, next_by, section,"
    "   time_us FROM response WHERE next <> ''"
    "  UNION ALL SELECT exercise, incident, area, 'warning', level, next, next_by, section,"
    "   time_us FROM warning WHERE by_figures = 0 AND next <> '') p"
    " JOIN incident i USING(exercise, incident) "
    "WHERE i.closed_at_us IS NULL AND (:incident IS NULL OR incident = :incident)"
    " AND (:area IS NULL OR substr(p.area, 1, length(:area)) = :area)"
    " AND (:unit IS NULL OR EXISTS (SELECT 1 FROM json_each(p.next_by) WHERE value = :unit)) "
    "ORDER BY p.time_us, incident, matter, p.area, exercise";

json_t *pending_ask(struct model *model, const struct model_filter *filter, struct ld_error *error)
{
    return model_ask(model, QUESTION, filter, error);
}

/* "response II orange", "the end of the response" */
static void put_matter(const struct cli *cli, const json_t *row, char *text, size_t size)
{
    bool warning = strcmp(model_text(row, "matter"), "warning") == 0;
    int level = (int)model_number(row, "level");
    if (level == PLAN_NONE)
        snprintf(text, size, "%s",
                 warning ? cli_say(cli, "解除预警", "the lifting of the warning")
                         : cli_say(cli, "终止响应", "the end of the response"));
    else
        snprintf(text, size, "%s %s",
                 warning ? cli_say(cli, "预警", "warning") : cli_say(cli, "响应", "response"),
                 cli_level(cli, level));
}

static void print_row(const struct cli *cli, const struct model_about *about, const json_t *row)
{
    char matter[80], age[CLI_AGE_SIZE];
    const char *next = model_text(row, "next");
    put_matter(cli, row, matter, sizeof matter);
    cli_age(cli, age, about->time_us - model_number(row, "time_us"));
    printf("%s%s%s %s%s %s%s", cli_on(cli, CLI_YELLOW), cli_say(cli, "等待办理 ", "waited for: "),
           model_text(row, "incident"), model_text(row, "area"),
           model_number(row, "exercise") != 0 ? cli_say(cli, "（演练）", " (exercise)") : "",
           matter, cli_off(cli));
    printf(cli_say(cli, "：%s，由 %s，已等 %s（%s）\n", ": %s, by %s, for %s (%s)\n"),
           cli_say(cli, steps_act_zh(next), next),
           cli_text(cli, (struct plan_text){model_text(row, "by_zh"), model_text(row, "by_en")}),
           age, model_text(row, "section"));
}

void pending_print(const struct cli *cli, const struct model_about *about, json_t *rows)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row) print_row(cli, about, row);
}

json_t *pending_json(json_t *rows)
{
    json_t *all = json_array(), *row;
    size_t index;
    json_array_foreach(rows, index, row)
    {
        char time[EVENT_TIME_SIZE];
        json_t *by = json_loads(model_text(row, "next_by"), 0, NULL);
        json_array_append_new(
            all,
            json_pack("{s:s,s:b,s:s,s:s,s:s,s:s,s:o,s:s,s:s}", "incident",
                      model_text(row, "incident"), "exercise", model_number(row, "exercise") != 0,
                      "area", model_text(row, "area"), "matter", model_text(row, "matter"), "level",
                      plan_level_name((int)model_number(row, "level")), "next",
                      model_text(row, "next"), "by", by != NULL ? by : json_array(), "since",
                      event_time(time, model_number(row, "time_us")), "section",
                      model_text(row, "section")));
    }
    return all;
}
