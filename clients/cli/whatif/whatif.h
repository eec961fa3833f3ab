/* Two courses side by side: as it was, and what if. */
#ifndef CLI_WHATIF_H
#define CLI_WHATIF_H

#include "cli.h"
#include "paper/paper.h"
#include "whatif/run.h"

struct whatif_row { /* one of them is NULL if only the other has it */
    const struct course_item *was, *now;
};
struct whatif_rows {
    struct whatif_row *all;
    size_t count, capacity;
};

struct whatif {
    const char *log;                      /* its folder */
    const struct whatif_changes *changes; /* what was changed */
    const char *until, *add;              /* as given; NULL: not */
    const struct cli_list *drops;         /* as given */
    struct course was, now;
    struct whatif_rows rows[COURSE_KINDS]; /* those that differ, by kind; incidents: all */
};

/* Both courses are whole: finds what differs. */
void whatif_compare(struct whatif *whatif);
void whatif_free(struct whatif *whatif); /* courses and rows */

/* Does anything differ? */
bool whatif_differs(const struct whatif *whatif);
bool whatif_same(const struct course_item *a, const struct course_item *b);

/* The lines of both stories in order of time, those of a moment beside each other: was and now say
 * the same, or each what only it has; one of them is NULL where the other has more to say. */
typedef void whatif_line_fn(const struct course_line *was, const struct course_line *now,
                            void *data);
void whatif_lines(const struct whatif *whatif, whatif_line_fn *each, void *data);

struct paper *whatif_paper(const struct cli *cli, const struct whatif *whatif);
json_t *whatif_json(const struct whatif *whatif);

/* Names of the kinds in JSON: "grade" … */
extern const char *const WHATIF_KIND_NAMES[COURSE_KINDS];

#endif
