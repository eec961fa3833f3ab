/*
 * Times as text and back, with pure arithmetic on the proleptic Gregorian calendar: no time zone
 * data, no locale, the same on every machine. Days are counted as in H. Hinnant,
 * "chrono-compatible low-level date algorithms": years begin in March, so that a leap day is last.
 */
#include "timefmt.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { YEAR_MIN = 1, YEAR_MAX = 9999, OFFSET_MINUTES_MAX = 18 * 60 };

struct civil {
    int year, month, day, hour, minute, second;
    int64_t fraction_us;
};

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = floor_divide(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, struct civil *out)
{
    days += 719468;
    int64_t era = floor_divide(days, 146097);
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    out->day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    out->month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    out->year = (int)(year_of_era + era * 400 + (out->month <= 2));
}

static void civil_from_us(int64_t time_us, int offset_minutes, struct civil *out)
{
    int64_t local_s = floor_divide(time_us, LD_US_SECOND) + offset_minutes * INT64_C(60);
    int64_t days = floor_divide(local_s, 86400);
    int second_of_day = (int)(local_s - days * 86400);
    *out = (struct civil){.hour = second_of_day / 3600,
                          .minute = second_of_day / 60 % 60,
                          .second = second_of_day % 60};
    civil_from_days(days, out);
}

const char *ld_time_format(char text[LD_TIME_TEXT_SIZE], int64_t time_us, int offset_minutes)
{
    struct civil c;
    civil_from_us(time_us, offset_minutes, &c);
    int offset = offset_minutes < 0 ? -offset_minutes : offset_minutes;
    snprintf(text, LD_TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", c.year, c.month,
             c.day, c.hour, c.minute, c.second, offset_minutes < 0 ? '-' : '+', offset / 60 % 100,
             offset % 60);
    return text;
}

int64_t ld_china_midnight(int64_t time_us)
{
    int64_t local_us = time_us + LD_CHINA_OFFSET_MINUTES * LD_US_MINUTE;
    int64_t into_us = local_us % LD_US_DAY;
    return time_us - (into_us < 0 ? into_us + LD_US_DAY : into_us);
}

const char *ld_date_format(char text[LD_TIME_TEXT_SIZE], int64_t time_us, int offset_minutes)
{
    struct civil c;
    civil_from_us(time_us, offset_minutes, &c);
    snprintf(text, LD_TIME_TEXT_SIZE, "%04d-%02d-%02d", c.year, c.month, c.day);
    return text;
}

/* ---- parsing ---- */

static bool take(const char **at, char byte)
{
    if (**at != byte)
        return false;
    (*at)++;
    return true;
}

static bool take_digits(const char **at, int digits, int *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *value = *value * 10 + (**at - '0');
    }
    return true;
}

static bool take_date(const char **at, struct civil *c)
{
    return take_digits(at, 4, &c->year) && take(at, '-') && take_digits(at, 2, &c->month) &&
           take(at, '-') && take_digits(at, 2, &c->day);
}

static bool take_fraction(const char **at, struct civil *c)
{
    int64_t unit_us = LD_US_SECOND / 10;
    int digits = 0;
    for (; **at >= '0' && **at <= '9' && digits < 6; (*at)++, digits++) {
        c->fraction_us += unit_us * (**at - '0');
        unit_us /= 10;
    }
    return digits > 0;
}

static bool take_clock(const char **at, struct civil *c)
{
    if (!take_digits(at, 2, &c->hour) || !take(at, ':') || !take_digits(at, 2, &c->minute))
        return false;
    if (!take(at, ':'))
        return true;
    return take_digits(at, 2, &c->second) && (!take(at, '.') || take_fraction(at, c));
}

static bool take_offset(const char **at, int *offset_minutes)
{
    if (**at == 0)
        return true;
    if (take(at, 'Z')) {
        *offset_minutes = 0;
        return true;
    }
    bool west = **at == '-';
    int hours, minutes;
    if ((!take(at, '+') && !take(at, '-')) || !take_digits(at, 2, &hours) || !take(at, ':') ||
        !take_digits(at, 2, &minutes) || minutes > 59)
        return false;
    *offset_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
    return hours * 60 + minutes <= OFFSET_MINUTES_MAX;
}

static int month_days(int year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return DAYS[month - 1] + (month == 2 && leap);
}

static bool civil_valid(const struct civil *c)
{
    return c->year >= YEAR_MIN && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= month_days(c->year, c->month) && c->hour <= 23 && c->minute <= 59 &&
           c->second <= 59;
}

int ld_time_parse(const char *text, int offset_minutes, int64_t *time_us, struct ld_error *error)
{
    struct civil c = {0};
    const char *at = text;
    bool good = take_date(&at, &c) && (!take(&at, 'T') || take_clock(&at, &c)) &&
                take_offset(&at, &offset_minutes) && *at == 0;
    if (!good)
        return ld_fail(error, LD_INVALID,
                       "'%.60s' is not a time like 2026-11-22 or 2026-11-22T10:00:00+08:00", text);
    if (!civil_valid(&c))
        return ld_fail(error, LD_INVALID, "'%.60s' is not on the calendar or the clock", text);
    int64_t seconds = days_from_civil(c.year, c.month, c.day) * 86400 + c.hour * 3600 +
                      c.minute * 60 + c.second - offset_minutes * INT64_C(60);
    *time_us = seconds * LD_US_SECOND + c.fraction_us;
    return LD_OK;
}

static int64_t unit_us(char unit)
{
    switch (unit) {
    case 'd':
        return LD_US_DAY;
    case 'h':
        return LD_US_HOUR;
    case 'm':
        return LD_US_MINUTE;
    case 's':
        return LD_US_SECOND;
    default:
        return 0;
    }
}

/* Adds "<number><unit>" to the sum; each unit has to be smaller than the one before. */
static bool take_part(const char **at, int64_t *unit_before_us, int64_t *sum_us)
{
    int64_t count = 0;
    const char *start = *at;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (*at - start >= 9)
            return false;
        count = count * 10 + (**at - '0');
    }
    int64_t unit = unit_us(**at);
    if (*at == start || unit == 0 || unit >= *unit_before_us)
        return false;
    (*at)++;
    *unit_before_us = unit;
    return !__builtin_mul_overflow(count, unit, &count) &&
           !__builtin_add_overflow(*sum_us, count, sum_us);
}

int ld_duration_parse(const char *text, int64_t *duration_us, struct ld_error *error)
{
    const char *at = text;
    int64_t sum_us = 0, unit_before_us = INT64_MAX;
    do {
        if (!take_part(&at, &unit_before_us, &sum_us))
            return ld_fail(error, LD_INVALID,
                           "'%.60s' is not a duration like 90s, 30m, 1h30m or 7d", text);
    } while (*at);
    *duration_us = sum_us;
    return LD_OK;
}

const char *ld_duration_format(char text[LD_TIME_TEXT_SIZE], int64_t duration_us)
{
    static const char UNITS[] = "dhms";
    uint64_t seconds =
        (uint64_t)(duration_us < 0 ? -(duration_us / LD_US_SECOND) : duration_us / LD_US_SECOND);
    size_t used = 0;
    if (duration_us < 0 && seconds > 0)
        text[used++] = '-';
    size_t start = used;
    for (size_t i = 0; UNITS[i]; i++) {
        uint64_t unit = (uint64_t)(unit_us(UNITS[i]) / LD_US_SECOND);
        if (seconds < unit)
            continue;
        used += (size_t)snprintf(text + used, LD_TIME_TEXT_SIZE - used, "%llu%c",
                                 (unsigned long long)(seconds / unit), UNITS[i]);
        seconds %= unit;
    }
    if (used == start)
        snprintf(text + used, LD_TIME_TEXT_SIZE - used, "0s");
    return text;
}
