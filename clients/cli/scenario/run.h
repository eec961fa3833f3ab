/*
 * Running a scenario over a bus, in memory or live: advance to each step's time, act, let all that
 * follows settle, compare with what is expected.
 *
 * Besides what the file expects, every event that a step publishes must be taken: a refusal that
 * the step does not expect is a failure.
 */
#ifndef SCENARIO_RUN_H
#define SCENARIO_RUN_H

#include "picture/picture.h"
#include "scenario.h"

typedef void scenario_record_fn(const struct ld_record *record, void *data);

/* Where a scenario runs. All functions answer LD_OK or a code with the reason. */
struct scenario_bus {
    void *self;
    /* Begins at *start_us; a bus whose clock is past it moves it to a later local midnight if
     * may_move, else answers LD_REFUSED. each is called for every record from now on, in order. */
    int (*start)(void *self, int64_t *start_us, bool may_move, scenario_record_fn *each, void *data,
                 struct ld_error *error);
    /* Publishes through the unit's own producer, as exercise; *sequence is its place. */
    int (*publish)(void *self, const char *author, const char *topic, const void *payload,
                   size_t payload_size, uint64_t *sequence, struct ld_error *error);
    /* Returns when all that follows from what was published has been shown to each. */
    int (*settle)(void *self, struct ld_error *error);
    /* Lets time pass to time_us (settled before and after). */
    int (*advance)(void *self, int64_t time_us, struct ld_error *error);
    /* Waits until done says so; NULL where nobody else acts. LD_TIMEOUT with what was awaited. */
    int (*wait)(void *self, bool (*done)(void *data), void *data, const char *what,
                struct ld_error *error);
};

struct scenario_failure {
    int line;
    const char *what;     /* "grade", "refused", … */
    const char *expected; /* borrowed for the call, as the two below */
    const char *found;
};

struct scenario_result {
    size_t steps, published, derived, expectations, failures;
    int64_t start_us, end_us; /* of the scenario's own time */
};

struct scenario_run;

struct scenario_options {
    const struct ld_context *context;
    struct scenario_bus *bus;
    int64_t start_us;      /* 0: as the scenario says */
    bool external_replies; /* acknowledgements come from the units' own clients */
    /* All optional, called as it happens. */
    void (*record)(const struct ld_record *record, const struct picture_event *event,
                   const struct picture *picture, void *data);
    void (*stepping)(const struct scenario_step *step, int64_t time_us, void *data); /* before */
    void (*stepped)(const struct scenario_step *step, size_t index, int64_t time_us,
                    const struct picture *picture, void *data);
    void (*failed)(const struct scenario_failure *failure, void *data);
    void *data;
};

/* LD_OK when it ran to its end (result says whether expectations held); else why it could not. */
int scenario_run(const struct scenario *scenario, const struct scenario_options *options,
                 struct scenario_result *result, struct ld_error *error) LD_MUST_USE;

/* The bus in memory. Freed by scenario_memory_close. */
struct scenario_bus *scenario_memory_open(void);
void scenario_memory_close(struct scenario_bus *bus);

#endif
