/* Where a message holds: polygons, circles and heights (OASIS CAP-v1.2, 3.2.4). */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

static const char BLANKS[] = " \t\r\n";

/* A plain decimal within the bounds at *at, which is moved behind it. */
static bool take_number(const char **at, double lowest, double highest, double *number)
{
    size_t size = strspn(*at, "+-.0123456789");
    char plain[32], *end;
    if (size == 0 || size >= sizeof plain)
        return false;
    memcpy(plain, *at, size);
    plain[size] = '\0';
    *number = strtod(plain, &end);
    *at += size;
    return *end == '\0' && *number >= lowest && *number <= highest;
}

static bool take_point(const char **at, double *latitude, double *longitude)
{
    if (!take_number(at, -90, 90, latitude) || **at != ',')
        return false;
    (*at)++;
    return take_number(at, -180, 180, longitude);
}

static bool is_polygon(const char *text)
{
    double first[2] = {0, 0}, last[2] = {0, 0};
    size_t count = 0;
    for (; *text != '\0'; count++) {
        if (!take_point(&text, &last[0], &last[1]) ||
            (*text != '\0' && strchr(BLANKS, *text) == NULL))
            return false;
        text += strspn(text, BLANKS);
        if (count == 0)
            memcpy(first, last, sizeof first);
    }
    return count >= 4 && !(first[0] < last[0] || first[0] > last[0]) &&
           !(first[1] < last[1] || first[1] > last[1]);
}

static bool is_circle(const char *text)
{
    double latitude, longitude, radius_km;
    if (!take_point(&text, &latitude, &longitude) || strspn(text, BLANKS) == 0)
        return false;
    text += strspn(text, BLANKS);
    return take_number(&text, 0, 20100, &radius_km) && *text == '\0';
}

static void check_heights(const xmlNode *area, struct cap_findings *findings)
{
    const xmlNode *ceiling = cap_child(area, "ceiling"), *altitude = cap_child(area, "altitude");
    if (ceiling == NULL)
        return;
    double lower = altitude == NULL ? 0 : strtod(cap_trimmed(&findings->arena, altitude), NULL);
    double upper = strtod(cap_trimmed(&findings->arena, ceiling), NULL);
    if (altitude == NULL || upper < lower)
        cap_say(findings, ceiling, SAY_CEILING, NULL, NULL);
}

void cap_check_area(const xmlNode *area, struct cap_findings *findings)
{
    bool shaped = cap_child(area, "geocode") != NULL;
    for (xmlNodePtr at = cap_child(area, "polygon"); at != NULL; at = cap_next(at, "polygon")) {
        const char *text = cap_trimmed(&findings->arena, at);
        shaped = true;
        if (*text != '\0' && !is_polygon(text))
            cap_say(findings, at, SAY_POLYGON, text, NULL);
    }
    for (xmlNodePtr at = cap_child(area, "circle"); at != NULL; at = cap_next(at, "circle")) {
        const char *text = cap_trimmed(&findings->arena, at);
        shaped = true;
        if (*text != '\0' && !is_circle(text))
            cap_say(findings, at, SAY_CIRCLE, text, NULL);
    }
    check_heights(area, findings);
    if (!shaped)
        cap_say(findings, area, SAY_AREA_WORDS, NULL, NULL);
}
