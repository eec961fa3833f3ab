/* Times as text. Times are microseconds since 1970 UTC; people see them with a fixed offset. */
#ifndef LD_BASE_TIMEFMT_H
#define LD_BASE_TIMEFMT_H

#include <liandong/error.h>
#include <stdint.h>

#define LD_US_SECOND            INT64_C(1000000)
#define LD_US_MINUTE            (60 * LD_US_SECOND)
#define LD_US_HOUR              (60 * LD_US_MINUTE)
#define LD_US_DAY               (24 * LD_US_HOUR)
#define LD_CHINA_OFFSET_MINUTES 480

/* The midnight in China (UTC+8) that begins the local day of this moment. */
int64_t ld_china_midnight(int64_t time_us);
#define LD_TIME_TEXT_SIZE 40

/* "2026-11-22T10:00:00+08:00" (CAP 1.2's form: whole seconds, numeric offset). Returns text. */
const char *ld_time_format(char text[LD_TIME_TEXT_SIZE], int64_t time_us, int offset_minutes);
/* "2026-11-22" in the offset's local day. */
const char *ld_date_format(char text[LD_TIME_TEXT_SIZE], int64_t time_us, int offset_minutes);
/* ISO 8601 "2026-11-22", "2026-11-22T10:00", "2026-11-22T10:00:00[.ffffff]", each optionally with
 * "Z" or "+08:00"; without one, offset_minutes holds. LD_OK or LD_INVALID with the reason. */
int ld_time_parse(const char *text, int offset_minutes, int64_t *time_us,
                  struct ld_error *error) LD_MUST_USE;
/* "90s", "30m", "2h", "7d", "1h30m", "0s" to microseconds. LD_OK or LD_INVALID. */
int ld_duration_parse(const char *text, int64_t *duration_us, struct ld_error *error) LD_MUST_USE;
/* "7d", "1h30m", "45s"; sub-second parts are dropped. Returns text. */
const char *ld_duration_format(char text[LD_TIME_TEXT_SIZE], int64_t duration_us);

#endif
