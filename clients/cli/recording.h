/* A log on disk of what is played in memory: a drill's, as a drill router would have written it. */
#ifndef CLI_RECORDING_H
#define CLI_RECORDING_H

#include <liandong/record.h>

#include "context.h"

struct recording;
/* directory must hold no log yet. LD_OK; LD_INVALID if there is one; evlog_open's errors. */
int recording_open(const struct ld_context *context, const char *directory,
                   struct recording **recording, struct ld_error *error) LD_MUST_USE;
/* The next record. What fails is told by recording_close. */
void recording_take(struct recording *recording, const struct ld_record *record);
/* Makes it durable and frees. The first error, if there was one. NULL is legal: LD_OK. */
int recording_close(struct recording *recording, struct ld_error *error) LD_MUST_USE;

#endif
