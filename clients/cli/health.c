#include "health.h"

#include <stdbool.h>
#include <string.h>

const char *const HEALTH_NAMES[HEALTH_SERVICES] = {"reporting", "grading",      "command",
                                                   "duty",      "notification", "supplies"};

static bool is_service(json_t *entry, const char *service)
{
    const char *identity = json_string_value(json_object_get(entry, "identity"));
    size_t size = strlen(service);
    return identity != NULL && strncmp(identity, service, size) == 0 &&
           (identity[size] == '\0' || identity[size] == '#');
}

void health_of(json_t *status, const char *service, struct health *health)
{
    size_t index;
    json_t *entry;
    *health = (struct health){0};
    json_array_foreach(json_object_get(status, "streams"), index, entry)
    {
        uint64_t lag = (uint64_t)json_integer_value(json_object_get(entry, "lag"));
        if (!is_service(entry, service))
            continue;
        health->streams++;
        health->lag = lag > health->lag ? lag : health->lag;
    }
    json_array_foreach(json_object_get(status, "sessions"), index, entry) health->alive +=
        is_service(entry, service) &&
        json_integer_value(json_object_get(entry, "silent_ms")) < HEALTH_SILENT_MS;
}
