#include "late.h"

#include <string.h>

#include "picture/event_json.h"
#include "timefmt.h"

/* Of what comes round only its newest miss is owed, as long as nothing is heard. What is due after
 * the incident's closing belongs to the after-care. */
static const char QUESTION[] =
    "SELECT c.* FROM clock c LEFT JOIN incident i USING(exercise, incident) WHERE"
    " (:incident IS NULL OR incident = :incident) AND (:unit IS NULL OR responsible = :unit) AND"
    " (:area IS NULL OR substr(c.area, 1, length(:area)) = :area) AND"
    " (i.closed_at_us IS NULL OR c.due_at_us > i.closed_at_us) AND"
    " (c.state = 'WARNED' OR c.state = 'MISSED' AND"
    "  (c.missed_in_a_row = 0 OR c.silent_since_us IS NOT NULL))"
    " ORDER BY ifnull(c.silent_since_us, c.due_at_us), c.due_at_us, c.area,"
    " c.responsible, c.clock, incident, exercise";

json_t *late_ask(struct model *model, const struct model_filter *filter, struct ld_error *error)
{
    return model_ask(model, QUESTION, filter, error);
}

static bool is_missed(const json_t *row)
{
    return strcmp(model_text(row, "state"), "MISSED") == 0;
}

/* "2d, 3 in a row"; "" if it does not come round. */
static const char *silence(const struct cli *cli, const struct model_about *about,
                           const json_t *row, char *text, size_t size)
{
    char age[CLI_AGE_SIZE];
    int64_t since_us = model_number(row, "silent_since_us");
    text[0] = '\0';
    if (since_us != 0)
        snprintf(text, size, cli_say(cli, "%s，连续 %lld 次", "%s, %lld in a row"),
                 cli_age(cli, age, about->time_us - since_us),
                 (long long)model_number(row, "missed_in_a_row"));
    return text;
}

/* What is shown of a row, in both forms. */
struct shown {
    const char *state, *incident, *what;
    enum cli_style style;
    char due[CLI_TIME_SIZE], age[CLI_AGE_SIZE], silent[2 * CLI_AGE_SIZE];
};

static void show(const struct cli *cli, const struct model_about *about, const json_t *row,
                 struct shown *shown)
{
    int64_t due_us = model_number(row, "due_at_us");
    bool missed = is_missed(row);
    shown->state = missed ? cli_say(cli, "超时", "missed") : cli_say(cli, "将到期", "due soon");
    shown->style = missed ? CLI_RED : CLI_YELLOW;
    shown->incident = model_text(row, "incident");
    shown->what =
        cli_text(cli, (struct plan_text){model_text(row, "text_zh"), model_text(row, "text_en")});
    cli_time(shown->due, due_us);
    cli_age(cli, shown->age, missed ? about->time_us - due_us : due_us - about->time_us);
    silence(cli, about, row, shown->silent, sizeof shown->silent);
}

static const char *world_of(const struct cli *cli, const json_t *row)
{
    return model_number(row, "exercise") != 0 ? cli_say(cli, "演练", "exercise") : "";
}

static void print_table(const struct cli *cli, const struct model_about *about, json_t *rows)
{
    static const struct cli_column COLUMNS[] = {{.name = {"单位", "UNIT"}},
                                                {.name = {"时限", "LIMIT"}},
                                                {.name = {"", ""}},
                                                {.name = {"期限", "DUE"}},
                                                {.name = {"早晚", "BY"}},
                                                {.name = {"失联", "SILENT"}},
                                                {.name = {"事件", "INCIDENT"}},
                                                {.name = {"", ""}},
                                                {.name = {"内容", "WHAT"}, .wrap = true}};
    size_t index;
    json_t *row;
    struct cli_table *table = cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    json_array_foreach(rows, index, row)
    {
        struct shown shown;
        show(cli, about, row, &shown);
        const char *cells[] = {model_text(row, "responsible"),
                               model_text(row, "clock"),
                               shown.state,
                               shown.due,
                               shown.age,
                               shown.silent,
                               shown.incident,
                               world_of(cli, row),
                               shown.what};
        cli_table_row_in(table, shown.style, cells);
    }
    cli_table_print(table);
}

static void print_paragraphs(const struct cli *cli, const struct model_about *about, json_t *rows)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        struct shown shown;
        show(cli, about, row, &shown);
        printf("%s%s %s%s %s %s (%s)%s%s\n", cli_on(cli, shown.style),
               model_text(row, "responsible"), model_text(row, "clock"), cli_off(cli), shown.state,
               shown.due, shown.age,
               shown.silent[0] != '\0' ? cli_say(cli, "，失联 ", ", silent ") : "", shown.silent);
        printf("  %s%s%s: %s\n", shown.incident, world_of(cli, row)[0] != '\0' ? " " : "",
               world_of(cli, row), shown.what);
    }
}

void late_print(const struct cli *cli, const struct model_about *about, json_t *rows)
{
    enum { TABLE_WIDTH_MIN = 180 };
    if (json_array_size(rows) == 0)
        return;
    if (cli_screen_width(cli) >= TABLE_WIDTH_MIN)
        print_table(cli, about, rows);
    else
        print_paragraphs(cli, about, rows);
}

/* Column, and what it is called. */
static const struct {
    const char *column, *name;
} MEMBERS[] = {{"incident", "incident"},
               {"exercise", "exercise?"},
               {"clock", "clock"},
               {"area", "area"},
               {"responsible", "responsible"},
               {"state", "state"},
               {"due_at_us", "due_at_us"},
               {"silent_since_us", "silent_since_us"},
               {"missed_in_a_row", "missed_in_a_row"},
               {"section", "section"},
               {"text_zh", "text.zh"},
               {"text_en", "text.en"}};

json_t *late_json(json_t *rows)
{
    json_t *all = json_array(), *row;
    size_t index;
    json_array_foreach(rows, index, row)
    {
        json_t *named = json_object();
        for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
            json_t *value = json_object_get(row, MEMBERS[i].column);
            if (value != NULL)
                json_object_set(named, MEMBERS[i].name, value);
        }
        json_array_append_new(all, model_public(named));
        json_decref(named);
    }
    return all;
}
