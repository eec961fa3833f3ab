/* The router's status as the CLI reads it: any JSON, with any types in its places. */
#include "fuzz.h"

#include "health.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = json_loadb((const char *)data, size, 0, NULL);
    if (json == NULL)
        return 0;
    for (size_t i = 0; i < HEALTH_SERVICES; i++) {
        struct health health;
        health_of(json, HEALTH_NAMES[i], &health);
        fuzz_check(health.alive == 0 || json_object_get(json, "sessions") != NULL);
    }
    json_decref(json);
    return 0;
}
