/* Files as a reader of the folder sees them: written beside, synced, renamed, folder synced. */
#ifndef CHANNEL_PLACE_H
#define CHANNEL_PLACE_H

#include "context.h"

/* A name of letters, digits, - _ . that is no hidden file and leads nowhere else; 200 at most. */
bool place_is_name(const char *text);
/* Takes the place of what has that name. Makes the folder, not those above it. Blocks. LD_OK,
 * LD_INVALID (the path is too long), or as the files say; a reader then sees what was there. */
int place_file(const struct ld_context *context, const char *folder, const char *name,
               const char *text, struct ld_error *error) LD_MUST_USE;

#endif
