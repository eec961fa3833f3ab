/* Which services are there and how far they are, from the router's status. */
#ifndef CLI_HEALTH_H
#define CLI_HEALTH_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { HEALTH_SERVICES = 6, HEALTH_SILENT_MS = 3000 };
extern const char *const HEALTH_NAMES[HEALTH_SERVICES];

struct health {
    size_t streams;
    size_t alive; /* of its sessions, those heard within HEALTH_SILENT_MS */
    uint64_t lag; /* the longest */
};
/* service: one of HEALTH_NAMES, under its own name or as "name#instance". */
void health_of(json_t *status, const char *service, struct health *health);

#endif
