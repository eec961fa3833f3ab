/*
 * Good clients beside bad ones: one author and some listeners, on one loop in the calling thread.
 * Each listener must hear each event once, in order; half of them listen with a filter.
 */
#ifndef TESTS_FAULT_GOOD_H
#define TESTS_FAULT_GOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GOOD_PAYLOAD_BYTES = 256 };

struct good {
    const char *endpoint;
    size_t listeners;
    size_t events;     /* to be published */
    unsigned pace_ms;  /* one event so often; 0: as they are answered, WINDOW at once */
    int64_t *times_ns; /* NULL, or listeners * events: from publishing to each listener */
    int deadline_s;    /* then it is given up */
    /* Optional: asked after all was heard; false: publish as many again. */
    bool (*enough)(void *data);
    void *data;
    /* results */
    size_t heard;      /* by all listeners together */
    size_t published;  /* answered OK */
    char failure[256]; /* "" if all went well */
};
bool good_run(struct good *good);

/* Asks the router for its STATUS; malloc'ed JSON, NULL if it did not answer within a minute. */
char *good_status(const char *endpoint);

#endif
