/* Story lines on the screen, as text or JSON lines. */
#ifndef CLI_TELLING_H
#define CLI_TELLING_H

#include "cli.h"
#include "picture/story.h"

/* A story_line_fn; data is a const struct cli *. */
void telling_line(const struct story_line *line, void *data);
/* What stands at the end, for one incident (NULL: nothing is told) or for all of them. */
void telling_incident(const struct cli *cli, const struct picture_incident *incident,
                      const struct plan *names);
json_t *telling_incident_json(const struct picture_incident *incident);

#endif
