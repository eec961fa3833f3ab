/*
 * A scenario on the screen. Text: notes of steps, the story as it happens, failures, the verdict;
 * on a terminal a progress line beneath. JSON: one line per story line (or, with --events, per
 * event), per failure, and the verdict at last.
 */
#include "playing.h"

#include <stdlib.h>
#include <string.h>

#include "picture/event_json.h"
#include "picture/story.h"
#include "recording.h"
#include "telling.h"
#include "timefmt.h"

struct show {
    const struct playing *playing;
    const struct scenario *scenario;
    struct story *story;
    struct picture_incident *newest;
    int64_t began_us;
    bool progress; /* a progress line is wanted */
    bool progress_shown;
};

static void clear_progress(struct show *show)
{
    if (show->progress_shown)
        fputs("\r\033[K", stdout);
    show->progress_shown = false;
}

static void tell_line(const struct story_line *line, void *data)
{
    struct show *show = data;
    if (show->playing->quiet || show->playing->events)
        return;
    clear_progress(show);
    telling_line(line, (void *)(uintptr_t)show->playing->cli);
}

static void show_event(const struct show *show, const struct ld_record *record,
                       const struct picture_event *event, const struct picture *picture)
{
    const struct cli *cli = show->playing->cli;
    const char *producer = picture_producer_name(picture, record->producer);
    json_t *json = event_json(record, event->family == SV_PLAN ? NULL : event->message, producer);
    if (cli->json) {
        cli_print_json(json);
        return;
    }
    char time[CLI_TIME_SIZE];
    char *message = json_dumps(json_object_get(json, "message"), JSON_COMPACT | JSON_ENCODE_ANY);
    printf("%s %6llu %.*s %s\n", cli_time(time, record->time_us),
           (unsigned long long)record->sequence, (int)record->topic_size, record->topic,
           message != NULL ? message : "");
    free(message);
    json_decref(json);
}

static void take_record(const struct ld_record *record, const struct picture_event *event,
                        const struct picture *picture, void *data)
{
    struct show *show = data;
    if (event->incident != NULL)
        show->newest = event->incident;
    if (show->playing->events && !show->playing->quiet && event->family != SV_TICK &&
        event->family != SV_OTHER)
        show_event(show, record, event, picture);
    if (show->playing->recording != NULL)
        recording_take(show->playing->recording, record);
    story_take(show->story, record, event);
}

static void take_start(const struct scenario_step *step, int64_t time_us, void *data)
{
    struct show *show = data;
    const struct cli *cli = show->playing->cli;
    char time[CLI_TIME_SIZE];
    story_flush(show->story);
    if (step->note.zh[0] == '\0' || show->playing->quiet || cli->json)
        return;
    clear_progress(show);
    printf("%s%s  — %s%s\n", cli_on(cli, CLI_BOLD), cli_time(time, time_us),
           cli_text(cli, step->note), cli_off(cli));
}

static void show_progress(struct show *show, size_t index, int64_t time_us)
{
    char time[CLI_TIME_SIZE];
    size_t count = show->scenario->step_count;
    if (!show->progress)
        return;
    printf("\r\033[K[%zu/%zu] %s", index + 1, count, cli_time(time, time_us));
    fflush(stdout);
    show->progress_shown = true;
}

/* What stands at the end, while the picture is still there. */
static void show_end(struct show *show)
{
    const struct cli *cli = show->playing->cli;
    if (show->playing->quiet || show->playing->events || show->newest == NULL)
        return;
    clear_progress(show);
    if (cli->json)
        cli_print_json(telling_incident_json(show->newest));
    else
        telling_incident(cli, show->newest, story_names(show->story));
}

static void take_step(const struct scenario_step *step, size_t index, int64_t time_us,
                      const struct picture *picture, void *data)
{
    struct show *show = data;
    (void)step;
    (void)picture;
    story_flush(show->story);
    show_progress(show, index, time_us);
    if (index + 1 == show->scenario->step_count)
        show_end(show);
}

static void take_failure(const struct scenario_failure *failure, void *data)
{
    struct show *show = data;
    const struct cli *cli = show->playing->cli;
    story_flush(show->story);
    clear_progress(show);
    if (cli->json) {
        cli_print_json(json_pack("{s:s,s:s,s:i,s:s,s:s,s:s}", "kind", "failure", "file",
                                 show->playing->path, "line", failure->line, "what", failure->what,
                                 "expected", failure->expected, "found", failure->found));
        return;
    }
    printf("%s%s:%d: %s: %s %s; %s %s%s\n", cli_on(cli, CLI_RED), show->playing->path,
           failure->line, failure->what, cli_say(cli, "应为", "expected"), failure->expected,
           cli_say(cli, "实为", "found"), failure->found, cli_off(cli));
}

/* ---- begin and end ---- */

static void show_title(const struct show *show)
{
    const struct cli *cli = show->playing->cli;
    const char *title = cli_text(cli, show->scenario->title);
    if (cli->json || show->playing->quiet)
        return;
    printf("%s%s%s (%s)\n", cli_on(cli, CLI_BOLD), title[0] != '\0' ? title : show->scenario->name,
           cli_off(cli), show->playing->path);
}

static void verdict_json(const struct show *show, const struct scenario_result *result)
{
    char start[EVENT_TIME_SIZE], end[EVENT_TIME_SIZE];
    json_t *verdict = json_pack(
        "{s:s,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:s,s:s}", "kind", "verdict", "scenario",
        show->scenario->name, "holds", result->failures == 0, "steps", (json_int_t)result->steps,
        "published", (json_int_t)result->published, "derived", (json_int_t)result->derived,
        "expectations", (json_int_t)result->expectations, "failures", (json_int_t)result->failures,
        "start", event_time(start, result->start_us), "end", event_time(end, result->end_us));
    cli_print_json(verdict);
}

static void show_verdict(struct show *show, const struct scenario_result *result)
{
    const struct cli *cli = show->playing->cli;
    bool holds = result->failures == 0;
    clear_progress(show);
    if (cli->json) {
        verdict_json(show, result);
        return;
    }
    double seconds =
        (double)(ld_monotonic_us(cli->context) - show->began_us) / (double)LD_US_SECOND;
    printf(
        cli_say(
            cli,
            "%s%s%s：%zu 步，发布 %zu 个事件，派生 %zu 个，预期 %zu 条，不符 %zu 条（%.2f 秒）\n",
            "%s%s%s: %zu steps, %zu events published, %zu derived, %zu expectations, "
            "%zu failures (%.2f s)\n"),
        cli_on(cli, holds ? CLI_GREEN : CLI_RED),
        holds ? cli_say(cli, "符合预期", "as expected")
              : cli_say(cli, "不符合预期", "not as expected"),
        cli_off(cli), result->steps, result->published, result->derived, result->expectations,
        result->failures, seconds);
}

static int run(struct show *show, struct scenario_bus *bus)
{
    const struct playing *playing = show->playing;
    struct scenario_result result;
    struct ld_error error;
    struct scenario_options options = {.context = playing->cli->context,
                                       .bus = bus,
                                       .start_us = playing->start_us,
                                       .external_replies = playing->external_replies,
                                       .record = take_record,
                                       .stepping = take_start,
                                       .stepped = take_step,
                                       .failed = take_failure,
                                       .data = show};
    show->began_us = ld_monotonic_us(playing->cli->context);
    show_title(show);
    int code = scenario_run(show->scenario, &options, &result, &error);
    story_flush(show->story);
    clear_progress(show);
    if (code != LD_OK)
        return cli_fail(playing->cli, &error);
    show_verdict(show, &result);
    return result.failures == 0 ? CLI_OK : CLI_FAILED;
}

int playing_run(const struct playing *playing, struct scenario_bus *bus)
{
    struct scenario *scenario = NULL;
    struct ld_buffer findings = {0};
    struct ld_error error;
    int code = scenario_read(playing->cli->context, playing->path, &scenario, &findings, &error);
    if (code != LD_OK) {
        if (findings.size > 0)
            fputs(ld_buffer_string(&findings), stderr);
        else
            (void)cli_fail(playing->cli, &error);
        ld_buffer_free(&findings);
        return code == LD_INVALID ? CLI_USAGE : cli_exit_of(code);
    }
    ld_buffer_free(&findings);
    struct show show = {.playing = playing,
                        .scenario = scenario,
                        .progress = playing->cli->terminal && !playing->cli->json &&
                                    !playing->quiet && !playing->events};
    show.story = story_open(STORY_ALL & ~STORY_BIT(STORY_REPEAT), NULL, tell_line, &show);
    int status = run(&show, bus);
    story_close(show.story);
    scenario_free(scenario);
    return status;
}
