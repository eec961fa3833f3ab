/* Story lines on the screen, as text or JSON lines. */
#ifndef CLI_TELLING_H
#define CLI_TELLING_H

#include "cli.h"
#include "picture/enum_name.h"
#include "picture/story.h"

/* A story_line_fn; data is a const struct cli *. */
void telling_line(const struct story_line *line, void *data);
/* What stands at the end, for one incident (NULL: nothing is told) or for all of them. */
void telling_incident(const struct cli *cli, const struct picture_incident *incident,
                      const struct plan *names);
/* An order's state in the language of the screen; word is used where it has to be built. */
const char *order_state(const struct cli *cli, char word[ENUM_WORD_SIZE], int state);
json_t *telling_incident_json(const struct picture_incident *incident);

#endif
