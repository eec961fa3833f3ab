/* Random events from outside, good and bad, from a seed: reports, decisions, replies to orders that
 * exist, supply acts, bytes that are no message. The same seed gives the same inputs. */
#ifndef TESTS_SIM_INPUTS_H
#define TESTS_SIM_INPUTS_H

#include <stddef.h>
#include <stdint.h>

enum { INPUT_PAYLOAD_MAX = 4096, ORDERS_KNOWN_MAX = 512 };

struct input {
    char producer[64];
    char topic[256];
    uint8_t payload[INPUT_PAYLOAD_MAX];
    size_t payload_size;
};

struct generator {
    uint64_t state;
    uint64_t made;
    int64_t now_us;
    /* What the generator has seen and can refer to. */
    char incident[16][128];
    size_t incident_count;
    struct {
        char incident[128];
        int level, step;
    } procedure; /* a procedure followed step by step, among the random acts */
    struct {
        char unit[64], order[192];
    } order[ORDERS_KNOWN_MAX];
    size_t order_count;
};

void generator_open(struct generator *generator, uint64_t seed);
uint64_t generator_below(struct generator *generator, uint64_t bound);
void generator_next(struct generator *generator, struct input *input);
void generator_saw_incident(struct generator *generator, const char *incident);
void generator_saw_order(struct generator *generator, const char *unit, const char *order);

#endif
