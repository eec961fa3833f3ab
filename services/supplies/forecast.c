/*
 * Days left: use is kept by days in China, for the last USE_DAYS of them; the rate is their mean
 * (from the first day of use on, so that a new holder is not thought thrifty).
 */
#include "forecast.h"

#include "timefmt.h"

__extension__ typedef __int128 wide;

static const int64_t FURTHEST_US = 3660 * LD_US_DAY;

static void turn_to(struct use *use, int64_t day_us)
{
    while (use->day_us < day_us) {
        if (day_us - use->day_us > USE_DAYS * LD_US_DAY) {
            memset(use->used, 0, sizeof use->used);
            use->day_us = day_us;
            return;
        }
        use->day_us += LD_US_DAY;
        use->used[use->day_us / LD_US_DAY % USE_DAYS] = 0;
    }
}

void forecast_used(struct holding *holding, int64_t quantity, int64_t now_us)
{
    struct use *use = &holding->use;
    int64_t day_us = ld_china_midnight(now_us);
    use->first_day_us = use->first_day_us == 0 ? day_us : use->first_day_us;
    turn_to(use, day_us);
    use->used[day_us / LD_US_DAY % USE_DAYS] += quantity;
}

/* Used in how many days, today among them. */
static int64_t used_lately(const struct use *use, int64_t now_us, int64_t *days)
{
    struct use copy = *use;
    int64_t total = 0, day_us = ld_china_midnight(now_us);
    turn_to(&copy, day_us);
    for (int i = 0; i < USE_DAYS; i++) {
        total += copy.used[i];
    }
    int64_t since = (day_us - use->first_day_us) / LD_US_DAY + 1;
    *days = since < USE_DAYS ? since : USE_DAYS;
    return total;
}

bool forecast_is_used(const struct holding *holding, int64_t now_us)
{
    int64_t days;
    return used_lately(&holding->use, now_us, &days) > 0;
}

int64_t forecast_lasts_until(const struct holding *holding, int64_t now_us)
{
    int64_t days, until_us = now_us;
    int64_t used = used_lately(&holding->use, now_us, &days);
    if (holding->on_hand == 0) {
        return 0;
    }
    if (used == 0) {
        return INT64_MAX;
    }
    for (size_t i = 0; i < holding->batches.count; i++) {
        const struct batch *batch = &holding->batches.all[i];
        wide end = until_us + (wide)batch->quantity * days * LD_US_DAY / used;
        if (batch->expires_at_us != 0 && end > batch->expires_at_us) {
            end = batch->expires_at_us > until_us ? batch->expires_at_us : until_us;
        }
        if (end >= now_us + FURTHEST_US) {
            return now_us + FURTHEST_US;
        }
        until_us = (int64_t)end;
    }
    return until_us;
}
