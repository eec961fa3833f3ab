/*
 * Foreign CAP messages as reports (docs/notices.md, "Taking in"): by rules that are data. Pure: no
 * bus, no clock.
 */
#ifndef CLI_CAP_TAKE_H
#define CLI_CAP_TAKE_H

#include "cap/cap.h"
#include "liandong/v1/report.pb-c.h"

struct cap_rules;

/* Reads the rules. LD_OK; LD_NOTFOUND (the file cannot be read); LD_INVALID with line and reason.
 */
int cap_rules_open(const char *path, struct cap_rules **out, struct ld_error *error) LD_MUST_USE;
void cap_rules_free(struct cap_rules *rules); /* NULL is legal */

/* The message as a report, in the arena: all but author and time of receipt. area: NULL, or in
 * place of the message's own. LD_OK; LD_INVALID with what was expected: an Alert, Update or Cancel
 * that is Actual or Exercise, that a rule fits, about an area. */
int cap_take(const struct cap_rules *rules, const struct cap *cap, const char *area,
             struct ld_arena *arena, Liandong__V1__Report *report,
             struct ld_error *error) LD_MUST_USE;

#endif
