/*
 * Happy path: the simulator is fed with the log's events and ticks at their own times; an adoption
 * of a plan that is to be another one carries that one's files instead, a plan that the log does
 * not know is adopted before everything else. What is added runs as a scenario whose bus is this
 * run: when it lets time pass, the log's events up to then are fed.
 *
 * Ways it fails: only what is added can (a plan that cannot be read).
 */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picture/keep.h"
#include "scenario/run.h"
#include "services/common/sim.h"
#include "timefmt.h"

struct running {
    const struct log_inputs *inputs;
    struct whatif_changes *changes; /* NULL: none */
    struct course *course;
    struct sv_sim *sim;
    size_t next; /* input to feed */
    scenario_record_fn *each;
    void *data;
};

static void take(const struct ld_record *record, void *data)
{
    struct running *running = data;
    course_take(running->course, record);
    if (running->each != NULL)
        running->each(record, running->data);
}

/* ---- plans ---- */

static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* The adoption of the plan, packed; the caller's. */
static uint8_t *pack_adoption(const struct whatif_plan *plan, const char *author, size_t *size)
{
    size_t count = plan->bundle.count;
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__PlanAdoption adoption = LIANDONG__V1__PLAN_ADOPTION__INIT;
    Liandong__V1__PlanAdoption__File *files = keep_zeroed((count + 1) * sizeof *files);
    adoption.files = keep_zeroed((count + 1) * sizeof(Liandong__V1__PlanAdoption__File *));
    for (size_t i = 0; i < count; i++) {
        liandong__v1__plan_adoption__file__init(&files[i]);
        files[i].name = borrowed(plan->bundle.files[i].name);
        files[i].content.data = (uint8_t *)borrowed(plan->bundle.files[i].content);
        files[i].content.len = plan->bundle.files[i].size;
        adoption.files[adoption.n_files++] = &files[i];
    }
    context.author = borrowed(author);
    context.plan = borrowed(plan->plan->id);
    context.plan_hash = plan->plan->hash;
    adoption.context = &context;
    *size = liandong__v1__plan_adoption__get_packed_size(&adoption);
    uint8_t *packed = keep_zeroed(*size + 1);
    liandong__v1__plan_adoption__pack(&adoption, packed);
    free(adoption.files);
    free(files);
    return packed;
}

/* The plan that takes the place of the one adopted there; NULL: none. */
static struct whatif_plan *replacement(struct whatif_changes *changes, const struct ld_record *at)
{
    static const char PREFIX[] = "plan/";
    size_t head = sizeof PREFIX - 1;
    if (changes == NULL || at->topic_size <= head || memcmp(at->topic, PREFIX, head) != 0)
        return NULL;
    for (size_t i = 0; i < changes->plan_count; i++) {
        const char *id = changes->plans[i].plan->id;
        if (strlen(id) == at->topic_size - head &&
            memcmp(id, at->topic + head, at->topic_size - head) == 0)
            return &changes->plans[i];
    }
    return NULL;
}

static void append_adoption(struct running *running, struct whatif_plan *plan,
                            const struct log_input *input)
{
    struct ld_record record = input->record;
    size_t size;
    char *author = keep_format(
        "%.*s", (int)strcspn(input->producer != NULL ? input->producer : "operator", "#"),
        input->producer != NULL ? input->producer : "operator");
    uint8_t *payload = pack_adoption(plan, author, &size);
    record.payload = payload;
    record.payload_size = (uint32_t)size;
    sv_sim_append(running->sim, &record);
    free(payload);
    free(author);
}

static void adopt_first(struct running *running, struct whatif_plan *plan)
{
    size_t size;
    uint8_t *payload = pack_adoption(plan, "operator", &size);
    char *topic = keep_format("plan/%s", plan->plan->id);
    struct ld_record record = {.producer = ld_producer_id("operator#whatif", 15),
                               .producer_sequence = 1,
                               .topic = topic,
                               .topic_size = (uint16_t)strlen(topic),
                               .payload = payload,
                               .payload_size = (uint32_t)size,
                               .flags = LD_RECORD_EXERCISE,
                               .time_us = running->inputs->first_us};
    course_added(running->course);
    sv_sim_append(running->sim, &record);
    free(topic);
    free(payload);
}

static void find_replaced(struct running *running)
{
    struct whatif_changes *changes = running->changes;
    for (size_t i = 0; changes != NULL && i < running->inputs->count; i++) {
        struct whatif_plan *plan = replacement(changes, &running->inputs->all[i].record);
        if (plan != NULL)
            plan->replaces = true;
    }
    for (size_t i = 0; changes != NULL && i < changes->plan_count; i++)
        if (!changes->plans[i].replaces)
            adopt_first(running, &changes->plans[i]);
}

/* ---- the log's events ---- */

static bool is_dropped(const struct whatif_changes *changes, const struct log_input *input)
{
    uint64_t sequence = input->record.sequence;
    if (changes == NULL || input->tick)
        return false;
    if (changes->until != 0 && sequence > changes->until)
        return true;
    for (size_t i = 0; i < changes->drop_count; i++)
        if (sequence >= changes->drops[i].from && sequence <= changes->drops[i].until)
            return true;
    return false;
}

static void feed_one(struct running *running, const struct log_input *input)
{
    if (is_dropped(running->changes, input))
        return;
    struct whatif_plan *plan = replacement(running->changes, &input->record);
    course_input(running->course, input->record.sequence);
    if (plan != NULL)
        append_adoption(running, plan, input);
    else
        sv_sim_append(running->sim, &input->record);
}

static void feed_until(struct running *running, int64_t time_us)
{
    const struct log_inputs *inputs = running->inputs;
    while (running->next < inputs->count && inputs->all[running->next].record.time_us <= time_us)
        feed_one(running, &inputs->all[running->next++]);
}

/* ---- the bus of what is added ---- */

/* Day 1 is the log's first day, unless the file names a date. */
static int bus_start(void *self, int64_t *start_us, bool may_move, scenario_record_fn *each,
                     void *data, struct ld_error *error)
{
    struct running *running = self;
    (void)error;
    running->each = each;
    running->data = data;
    if (may_move)
        *start_us = ld_china_midnight(running->inputs->first_us);
    return LD_OK;
}

static int bus_publish(void *self, const char *author, const char *topic, const void *payload,
                       size_t payload_size, uint64_t *sequence, struct ld_error *error)
{
    struct running *running = self;
    char producer[128];
    snprintf(producer, sizeof producer, "%s#whatif", author);
    course_added(running->course);
    return sv_sim_publish(running->sim, producer, topic, payload, payload_size, LD_RECORD_EXERCISE,
                          sequence, error);
}

static int bus_settle(void *self, struct ld_error *error)
{
    (void)self;
    (void)error;
    return LD_OK;
}

static int bus_advance(void *self, int64_t time_us, struct ld_error *error)
{
    struct running *running = self;
    (void)error;
    feed_until(running, time_us);
    sv_sim_advance(running->sim, time_us);
    return LD_OK;
}

static int run_added(struct running *running, const struct ld_context *context,
                     struct ld_error *error)
{
    struct scenario_result result;
    struct scenario_bus bus = {.self = running,
                               .start = bus_start,
                               .publish = bus_publish,
                               .settle = bus_settle,
                               .advance = bus_advance};
    struct scenario_options options = {.context = context, .bus = &bus};
    int code = scenario_run(running->changes->add, &options, &result, error);
    running->each = NULL;
    return code;
}

/* ---- the whole ---- */

int whatif_run(const struct ld_context *context, const struct log_inputs *inputs,
               struct whatif_changes *changes, struct course *course, struct ld_error *error)
{
    struct running running = {.inputs = inputs, .changes = changes, .course = course};
    int code = LD_OK;
    running.sim = sv_sim_open(inputs->first_us, take, &running);
    sv_host_add_all(sv_sim_host(running.sim));
    find_replaced(&running);
    if (changes != NULL && changes->add != NULL)
        code = run_added(&running, context, error);
    if (code == LD_OK)
        feed_until(&running, INT64_MAX);
    course_end(course);
    sv_sim_close(running.sim);
    return code;
}
