/* Parts of a Grade in words, in the language of the screen. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "buffer.h"
#include "cli.h"
#include "why.h"

/* The condition that a criterion's count of this index belongs to; NULL if the plan has none. */
const struct plan_condition *words_condition(const struct plan *plan, const char *criterion,
                                             size_t index);
/* "Lucheng District, cases 13 (at least 10 and at most 29), within 7d until 2026-11-22 09:00" and,
 * where it does not hold, what it lacks. */
void words_count(struct ld_buffer *buffer, const struct cli *cli, const struct plan *plan,
                 const struct plan_condition *condition, const Liandong__V1__Count *count);
/* "event 12: Lucheng District, Broad Street, onset …, by …: cases 3, deaths 1". */
void words_input(struct ld_buffer *buffer, const struct cli *cli, const struct plan *plan,
                 const struct why_input *input);

#endif
